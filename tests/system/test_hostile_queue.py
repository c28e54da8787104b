"""A server that answers what no sane server would: bounded time and memory, a line in the log, no
message deleted, and recovery by itself.

ctest: slow timeout=600
"""
import base64
import gzip
import re
import socket
import threading
import time
import unittest
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
import mns

PEAK_BYTES_MAX = (256 << 20) if not harness.SANITIZED else (1 << 30)
SENT_BYTES_MAX = 64 << 20  # what an endless answer sends before it gives up by itself
HOSTILE_ANSWERS = 3  # a server that is busy is worth a line from the third time on
INVISIBLE_S = 5  # an answer that its client no longer waited for loses the message for so long
GOOD_HANDLE = "1-ODU4OTkzNDU5My0xNDM1+TI3/LTItNg=="
EMPTY = "<Error><Code>MessageNotExist</Code><Message>Message not exist.</Message></Error>"


def message_xml(body, handle=GOOD_HANDLE, times=1):
    return (
        f"<Message><MessageId>5F29</MessageId><ReceiptHandle>{handle}</ReceiptHandle>"
        f"<MessageBodyMD5>0</MessageBodyMD5><MessageBody>{body}</MessageBody>"
        f"<EnqueueTime>1600000000000</EnqueueTime><NextVisibleTime>9999999999999</NextVisibleTime>"
        f"<FirstDequeueTime>1600000000000</FirstDequeueTime><DequeueCount>{times}</DequeueCount>"
        f"<Priority>8</Priority></Message>"
    )


def encoded(number):
    body = harness.reading("p/d1", {"v": number}, harness.snowflake(1600000000000 + number), 1600000000)
    return base64.b64encode(body).decode()


EVIL = encoded(666)  # stands in every hostile answer that holds a message: it must not get in
EVIL_XML = f"<Messages>{message_xml(EVIL, 'evil')}</Messages>"


def good_xml(times):
    one = message_xml(encoded(1), times=times)
    return f'<?xml version="1.0"?><Messages xmlns="http://mns.aliyuncs.com/doc/v1">{one}</Messages>'


def http(status, body, *headers, length=None):
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/xml", f"Content-Length: {len(data) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + data


def unframed(body):
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n" + body.encode()


def endless(first, piece):
    """An answer without end; the client must hang up."""

    def send(connection):
        connection.sendall(first)
        sent = 0
        while sent < SENT_BYTES_MAX:
            connection.sendall(piece)
            sent += len(piece)
        raise AssertionError("the client took an endless answer")

    return send


def drip(data, pause_s):
    def send(connection):
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause_s)

    return send


def entity_bomb():
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><Messages>{message_xml("&l11;", "evil")}</Messages>'


