"""mnsdb-localqueue over raw sockets, with the habits of the clients that speak the protocol.

ctest: timeout=600
"""
import base64
import hashlib
import hmac
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree as ET
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import harness

KEY_ID, SECRET = "testAk", "testSk"
SLASH = "http://mns.aliyuncs.com/doc/v1/"
NO_SLASH = "http://mns.aliyuncs.com/doc/v1"


class Server:
    def __init__(self, test, *args, home=None):
        self.home = Path(tempfile.mkdtemp(prefix="mnsdb-localqueue-"))
        test.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        secret = self.home / "secret"
        secret.write_text(SECRET + "\n")
        self.process = subprocess.Popen(
            [harness.bin_dir() / "mnsdb-localqueue", "--port", "0", "--access-key-id", KEY_ID,
             "--access-key-secret-file", secret, *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=harness.environment())  # fmt: skip
        test.addCleanup(self.kill)
        word, self.url = self.process.stdout.readline().decode().split()
        assert word == "ready", word
        self.port = int(self.url.rsplit(":", 1)[1])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err.decode()


class Reply:
    def __init__(self, raw, status, headers, body):
        self.raw, self.status, self.headers, self.body = raw, status, headers, body

    @property
    def root(self):
        return ET.fromstring(self.body)

    def texts(self, name):
        return [e.text for e in self.root.iter() if e.tag.rsplit("}", 1)[-1] == name]

    def text(self, name):
        return self.texts(name)[0]


class Client:
    """One client's habits; the defaults are the plainest."""

    content_type = "text/xml;charset=UTF-8"
    type_on_all = False
    md5 = None  # "hex" or "raw"
    namespace = NO_SLASH
    escapes = False
    absolute = False
    expect = False
    mns_date = False
    single_delete_body = False
    handle_element = "ReceiptHandle"
    handle_parameter = "ReceiptHandle"
    visibility_parameter = "VisibilityTimeout"
    token = None

    def __init__(self, server, secret=SECRET, key_id=KEY_ID):
        self.server, self.secret, self.key_id = server, secret, key_id
        self.socket = None

    def connect(self):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.server.port), timeout=60)
            self.file = self.socket.makefile("rb")

    def close(self):
        if self.socket is not None:
            self.file.close()
            self.socket.close()
            self.socket = None

    def headers(self, method, target, body, offset_s=0):
        date = formatdate(time.time() + offset_s, usegmt=True)
        headers = {"Host": f"127.0.0.1:{self.server.port}", "Date": date, "x-mns-version": "2015-06-06"}
        if self.content_type and (body or self.type_on_all):
            headers["Content-Type"] = self.content_type
        if self.md5 and body:
            digest = hashlib.md5(body)
            plain = digest.hexdigest().encode() if self.md5 == "hex" else digest.digest()
            headers["Content-MD5"] = base64.b64encode(plain).decode()
        if self.mns_date:
            headers["x-mns-date"] = date
        if self.token:
            headers["security-token"] = self.token
        headers["Authorization"] = self.sign(method, target, headers)
        return headers

    def sign(self, method, target, headers):
        mns = sorted((k.lower(), v) for k, v in headers.items() if k.lower().startswith("x-mns-"))
        text = "\n".join([method, headers.get("Content-MD5", ""), headers.get("Content-Type", ""),
                          headers.get("Date", ""), *(f"{k}:{v}" for k, v in mns), target])  # fmt: skip
        mac = hmac.new(self.secret.encode(), text.encode(), hashlib.sha1).digest()
        return f"MNS {self.key_id}:{base64.b64encode(mac).decode()}"

    def call(self, method, target, body="", change=None, offset_s=0):
        body = body.encode()
        headers = self.headers(method, target, body, offset_s)
        if change:
            headers.update(change)
            headers = {k: v for k, v in headers.items() if v is not None}
        line = f"http://mns.example{target}" if self.absolute else target
        if body:
            headers["Content-Length"] = str(len(body))
        if self.expect and body:
            headers["Expect"] = "100-continue"
        head = f"{method} {line} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        self.connect()
        if self.expect and body:
            self.socket.sendall(head.encode())
            first = self.read_head()
            assert first[0] == 100, first
            self.socket.sendall(body)
        else:
            self.socket.sendall(head.encode() + body)
        return self.read()

    def read_head(self):
        status = self.file.readline()
        if not status:
            raise ConnectionError("closed without an answer")
        headers = {}
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError("closed within the head")
            if line == b"\r\n":
                return int(status.split()[1]), headers
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()

    def read(self):
        status, headers = self.read_head()
        if "content-length" in headers:
            length = int(headers["content-length"])
            body = self.file.read(length)
            if len(body) < length:
                raise ConnectionError("closed within the body")
        else:
            body = b"" if status == 204 else self.file.read()
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(None, status, headers, body)

    # Operations.

    def xmlns(self):
        return f' xmlns="{self.namespace}"' if self.namespace else ""

    def send(self, body, queue="q", more=""):
        return self.call("POST", f"/queues/{queue}/messages",
                         f"<Message{self.xmlns()}><MessageBody>{body}</MessageBody>{more}</Message>")  # fmt: skip

    def send_batch(self, bodies, queue="q"):
        inner = "".join(f"<Message><MessageBody>{b}</MessageBody></Message>" for b in bodies)
        return self.call("POST", f"/queues/{queue}/messages", f"<Messages{self.xmlns()}>{inner}</Messages>")

    def receive(self, query="", queue="q"):
        return self.call("GET", f"/queues/{queue}/messages{query}")

    def escaped(self, handle):
        return quote(handle, safe="") if self.escapes else handle

    def delete(self, handle, queue="q"):
        body = f"<ReceiptHandles>{handle}</ReceiptHandles>" if self.single_delete_body else ""
        return self.call("DELETE", f"/queues/{queue}/messages?{self.handle_parameter}={self.escaped(handle)}", body)

    def delete_batch(self, handles, queue="q"):
        name = self.handle_element
        inner = "".join(f"<{name}>{h}</{name}>" for h in handles)
        return self.call("DELETE", f"/queues/{queue}/messages", f"<ReceiptHandles{self.xmlns()}>{inner}</ReceiptHandles>")

    def visibility(self, handle, seconds, queue="q"):
        return self.call("PUT", f"/queues/{queue}/messages?{self.handle_parameter}={self.escaped(handle)}"
                         f"&{self.visibility_parameter}={seconds}")  # fmt: skip


