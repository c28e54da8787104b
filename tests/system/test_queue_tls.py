"""TLS: a queue is spoken to only if its certificate is good, and nothing is sent before.

ctest: timeout=600
"""
import re
import shutil
import socket
import ssl
import subprocess
import threading
import unittest
import warnings
from pathlib import Path

import harness
import mns

EMPTY = b"<Error><Code>MessageNotExist</Code><Message>Message not exist.</Message></Error>"
ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(EMPTY) + EMPTY

CA_CONFIG = """
[ca]
default_ca = here
[here]
new_certs_dir = {home}
database = {index}
serial = {home}/serial
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = IP:127.0.0.1
"""


class TlsServer:
    """Answers every request that gets through the handshake: the queue is empty."""

    def __init__(self, certificate, key, maximum=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if maximum:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = maximum
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as tls:
                while True:
                    data = b""
                    while not data.endswith(b"\r\n\r\n"):
                        more = tls.recv(65536)
                        if not more:
                            return
                        data += more
                    self.requests.append(data)
                    tls.sendall(ANSWER)
        except OSError:
            connection.close()


@unittest.skipUnless(shutil.which("openssl"), "SKIPPED: the openssl program is not installed")
class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(harness.tempfile.mkdtemp(prefix="mnsdb-tls-"))
        cls.addClassCleanup(harness.shutil.rmtree, cls.home, ignore_errors=True)

    @staticmethod
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)

    def certificate(self, name, names):
        """A certificate that signs itself; returns its file and that of its key."""
        certificate, key = self.home / f"{name}.pem", self.home / f"{name}.key"
        self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-subj", "/CN=test", "-addext", f"subjectAltName={names}", "-keyout", key, "-out", certificate,
        )  # fmt: skip
        return certificate, key

    def expired_certificate(self):
        certificate, key = self.certificate("old", "IP:127.0.0.1")
        request, config, index = (self.home / f"old.{end}" for end in ("csr", "conf", "index"))
        index.touch()
        config.write_text(CA_CONFIG.format(home=self.home, index=index))
        self.openssl("req", "-new", "-key", key, "-subj", "/CN=test", "-out", request)
        self.openssl(
            "ca", "-batch", "-selfsign", "-config", config, "-keyfile", key, "-cert", certificate, "-in", request,
            "-out", certificate, "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-notext",
        )  # fmt: skip
        return certificate, key

    def once(self, server, *more, want_code):
        self.addCleanup(server.listener.close)
        db = harness.Db(self)
        result = harness.run(
            "mnsdb-ingest", "--db", db.path, "--queue", f"https://127.0.0.1:{server.port}/queues/x", "--once", *more,
            env=mns.credentials_environment(),
        )  # fmt: skip
        self.assertEqual(result.code, want_code, result)
        return result

    def refused(self, server, *more):
        result = self.once(server, *more, want_code=5)
        self.assertEqual(server.requests, [], "a request was sent to a server that nobody vouches for")
        self.assertRegex(result.err, rb"(?i)certificate|tls|ssl")

    def test_a_certificate_that_a_given_authority_vouches_for_is_good(self):
        certificate, key = self.certificate("good", "IP:127.0.0.1")
        server = TlsServer(certificate, key)
        self.once(server, "--ca-file", certificate, want_code=0)
        self.assertTrue(server.requests)
        self.assertTrue(all(re.search(rb"(?i)authorization: MNS ", r) for r in server.requests))

    def test_an_unknown_signer_is_refused(self):
        self.refused(TlsServer(*self.certificate("self", "IP:127.0.0.1")))

    def test_a_wrong_host_is_refused(self):
        certificate, key = self.certificate("host", "DNS:other.example")
        self.refused(TlsServer(certificate, key), "--ca-file", certificate)

    def test_an_expired_certificate_is_refused(self):
        certificate, key = self.expired_certificate()
        self.refused(TlsServer(certificate, key), "--ca-file", certificate)

    def test_old_tls_is_refused(self):
        certificate, key = self.certificate("tls10", "IP:127.0.0.1")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the version being old: that is the point
            server = TlsServer(certificate, key, ssl.TLSVersion.TLSv1_1)
        self.refused(server, "--ca-file", certificate)


if __name__ == "__main__":
    unittest.main()