def hostile_answers(elsewhere):
    """Name -> bytes, or a function that sends. `elsewhere` is an address that must never be asked."""
    chunked = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    xxe = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    dtd = f'<!DOCTYPE Messages SYSTEM "http://{elsewhere}/evil.dtd">'
    return {
        "half a body": http("200 OK", EVIL_XML[: len(EVIL_XML) // 2], length=len(EVIL_XML)),
        "half a body without framing": unframed(EVIL_XML[: len(EVIL_XML) * 3 // 4]),
        "a cut chunked body": chunked + b"400\r\n" + EVIL_XML.encode()[:200],
        "an endless body": endless(chunked, b"10000\r\n" + b" " * 65536 + b"\r\n"),
        "an endless body without framing": endless(unframed("<Messages>"), b" " * 65536),
        "a flood of headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-Flood: yes\r\n" * 1000),
        "an endless header": endless(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 65536),
        "a gzip bomb": http("200 OK", gzip.compress(EVIL_XML.encode() + b" " * (200 << 20), 1), "Content-Encoding: gzip"),
        "a slow drip of the body": drip(http("200 OK", EVIL_XML), 0.3),
        "a slow drip of headers": drip(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1000, 0.3),
        "no XML": http("200 OK", "<html><body>Welcome</bod"),
        "text": http("200 OK", "OK"),
        "an empty success": http("200 OK", ""),
        "an error as success": http("200 OK", "<Error><Code>InternalError</Code></Error>"),
        "an unknown root": http("200 OK", f"<Surprise>{message_xml(EVIL, 'evil')}</Surprise>"),
        "an entity bomb": http("200 OK", entity_bomb()),
        "an entity that reads files": http("200 OK", f'{xxe}<Messages>{message_xml("&e;", "evil")}</Messages>'),
        "an external document type": http("200 OK", dtd + EVIL_XML),
        "deep nesting": http("200 OK", "<a>" * 100000),
        "too long a length": http("200 OK", EVIL_XML, length=len(EVIL_XML) + 1000),
        "too short a length": http("200 OK", EVIL_XML, length=len(EVIL_XML) - 20),
        "a negative length": http("200 OK", EVIL_XML, length=-5),
        "two lengths": http("200 OK", EVIL_XML, "Content-Length: 7"),
        "seventeen messages": http("200 OK", "<Messages>" + message_xml(EVIL, "evil") * 17 + "</Messages>"),
        "a message without handle": http("200 OK", "<Messages>" + message_xml(EVIL, "").replace("<ReceiptHandle></ReceiptHandle>", "") + "</Messages>"),
        "a number that is none": http("200 OK", EVIL_XML.replace("<DequeueCount>1<", "<DequeueCount>-1e9<")),
        "bad UTF-8": http("200 OK", EVIL_XML.encode().replace(b"5F29", b"\xff\xfe")),
        "a NUL": http("200 OK", EVIL_XML.encode().replace(b"5F29", b"5F\x0029")),
        "a redirect": http("302 Found", "", f"Location: http://{elsewhere}/queues/x/messages"),
        "a permanent redirect": http("308 Permanent Redirect", "", f"Location: http://{elsewhere}/queues/x/messages"),
        "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n" + b"x" * 1000,
        "an odd status": http("999 Odd", EVIL_XML),
        "nothing at all": b"",
        "a bad gateway": http("502 Bad Gateway", "<html>502</html>").replace(b"text/xml", b"text/html"),
        "a busy server": http("503 Service Unavailable", "", "Retry-After: 1"),
        "a body where none may be": http("204 No Content", EVIL_XML),
    }  # fmt: skip


class HostileServer:
    """Answers receives with `answer` the first times, then as a queue with one good message."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.receives = 0
        self.deletes = []
        self.good_times = 0  # that the good message was handed out
        self.good_visible_s = 0.0  # monotonic
        self.good_is_deleted = False
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        # No other test's client, which knew this port from a server before, asks for such a queue.
        self.queue = f"hostile-{uuid.uuid4().hex}"
        self.url = f"http://127.0.0.1:{self.port}/queues/{self.queue}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                data = b""
                while True:
                    data = self.serve_one(connection, data)
            except (OSError, AssertionError, EOFError):
                pass

    def serve_one(self, connection, data):
        while b"\r\n\r\n" not in data:
            data += self.more(connection)
        head, _, data = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        length = int(length.group(1)) if length else 0
        while len(data) < length:
            data += self.more(connection)
        method, target = head.split(b" ")[:2]
        self.reply(connection, method.decode(), target.decode(), head, data[:length])
        return data[length:]

    @staticmethod
    def more(connection):
        got = connection.recv(65536)
        if not got:
            raise EOFError
        return got

    def reply(self, connection, method, target, head, body):
        is_for_messages = target.partition("?")[0] == f"/queues/{self.queue}/messages"
        with self.lock:
            self.requests.append((method, target, head))
        if not is_for_messages:
            connection.sendall(http("404 Not Found", "<Error><Code>QueueNotExist</Code></Error>"))
        elif method == "GET":
            self.reply_receive(connection)
        else:
            connection.sendall(self.changed(method, target, body))

    def reply_receive(self, connection):
        with self.lock:
            self.receives += 1
            is_hostile = self.receives <= HOSTILE_ANSWERS
        if not is_hostile:
            connection.sendall(self.received())
            return
        if callable(self.answer):
            self.answer(connection)
        else:
            connection.sendall(self.answer)
        raise EOFError  # hostile answers end their connection

    def received(self):
        with self.lock:
            if not self.good_is_deleted and time.monotonic() >= self.good_visible_s:
                self.good_times += 1
                self.good_visible_s = time.monotonic() + INVISIBLE_S
                return http("200 OK", good_xml(self.good_times))
        time.sleep(0.3)
        return http("404 Not Found", EMPTY)

    def changed(self, method, target, body):
        """The answer to a delete; to a change of visibility: that the handle is not known."""
        with self.lock:
            if method == "DELETE":
                self.deletes.append((self.receives, target, body))
            is_good = GOOD_HANDLE in urllib.parse.unquote(target) or GOOD_HANDLE.encode() in body
            if method != "DELETE" or not is_good:
                return http("404 Not Found", EMPTY)
            self.good_is_deleted = True
            return b"HTTP/1.1 204 No Content\r\n\r\n"

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # ends the thread that accepts
        self.listener.close()


def peak_bytes(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text).group(1)) << 10


class HostileQueue(unittest.TestCase):
    def check_answer(self, name, answer):
        server = HostileServer(answer)
        try:
            db = harness.Db(self)
            ingest = mns.Ingest(
                self, db.path, server.url,
                more=["--wait", "1s", "--commit-window", "10ms", "--log-format", "logfmt"],
            )  # fmt: skip
            mns.wait_until(lambda: server.good_is_deleted or not ingest.running(), f"the delete after {name}", timeout=150)
            self.assertTrue(ingest.running(), f"{name}: ingest ended: {ingest.err!r}")
            peak = peak_bytes(ingest.pid)
            self.assertEqual(ingest.stop(), 0, (name, ingest.err))
            self.check_outcome(name, server, db, ingest, peak)
        finally:
            server.close()

    def check_outcome(self, name, server, db, ingest, peak):
        self.assertLess(peak, PEAK_BYTES_MAX, name)
        for receives, target, body in server.deletes:
            self.assertGreater(receives, HOSTILE_ANSWERS, f"{name}: deleted before a good answer: {target} {body}")
            self.assertNotIn(b"evil", body, name)
        self.assertEqual([r["v_sum"] for r in db.query("stats", "v", "--agg", "sum")], ["1"], name)
        self.assertEqual(db.query("rejects"), [], name)
        self.assertRegex(ingest.err, rb"level=(warning|error) ", name)
        self.assertNotIn(mns.KEY_SECRET.encode(), ingest.err, name)

    def test_whatever_a_server_answers_ingest_goes_on_and_loses_nothing(self):
        elsewhere = socket.create_server(("127.0.0.1", 0))
        elsewhere.settimeout(0.1)
        self.addCleanup(elsewhere.close)
        answers = hostile_answers(f"127.0.0.1:{elsewhere.getsockname()[1]}")
        with ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(self.check_answer, *one) for one in answers.items()]:
                done.result()
        with self.assertRaises(TimeoutError):
            elsewhere.accept()


if __name__ == "__main__":
    unittest.main()
