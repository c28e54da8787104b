"""What the drivers of the two line-protocol servers share: the posts of a load, and HTTP.

Both servers listen on 127.0.0.1 at a port that was free; if somebody took it meanwhile the start fails,
and is tried again with another.
"""
import http.client
import itertools
import queue
import threading
import time
import urllib.parse
from pathlib import Path

import protocol

POSTS = 2  # at the same time: one a CPU of the machines that this is for
STARTS = 3


class HttpError(Exception):
    """The server refused; the text is its answer."""


class LineServer:
    """A driver's base. The system's own: `folder`, `ready_path`, command_line, take and data_bytes."""

    def __init__(self):
        self.server = None
        self.port = None
        self.connection = None
        self.home = None
        self.rows = None  # what the set holds, as told by prepare

    # --- the server ---

    def start(self):
        for attempt in range(STARTS):
            self.port = protocol.free_port()
            log = self.home / "server.log"
            self.server = protocol.start_server(self.command_line(), log, cwd=self.home)
            try:
                return protocol.wait_until(self.is_ready, self.server, log)
            except RuntimeError:
                self.stop()
                if attempt + 1 == STARTS:
                    raise

    def stop(self):
        if self.connection:
            self.connection.close()
        self.connection = None
        protocol.stop_server(self.server)
        self.server = None

    def close(self):
        self.stop()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def is_ready(self):
        try:
            self.request("GET", self.ready_path)
            return True
        except (OSError, HttpError, http.client.HTTPException):
            return False

    # --- HTTP ---

    def respond(self, connection, method, path, body):
        connection.request(method, path, body)
        return connection.getresponse()

    def request(self, method, path, body=None, connection=None):
        """The body of the answer. The driver's own connection lies idle while others have their turns, and the
        server may have closed it meanwhile: what it then does not take is asked once more on a new one."""
        is_own = connection is None
        if is_own:
            self.connection = connection = self.connection or self.connect()
        was_open = connection.sock is not None
        try:
            try:
                response = self.respond(connection, method, path, body)
            except ConnectionError:  # http.client.RemoteDisconnected is one
                if not (is_own and was_open):
                    raise
                connection.close()
                response = self.respond(connection, method, path, body)
            data = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        if response.status >= 300:
            raise HttpError(f"{response.status}: {data.decode('utf-8', 'replace')[:500]}")
        return data

    def get(self, path, **words):
        return self.request("GET", f"{path}?{urllib.parse.urlencode(words, doseq=True)}")

    # --- loading ---

    def prepare(self, command):
        protocol.write_rows(command["set"], Path(command["dir"]) / "lines", "--lines")

    def post_lines(self, path, write_path, lines_each):
        """Posts a file in pieces of so many lines, POSTS at the same time."""
        pieces = queue.Queue(maxsize=2 * POSTS)
        failures = []

        def post():
            connection = self.connect()
            while (piece := pieces.get()) is not None:
                try:
                    if not failures:
                        self.request("POST", write_path, piece, connection)
                except Exception as failure:
                    failures.append(failure)
            connection.close()

        threads = [threading.Thread(target=post) for _ in range(POSTS)]
        for thread in threads:
            thread.start()
        try:
            with open(path, "rb") as file:
                while (piece := b"".join(itertools.islice(file, lines_each))) and not failures:
                    pieces.put(piece)
        except BaseException as ended:
            failures.append(ended)  # what waits is not posted any more
            raise
        finally:
            for _ in threads:
                pieces.put(None)
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]

    def load(self, command):
        self.close()
        lines = Path(command["dir"]) / "lines"
        self.rows = protocol.told_rows(lines)
        self.home = protocol.empty_directory(Path(command["dir"]) / self.folder)
        self.start()
        self.make_database()
        began = time.perf_counter()
        self.take(lines / "rows.lines")
        seconds = time.perf_counter() - began
        if not self.server:
            self.start()
        return {"seconds": seconds, "messages": self.rows["messages"], "bytes": self.data_bytes()}

    def make_database(self):
        pass

    def cold(self, command):
        self.stop()
        protocol.forget_files(self.home)
        self.start()