class Java(Client):
    type_on_all = True


class Php(Client):
    content_type, namespace, escapes, expect = "text/xml", SLASH, True, True


class Go(Client):
    content_type, type_on_all, namespace, escapes, md5 = "application/xml", True, "", True, "hex"


class Python(Client):
    namespace, md5, token = SLASH, "hex", "an-sts-token"


class VendorNode(Client):
    content_type, type_on_all, namespace, md5, mns_date = "text/xml", True, SLASH, "hex", True
    handle_parameter, visibility_parameter = "receiptHandle", "visibilityTimeout"


class AliMns(Client):
    content_type, namespace, absolute, md5 = "text/xml;charset=utf-8", "", True, "raw"


class AliyunMns(Client):
    content_type, namespace, single_delete_body = None, SLASH, True
    handle_element = handle_parameter = "receiptHandle"
    visibility_parameter = "visibilityTimeout"


CLIENTS = (Client, Java, Php, Go, Python, VendorNode, AliMns, AliyunMns)


class Habits(unittest.TestCase):
    def test_every_client_gets_through_a_whole_cycle(self):
        server = Server(self)
        for kind in CLIENTS:
            with self.subTest(client=kind.__name__):
                self.cycle(kind(server), kind.__name__.lower())

    def cycle(self, client, queue):
        self.addCleanup(client.close)
        made = client.call("PUT", f"/queues/{queue}", f"<Queue{client.xmlns()}><VisibilityTimeout>60</VisibilityTimeout></Queue>")
        self.assertEqual(made.status, 201)
        self.assertTrue(made.headers["location"].endswith(f"/queues/{queue}"))
        sent = client.send("eyJhIjoxfQ==", queue)
        self.assertEqual(sent.status, 201)
        self.assertEqual(sent.text("MessageBodyMD5"), hashlib.md5(b"eyJhIjoxfQ==").hexdigest().upper())
        self.assertEqual(client.send_batch([f"m{i}" for i in range(4)], queue).status, 201)
        peeked = client.receive("?peekonly=true", queue)
        self.assertEqual((peeked.status, peeked.texts("ReceiptHandle")), (200, []))
        got = client.receive("?waitseconds=5&numOfMessages=16", queue)
        self.assertEqual(got.status, 200)
        self.assertEqual(got.texts("MessageBody"), ["eyJhIjoxfQ==", "m0", "m1", "m2", "m3"])
        for name in ("MessageId", "ReceiptHandle", "MessageBodyMD5", "EnqueueTime", "NextVisibleTime",
                     "FirstDequeueTime", "DequeueCount", "Priority"):  # fmt: skip
            self.assertEqual(len(got.texts(name)), 5, name)
        handles = got.texts("ReceiptHandle")
        self.assertTrue(all(c in h for h in handles for c in "+/="))
        self.assertEqual(client.delete(handles[0], queue).status, 204)
        changed = client.visibility(handles[1], 30, queue)
        self.assertEqual(changed.status, 200)
        old = client.delete(handles[1], queue)
        self.assertEqual((old.status, old.text("Code")), (404, "MessageNotExist"))
        left = [changed.text("ReceiptHandle"), *handles[2:]]
        self.assertEqual(client.delete_batch(left, queue).status, 204)
        empty = client.receive("", queue)
        self.assertEqual((empty.status, empty.text("Code")), (404, "MessageNotExist"))
        self.assertEqual(empty.root.tag, f"{{{NO_SLASH}}}Error")
        self.assertTrue(empty.headers["content-type"].startswith("text/xml"))
        self.assertRegex(empty.headers["x-mns-request-id"], "^[0-9A-F]{24}$")
        self.assertEqual(empty.headers["x-mns-version"], "2015-06-06")
        self.assertEqual(empty.headers["server"], "AliyunMQS")
        self.assertIn("date", empty.headers)
        attributes = client.call("GET", f"/queues/{queue}").root
        self.assertEqual(len({e.tag for e in attributes}), 12)
        self.assertEqual(client.call("DELETE", f"/queues/{queue}").status, 204)


