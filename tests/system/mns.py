"""Queues for system tests: the local queue as a process, a plain client for it, ingest beside it.

The client is written from the protocol's description alone and shares no code with the programs.
"""
import base64
import hashlib
import hmac
import http.client
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
from email.utils import formatdate
from pathlib import Path
from xml.sax.saxutils import escape, unescape

import harness

KEY_ID = "LTAItestKeyId"
KEY_SECRET = "test-Secret-0123456789"
WAIT_S = 120  # a message whose receipt was lost comes again after 30 s
VERSION_HEADER = {"x-mns-version": "2015-06-06"}


def sign(method, target, headers, secret=KEY_SECRET):
    """The signature of a request; header names in any case."""
    lower = {k.lower(): v for k, v in headers.items()}
    lines = [method, lower.get("content-md5", ""), lower.get("content-type", "")]
    lines.append(lower.get("x-mns-date", lower.get("date", "")))
    lines += [f"{k}:{lower[k]}" for k in sorted(lower) if k.startswith("x-mns-")]
    text = "\n".join([*lines, target])
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def credentials_environment(key_id=KEY_ID, secret=KEY_SECRET, token=None):
    env = harness.environment(
        ALIBABA_CLOUD_ACCESS_KEY_ID=key_id, ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret
    )
    return env | ({"ALIBABA_CLOUD_SECURITY_TOKEN": token} if token else {})


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"HTTP {self.status} {self.body[:500]!r}"

    def all(self, name):
        """Texts of all elements of this name."""
        found = re.findall(rf"<{name}(?:\s[^>]*)?>(.*?)</{name}>", self.body.decode(), re.S)
        return [unescape(text, {"&quot;": '"', "&apos;": "'"}) for text in found]

    def one(self, name):
        found = self.all(name)
        return found[0] if found else None


class Client:
    """One connection; requests are signed. A dropped connection is an OSError or HTTPException."""

    def __init__(self, endpoint, key_id=KEY_ID, secret=KEY_SECRET):
        self.where = urllib.parse.urlsplit(endpoint)
        self.key_id, self.secret = key_id, secret
        self.connection = None

    def request(self, method, target, body="", headers=None, timeout=60):
        data = body if isinstance(body, bytes) else body.encode()
        headers = {"Date": formatdate(usegmt=True), **VERSION_HEADER, **(headers or {})}
        if data:
            headers.setdefault("Content-Type", "text/xml")
        headers["Authorization"] = f"MNS {self.key_id}:{sign(method, target, headers, self.secret)}"
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.where.hostname, self.where.port, timeout=timeout)
        try:
            self.connection.request(method, target, data or None, headers)
            answer = self.connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def create(self, queue, **attributes):
        inner = "".join(f"<{k}>{v}</{k}>" for k, v in attributes.items())
        return self.request("PUT", f"/queues/{queue}", f"<Queue>{inner}</Queue>")

    def send(self, queue, bodies, **more):
        """One batch send of up to 16 bodies (bytes or str)."""
        inner = ""
        for body in bodies:
            text = body.decode() if isinstance(body, bytes) else body
            extra = "".join(f"<{k}>{v}</{k}>" for k, v in more.items())
            inner += f"<Message><MessageBody>{escape(text)}</MessageBody>{extra}</Message>"
        return self.request("POST", f"/queues/{queue}/messages", f"<Messages>{inner}</Messages>")

    def send_all(self, queue, bodies):
        for i in range(0, len(bodies), 16):
            reply = self.send(queue, bodies[i : i + 16])
            if reply.status != 201:
                raise AssertionError(f"send: {reply}")

    def receive(self, queue, count=16, wait_s=0):
        return self.request("GET", f"/queues/{queue}/messages?numOfMessages={count}&waitseconds={wait_s}")

    def peek(self, queue, count=16):
        return self.request("GET", f"/queues/{queue}/messages?peekonly=true&numOfMessages={count}")

    def delete(self, queue, handles):
        inner = "".join(f"<ReceiptHandle>{escape(h)}</ReceiptHandle>" for h in handles)
        return self.request("DELETE", f"/queues/{queue}/messages", f"<ReceiptHandles>{inner}</ReceiptHandles>")

    def counts(self, queue):
        """(active, inactive, delayed) by the queue's own word."""
        reply = self.request("GET", f"/queues/{queue}")
        found = [reply.one(n) for n in ("ActiveMessages", "InactiveMessages", "DelayMessages")]
        if reply.status != 200 or None in found:
            raise AssertionError(f"attributes: {reply}")
        return tuple(map(int, found))