class Rules(unittest.TestCase):
    def setUp(self):
        self.server = Server(self, "--queue", "q")
        self.client = Client(self.server)
        self.addCleanup(self.client.close)

    def refused(self, reply, status, code):
        self.assertEqual((reply.status, reply.text("Code")), (status, code))

    def test_what_is_not_signed_right_is_refused(self):
        call = self.client.call
        self.refused(call("GET", "/queues/q", change={"Authorization": None}), 400, "MissingAuthorizationHeader")
        self.refused(call("GET", "/queues/q", change={"Authorization": "Basic x"}), 400, "InvalidAuthorizationHeader")
        self.refused(call("GET", "/queues/q", change={"x-mns-version": None}), 400, "MissingVersionHeader")
        self.refused(call("GET", "/queues/q", change={"x-mns-version": "1"}), 400, "InvalidVersionHeader")
        self.refused(call("GET", "/queues/q", change={"Date": None}), 400, "MissingDateHeader")
        self.refused(call("GET", "/queues/q", change={"Date": "yesterday"}), 400, "InvalidDateHeader")
        self.refused(call("GET", "/queues/q", offset_s=-16 * 60), 408, "TimeExpired")
        self.refused(call("GET", "/queues/q", offset_s=16 * 60), 408, "TimeExpired")
        self.assertEqual(call("GET", "/queues/q", offset_s=-14 * 60).status, 200)
        for other, code in ((Client(self.server, secret="no"), "SignatureDoesNotMatch"),
                            (Client(self.server, key_id="no"), "InvalidAccessKeyId")):  # fmt: skip
            self.refused(other.call("GET", "/queues/q"), 403, code)
            other.close()
        md5 = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
        headers = self.client.headers
        self.client.headers = lambda *args: self.resigned(headers(*args), *args[:2], md5)
        self.refused(self.client.send("x"), 400, "InvalidDigest")

    def resigned(self, headers, method, target, change):
        headers.update(change)
        headers["Authorization"] = self.client.sign(method, target, headers)
        return headers

    def test_limits_and_malformed_requests(self):
        call = self.client.call
        self.refused(self.client.receive("?numOfMessages=17"), 400, "InvalidArgument")
        self.refused(self.client.receive("?waitseconds=31"), 400, "InvalidArgument")
        self.refused(self.client.send("x" * 65537), 400, "InvalidArgument")
        self.assertEqual(self.client.send("x" * 65536).status, 201)
        self.refused(self.client.send_batch(["x"] * 17), 400, "InvalidArgument")
        self.refused(self.client.send_batch(["x" * 32769] * 2), 400, "InvalidArgument")
        self.refused(self.client.send("x", more="<Priority>17</Priority>"), 400, "InvalidArgument")
        self.refused(call("POST", "/queues/q/messages", "<Message><MessageBody>"), 400, "MalformedXML")
        self.refused(call("POST", "/queues/q/messages", '<!DOCTYPE a [<!ENTITY x "y">]><Message><MessageBody>&x;</MessageBody></Message>'), 400, "MalformedXML")  # fmt: skip
        self.refused(self.client.receive("", "missing"), 404, "QueueNotExist")
        self.refused(call("GET", "/other"), 400, "InvalidRequestURL")
        self.refused(call("PUT", "/queues/-x"), 400, "InvalidQueueName")
        self.refused(call("PUT", "/queues/" + "x" * 121), 400, "QueueNameLengthError")
        self.refused(call("PUT", "/queues/q", "<Queue><VisibilityTimeout>9</VisibilityTimeout></Queue>"), 409, "QueueAlreadyExist")  # fmt: skip
        self.refused(call("PUT", "/queues/z", "<Queue><VisibilityTimeout>43201</VisibilityTimeout></Queue>"), 400, "InvalidArgument")  # fmt: skip
        self.refused(call("PUT", "/queues/q/messages?VisibilityTimeout=3"), 400, "MissingReceiptHandle")
        self.refused(call("PUT", "/queues/q/messages?ReceiptHandle=x"), 400, "MissingVisibilityTimeout")
        self.refused(self.client.delete("nonsense"), 400, "ReceiptHandleError")

    def test_a_batch_delete_lists_only_what_failed(self):
        self.client.send_batch(["a", "b"])
        handles = self.client.receive("?numOfMessages=16").texts("ReceiptHandle")
        self.assertEqual(self.client.delete(handles[0]).status, 204)
        reply = self.client.delete_batch([*handles, "nonsense"])
        self.assertEqual((reply.status, reply.root.tag), (404, f"{{{NO_SLASH}}}Errors"))
        self.assertEqual(reply.texts("ReceiptHandle"), [handles[0], "nonsense"])
        self.assertEqual(reply.texts("ErrorCode"), ["MessageNotExist", "ReceiptHandleError"])

    def test_a_message_comes_again_with_a_new_handle(self):
        self.client.send("again &lt;&amp;")
        first = self.client.receive()
        self.assertEqual(self.client.visibility(first.text("ReceiptHandle"), 1).status, 200)
        second = self.client.receive("?waitseconds=30")
        self.assertEqual(second.text("MessageBody"), "again <&")
        self.assertEqual(second.text("DequeueCount"), "2")
        self.assertEqual(second.text("MessageId"), first.text("MessageId"))
        self.assertEqual(second.text("FirstDequeueTime"), first.text("FirstDequeueTime"))
        self.refused(self.client.delete(first.text("ReceiptHandle")), 404, "MessageNotExist")
        self.assertEqual(self.client.delete(second.text("ReceiptHandle")).status, 204)

    def test_a_long_poll_ends_when_a_message_comes(self):
        waiting = Client(self.server)
        self.addCleanup(waiting.close)
        waiting.connect()
        target = "/queues/q/messages?waitseconds=30"
        head = "".join(f"{k}: {v}\r\n" for k, v in waiting.headers("GET", target, b"").items())
        waiting.socket.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        self.assertEqual(self.client.call("GET", "/queues/q").status, 200)
        self.client.send("here")
        self.assertEqual(waiting.read().text("MessageBody"), "here")

    def test_a_poll_that_ends_while_its_queue_is_removed_is_answered_once(self):
        waiting = Client(self.server)
        self.addCleanup(waiting.close)
        waiting.connect()
        target = "/queues/q/messages?waitseconds=1"
        head = "".join(f"{k}: {v}\r\n" for k, v in waiting.headers("GET", target, b"").items())
        waiting.socket.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        self.assertEqual(self.client.call("GET", "/queues/q").status, 200)
        # Asleep until its wait is over, the server finds both at once.
        self.server.process.send_signal(signal.SIGSTOP)
        head = "".join(f"{k}: {v}\r\n" for k, v in self.client.headers("DELETE", "/queues/q", b"").items())
        self.client.socket.sendall(f"DELETE /queues/q HTTP/1.1\r\n{head}\r\n".encode())
        time.sleep(1.5)
        self.server.process.send_signal(signal.SIGCONT)
        self.assertEqual(self.client.read().status, 204)
        self.assertEqual(waiting.read().status, 404)
        self.assertEqual(self.client.call("PUT", "/queues/q").status, 201)

    def test_a_poll_whose_client_left_takes_nothing(self):
        leaving = Client(self.server)
        leaving.connect()
        target = "/queues/q/messages?waitseconds=30"
        head = "".join(f"{k}: {v}\r\n" for k, v in leaving.headers("GET", target, b"").items())
        leaving.socket.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        self.assertEqual(self.client.call("GET", "/queues/q").status, 200)
        leaving.close()
        self.client.send("mine")
        self.assertEqual(self.client.receive("?waitseconds=10").text("DequeueCount"), "1")

    def test_delays_and_priorities(self):
        delayed = self.client.send("late", more="<DelaySeconds>1</DelaySeconds>")
        self.assertEqual(len(delayed.texts("ReceiptHandle")), 1)
        self.client.send("low", more="<Priority>16</Priority>")
        self.client.send("high", more="<Priority>1</Priority>")
        got = self.client.receive("?numOfMessages=2")
        self.assertEqual(got.texts("MessageBody"), ["high", "low"])
        self.client.delete_batch(got.texts("ReceiptHandle"))
        self.assertEqual(self.client.receive("?waitseconds=30").text("MessageBody"), "late")

    def test_lists_of_queues_come_in_pages(self):
        for name in ("a1", "a2", "a3", "b1"):
            self.assertEqual(self.client.call("PUT", f"/queues/{name}").status, 201)
        self.assertEqual(self.client.call("PUT", "/queues/a1").status, 204)
        headers = self.client.headers
        pages, marker = [], None
        while True:
            change = {"x-mns-prefix": "a", "x-mns-ret-number": "2", **({"x-mns-marker": marker} if marker else {})}
            self.client.headers = lambda *args, c=change: self.resigned(headers(*args), *args[:2], c)
            reply = self.client.call("GET", "/queues")
            pages.append([url.rsplit("/", 1)[1] for url in reply.texts("QueueURL")])
            if not reply.texts("NextMarker"):
                break
            marker = reply.text("NextMarker")
        self.assertEqual(pages, [["a1", "a2"], ["a3"]])

    def test_it_ends_with_zero_on_both_signals(self):
        self.assertEqual(self.server.stop(), (0, ""))
        self.assertEqual(Server(self).stop(signal.SIGINT), (0, ""))


class Restarts(unittest.TestCase):
    def test_what_was_promised_survives_a_kill(self):
        home = Path(tempfile.mkdtemp(prefix="mnsdb-localqueue-"))
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        kept, deleted, held = set(), set(), {}
        for turn in range(4):
            server = Server(self, "--dir", home / "queues", "--queue", "q", "--visibility", "600")
            client = Client(server)
            for body, handle in list(held.items()):  # handles of before the kill
                self.assertEqual(client.delete(handle).status, 204)
                kept.discard(body)
                deleted.add(body)
            held = {}
            for i in range(20):
                bodies = [f"t{turn}b{i}m{j}" for j in range(4)]
                self.assertEqual(client.send_batch(bodies).status, 201)
                kept.update(bodies)
            got = client.receive("?numOfMessages=16")
            pairs = list(zip(got.texts("MessageBody"), got.texts("ReceiptHandle")))
            self.assertTrue(all(body in kept for body, _ in pairs))
            self.assertEqual(client.delete_batch([h for _, h in pairs[:8]]).status, 204)
            for body, _ in pairs[:8]:
                kept.discard(body)
                deleted.add(body)
            held = dict(pairs[8:])
            client.close()
            server.process.kill()
            server.process.wait()
        server = Server(self, "--dir", home / "queues")
        client = Client(server)
        self.addCleanup(client.close)
        for handle in held.values():
            client.visibility(handle, 1)
        seen = set()
        while seen != kept:
            got = client.receive("?numOfMessages=16&waitseconds=30")
            self.assertEqual(got.status, 200, kept - seen)
            seen.update(got.texts("MessageBody"))
            self.assertEqual(client.delete_batch(got.texts("ReceiptHandle")).status, 204)
        self.assertFalse(seen & deleted)
        second = harness.run("mnsdb-localqueue", "--access-key-id", "k", "--access-key-secret-file",
                             server.home / "secret", "--dir", home / "queues")  # fmt: skip
        self.assertEqual(second.code, 4)