class Process:
    """A program that runs beside the test; its stderr is collected."""

    def __init__(self, test, program, *args, env=None, stdout=subprocess.DEVNULL, wrapper=(), cwd=None):
        self.command = [*map(str, wrapper), str(harness.bin_dir() / program), *map(str, args)]
        self.process = subprocess.Popen(
            self.command, env=env or harness.environment(), stdout=stdout, stderr=subprocess.PIPE, cwd=cwd
        )
        self.pid = self.process.pid
        self.err = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        at_end = test.addClassCleanup if isinstance(test, type) else test.addCleanup
        at_end(self.kill)

    def _read(self):
        for line in self.process.stderr:
            self.err += line
        self.process.stderr.close()

    def running(self):
        return self.process.poll() is None

    def send_signal(self, number):
        if self.running():
            self.process.send_signal(number)

    def kill(self):
        self.send_signal(signal.SIGKILL)
        self.process.wait()
        self.reader.join(10)
        if self.process.stdout:
            self.process.stdout.close()

    def wait(self, timeout=None):
        """The exit code; a sanitizer's report is a failure."""
        code = self.process.wait(timeout or harness.TIMEOUT_S)
        self.reader.join(10)
        harness.check_clean_end(harness.Result(self.command, code, b"", self.err), signals=True)
        return code

    def stop(self, number=signal.SIGTERM, timeout=None):
        self.send_signal(number)
        return self.wait(timeout)


class LocalQueue(Process):
    """mnsdb-localqueue on a port of its own. `endpoint` is its URL."""

    def __init__(self, test, *args, key_id=KEY_ID, secret=KEY_SECRET, port=0):
        self.home = Path(tempfile.mkdtemp(prefix="mnsdb-queue-"))
        secret_file = self.home / "secret"
        secret_file.write_text(secret + "\n")
        secret_file.chmod(0o600)
        super().__init__(
            test, "mnsdb-localqueue", "--port", port, "--access-key-id", key_id,
            "--access-key-secret-file", secret_file, *args, stdout=subprocess.PIPE,
        )  # fmt: skip
        line = self.process.stdout.readline().decode()
        if not line.startswith("ready http://127.0.0.1:"):
            self.kill()
            raise AssertionError(f"mnsdb-localqueue: {line!r} {self.err!r}")
        self.endpoint = line.split()[1]
        self.key_id, self.secret = key_id, secret

    def url(self, queue):
        return f"{self.endpoint}/queues/{queue}"

    def client(self):
        return Client(self.endpoint, self.key_id, self.secret)


class Ingest(Process):
    """mnsdb-ingest reading queues until it is stopped."""

    def __init__(self, test, store, *urls, more=(), env=None, wrapper=()):
        queues = [arg for url in urls for arg in ("--queue", url)]
        super().__init__(
            test, "mnsdb-ingest", "--db", store, *queues, *more,
            env=env or credentials_environment(), wrapper=wrapper,
        )  # fmt: skip


def wait_until(condition, what, timeout=WAIT_S, every=0.02):
    """Waits for something to become true; the limit is only there to end a test that hangs."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(every)


def metrics(port):
    """The metrics page as {"name{labels}": value}."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def written_bytes(pid):
    """What a process had the kernel write to disk."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["write_bytes"])


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