class Faults(unittest.TestCase):
    def drain(self, client, wanted):
        """Receives and deletes as a patient consumer does, whatever the queue answers."""
        seen, deliveries, failures = set(), 0, 0
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                got = client.receive("?numOfMessages=16&waitseconds=1")
                if got.status == 404 and b"MessageNotExist" in got.body and seen >= wanted:
                    return seen, deliveries, failures
                if got.status != 200:
                    failures += 1
                    continue
                bodies, handles = got.texts("MessageBody"), got.texts("ReceiptHandle")
                deliveries += len(bodies)
                seen.update(bodies)
                failures += client.delete_batch(handles).status != 204
            except (ConnectionError, ET.ParseError, socket.timeout):
                failures += 1
                client.close()
        self.fail(f"{len(wanted - seen)} messages never came")

    def through(self, *faults):
        server = Server(self, "--queue", "q", "--visibility", "1", *faults)
        client = Client(server)
        self.addCleanup(client.close)
        wanted = set()
        for i in range(20):
            bodies = [f"b{i}m{j}" for j in range(8)]
            while True:  # a lost answer means that it is sent again
                try:
                    if client.send_batch(bodies).status == 201:
                        break
                except (ConnectionError, socket.timeout):
                    client.close()
            wanted.update(bodies)
        seen, deliveries, failures = self.drain(client, wanted)
        self.assertEqual(seen, wanted)
        return deliveries, failures

    def test_no_fault_loses_a_message(self):
        for faults in (["--drop", "0.3"], ["--error-rate", "0.3"], ["--truncate", "0.3"],
                       ["--deny", "0.3"], ["--lose-delete-replies", "0.5"], ["--fail-deletes", "0.3"],
                       ["--delay", "4ms", "--reorder", "--error-rate", "0.3", "--error-status", "429"]):  # fmt: skip
            with self.subTest(faults=faults):
                _, failures = self.through(*faults, "--seed", "7")
                self.assertGreater(failures, 0)

    def test_redelivered_messages_come_more_than_once(self):
        server = Server(self, "--queue", "q", "--redeliver", "1")
        client = Client(server)
        self.addCleanup(client.close)
        client.send("again")
        first = client.receive()
        second = client.receive("?waitseconds=10")
        self.assertEqual((first.text("DequeueCount"), second.text("DequeueCount")), ("1", "2"))

    def test_reordered_messages_all_come(self):
        server = Server(self, "--queue", "q", "--reorder")
        client = Client(server)
        self.addCleanup(client.close)
        sent = [str(i) for i in range(16)]
        client.send_batch(sent)
        got = client.receive("?numOfMessages=16").texts("MessageBody")
        self.assertNotEqual(got, sent)
        self.assertEqual(sorted(got), sorted(sent))

    def test_its_clock_may_be_off(self):
        server = Server(self, "--queue", "q", "--clock-offset", "-1h")
        client = Client(server)
        self.addCleanup(client.close)
        reply = client.call("GET", "/queues/q")
        self.assertEqual((reply.status, reply.text("Code")), (408, "TimeExpired"))
        offset_s = parsedate_to_datetime(reply.headers["date"]).timestamp() - time.time()
        self.assertEqual(client.call("GET", "/queues/q", offset_s=offset_s).status, 200)

    def test_denied_for_a_while(self):
        for seconds in (1, 5, 25):  # from its start, which may be a while ago on a busy machine
            client = Client(Server(self, "--queue", "q", "--deny-for", f"{seconds}s"))
            self.addCleanup(client.close)
            reply = client.call("GET", "/queues/q")
            if reply.status != 200:
                break
        self.assertEqual((reply.status, reply.text("Code")), (403, "AccessDenied"))
        while client.call("GET", "/queues/q").status != 200:
            time.sleep(0.05)

    def test_the_same_seed_gives_the_same_faults(self):
        def statuses():
            client = Client(Server(self, "--queue", "q", "--error-rate", "0.5", "--seed", "3"))
            self.addCleanup(client.close)
            return [client.call("GET", "/queues/q").status for _ in range(40)]

        first = statuses()
        self.assertEqual(first, statuses())
        self.assertGreater(len(set(first)), 2)


class CommandLine(unittest.TestCase):
    def test_what_makes_no_sense_is_refused(self):
        run = lambda *args: harness.run("mnsdb-localqueue", *args)  # noqa: E731
        self.assertEqual(run().code, 2)
        key = ["--access-key-id", "k", "--access-key-secret-file"]
        self.assertEqual(run(*key, "/nonexistent").code, 3)
        self.assertEqual(run(*key, os.devnull).code, 3)
        self.assertEqual(run(*key, os.devnull, "--drop", "2").code, 2)
        self.assertEqual(run(*key, os.devnull, "--queue", "a/b").code, 2)
        self.assertEqual(run(*key, os.devnull, "--error-status", "404").code, 2)
        self.assertTrue(re.search(rb"--redeliver", run("--help").out))


if __name__ == "__main__":
    unittest.main(verbosity=2)
