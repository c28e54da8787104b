"""What happens on a terminal: the live screen, the progress bar, colours; and following a store.

Programs run behind a pseudo-terminal. Nothing here is timed: tests wait until something is seen.
"""
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import unittest

import harness

WAIT_S = 180
ENTER = b"\x1b[?1049h"
LEAVE = b"\x1b[?25h\x1b[?1049l"


class Terminal:
    """A program behind a terminal of its own."""

    def __init__(self, test, program, *args, rows=24, columns=80, **env):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns, tell=False)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""
        self.process = subprocess.Popen(
            [harness.bin_dir() / program, *args], stdin=self.slave, stdout=self.slave,
            stderr=self.slave, env={**harness.environment(), "TERM": "xterm", "LC_ALL": "C.UTF-8",
                                    **env},
            preexec_fn=self.take_over)
        test.addCleanup(self.close)

    def take_over(self):
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for file in (self.master, self.slave):
            os.close(file)

    def resize(self, rows, columns, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def read(self, wait_s=0.05):
        if select.select([self.master], [], [], wait_s)[0]:
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                pass

    def wait_for(self, text, after=0):
        """Reads until `text` is seen behind the place `after`; returns the place behind it."""
        until = time.monotonic() + WAIT_S
        while text not in self.seen[after:]:
            if time.monotonic() > until:
                raise AssertionError(f"{text!r} is not in {self.seen[after:][-2000:]!r}")
            self.read()
        return self.seen.index(text, after) + len(text)

    def end(self):
        until = time.monotonic() + WAIT_S
        while self.process.poll() is None:
            if time.monotonic() > until:
                raise AssertionError("the program does not end")
            self.read()
        for _ in range(3):
            self.read(0.01)
        return self.process.returncode

    def modes(self):
        return termios.tcgetattr(self.slave)


def readings(count, first=0, device="pk/dev", **more):
    return b"".join(
        harness.reading(device, {"temperature": i / 10, **more}, harness.snowflake(1526450324427 + i),
                        1526450324) + b"\n" for i in range(first, first + count))


class Watch(unittest.TestCase):
    def setUp(self):
        self.db = harness.Db(self)
        self.db.ingest(readings(20), oracle=False)

    def watch(self, *args, **kw):
        terminal = Terminal(self, "mnsdb", "watch", "--db", str(self.db.path), "--interval", "100ms",
                            *args, **kw)
        terminal.wait_for(ENTER)
        terminal.wait_for(b"q quits")
        self.assertNotEqual(terminal.modes()[3], terminal.before[3], "keys come one by one")
        return terminal

    def check_given_back(self, terminal):
        self.assertTrue(terminal.seen.count(LEAVE) == terminal.seen.count(ENTER), terminal.seen[-300:])
        self.assertEqual(terminal.modes(), terminal.before)

    def test_a_frame_shows_devices_and_q_ends_it(self):
        terminal = self.watch()
        terminal.wait_for(b"pk/dev")
        os.write(terminal.master, b"q")
        self.assertEqual(terminal.end(), 0)
        self.check_given_back(terminal)

    def test_every_signal_gives_the_terminal_back(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number):
                terminal = self.watch()
                terminal.process.send_signal(number)
                self.assertEqual(terminal.end(), 128 + number)
                self.check_given_back(terminal)

    def test_control_c_is_typed(self):
        terminal = self.watch()
        os.write(terminal.master, b"\x03")
        self.assertEqual(terminal.end(), 130)
        self.check_given_back(terminal)

    def test_p_pauses_and_goes_on(self):
        terminal = self.watch()
        os.write(terminal.master, b"p")
        after = terminal.wait_for(b"p goes on")
        os.write(terminal.master, b"p")
        terminal.wait_for(b"p pauses", after)
        os.write(terminal.master, b"q")
        self.assertEqual(terminal.end(), 0)

    def test_new_messages_appear(self):
        terminal = self.watch()
        terminal.wait_for(b"20 stored")
        self.db.ingest(readings(5, first=20, device="pk/later"), oracle=False)
        terminal.wait_for(b"25 stored")
        terminal.wait_for(b"pk/later")
        os.write(terminal.master, b"q")
        self.assertEqual(terminal.end(), 0)

    def test_a_new_size_is_drawn(self):
        terminal = self.watch()
        terminal.resize(10, 40)
        after = len(terminal.seen)
        terminal.wait_for(b"\x1b[J", terminal.wait_for(b"\x1b[H", after))
        terminal.wait_for(b"\x1b[J", len(terminal.seen))
        frame = terminal.seen[terminal.seen.rindex(b"\x1b[H"):]
        terminal.wait_for(b"\x1b[J", len(terminal.seen))
        self.assertLessEqual(frame.count(b"\r\n"), 10)
        os.write(terminal.master, b"q")
        self.assertEqual(terminal.end(), 0)

    def test_a_stop_gives_the_terminal_back_until_it_goes_on(self):
        terminal = self.watch()
        terminal.process.send_signal(signal.SIGTSTP)
        place = terminal.wait_for(LEAVE)
        until = time.monotonic() + WAIT_S
        # An orphaned process group is not stopped by SIGTSTP: the screen then comes back at once.
        while terminal.seen.count(ENTER) < 2 and time.monotonic() < until:
            terminal.process.send_signal(signal.SIGCONT)
            terminal.read()
        terminal.wait_for(b"q quits", terminal.wait_for(ENTER, place))
        os.write(terminal.master, b"q")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(terminal.modes(), terminal.before)

    def test_a_shell_stops_it_and_brings_it_back(self):
        shell = Terminal(self, "/bin/bash", "--norc", "--noprofile", "-i", PS1="ready> ")
        shell.wait_for(b"ready> ")
        command = f"{harness.bin_dir() / 'mnsdb'} watch --interval 100ms --db {self.db.path}\r"
        os.write(shell.master, command.encode())
        place = shell.wait_for(b"q quits", shell.wait_for(ENTER))
        os.write(shell.master, b"\x1a")
        place = shell.wait_for(LEAVE, place)
        place = shell.wait_for(b"ready> ", shell.wait_for(b"Stopped", place))
        self.assertNotIn(ENTER, shell.seen[place:])
        os.write(shell.master, b"fg\r")
        place = shell.wait_for(b"q quits", shell.wait_for(ENTER, place))
        os.write(shell.master, b"q")
        place = shell.wait_for(b"ready> ", shell.wait_for(LEAVE, place))
        os.write(shell.master, b"exit $?\r")
        self.assertEqual(shell.end(), 0)

    def test_without_a_terminal_it_asks_for_once(self):
        result = self.db.run("watch")
        self.assertEqual(result.code, 2)
        self.assertIn(b"--once", result.err)
        self.assertIn(b"20 stored", self.db.run("watch", "--once").out)

    def test_an_ingest_that_is_not_there_is_said(self):
        out = self.db.run("watch", "--once", "--metrics", "http://127.0.0.1:1/metrics").out
        self.assertIn(b"metrics: Connection refused", out)
        self.assertEqual(self.db.run("watch", "--once", "--metrics", "http://192.0.2.1/").code, 2)

    def test_a_store_that_is_removed_or_replaced_ends_it_with_a_word(self):
        for replaced in (False, True):
            with self.subTest(replaced=replaced):
                db = harness.Db(self)
                db.ingest(readings(3), oracle=False)
                copy = db.home / "copy"
                db.run("backup", str(copy))
                terminal = Terminal(self, "mnsdb", "watch", "--db", str(db.path), "--interval", "100ms")
                terminal.wait_for(b"3 stored")
                db.path.rename(db.home / "gone")
                if replaced:
                    # The moment between the two moves may already end it.
                    copy.rename(db.path)
                self.assertEqual(terminal.end(), 4)
                self.check_given_back(terminal)
                word = terminal.seen[terminal.seen.rindex(LEAVE):]
                self.assertRegex(word, rb"was removed|another store was put" if replaced else rb"was removed")

    def test_a_store_that_is_not_there_leaves_the_terminal_alone(self):
        terminal = Terminal(self, "mnsdb", "watch", "--db", str(self.db.home / "not-yet"))
        self.assertEqual(terminal.end(), 4)
        self.assertIn(b"not-yet", terminal.seen)
        self.assertNotIn(ENTER, terminal.seen)
        self.assertEqual(terminal.modes(), terminal.before)

    def test_no_screen_is_too_small(self):
        terminal = self.watch()
        for rows, columns in ((3, 10), (1, 1), (2, 2), (200, 3), (1, 300)):
            with self.subTest(rows=rows, columns=columns):
                terminal.resize(rows, columns)
                place = len(terminal.seen)
                # The frame being drawn may be of the size before, or the one behind it.
                for _ in range(3):
                    start = terminal.wait_for(b"\x1b[H", place)
                    place = terminal.wait_for(b"\x1b[H", start) - 3
                frame = terminal.seen[start:place].decode()
                frame_lines = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", frame).split("\n")
                self.assertLessEqual(len(frame_lines), rows)
                for line in frame_lines:
                    self.assertLessEqual(len(line.strip("\r")), columns, frame_lines)
        os.write(terminal.master, b"q")
        self.assertEqual(terminal.end(), 0)
        self.check_given_back(terminal)

    def test_values_and_events_are_those_of_last_and_log(self):
        rng = harness.rng_for("watch")
        bodies = []
        for i in range(200):
            ms, device = 1526450324427 + rng.randrange(10**8), f"pk/d{rng.randrange(12)}"
            if rng.random() < 0.7:
                values = {name: rng.randrange(-99, 999) / 10 for name in ("humidity", "temperature") if rng.random() < 0.7}
                bodies.append(harness.reading(device, {"n": i, **values}, harness.snowflake(ms, i >> 5, i), ms // 1000))
            else:
                state = rng.choice(("online", "offline"))
                bodies.append(harness.status(device, state, harness.snowflake(ms, i >> 5, i), ms // 1000, utcTime=ms))
        db = harness.Db(self)
        db.ingest(harness.lines(bodies), oracle=False)
        out = db.run("watch", "--once", env=harness.environment(COLUMNS="130", LINES="60")).out.decode()
        top, _, below = out.partition("Seen last")
        devices, _, events = below.partition("Status events")
        last = harness.parse_json(db.run("last", "--order-by", "last_seen:desc", "--format", "json").out)
        self.assertEqual(devices.split("\n")[0].split()[2:], ["humidity", "temperature", "n"])
        shown = [line.split() for line in devices.split("\n")[1:] if line]
        want = []
        for row in last:
            values = [str(row[name]) for name in ("humidity", "temperature", "n") if row[name] is not None]
            want.append([row["device"], *row["last_seen"][:19].split("T"), row["state"], *values])
        self.assertEqual(sorted(shown), sorted(want))
        self.assertEqual([line[1:3] for line in shown], [line[1:3] for line in want])
        log = harness.parse_json(db.run("log", "--order-by", "time:desc", "--format", "json").out)
        changes = [[r["device"], *r["time"][:19].split("T"), r["kind"]] for r in log if r["kind"] != "reading"]
        shown = [line.split() for line in events.split("\n") if line.strip()]
        self.assertGreater(len(shown), 3)
        self.assertEqual(shown, changes[: len(shown)])
        states = [row["state"] for row in last]
        for state in ("online", "offline", "unknown"):
            self.assertIn(f"{states.count(state)} {state}", top)

    def answer_as_ingest(self, reply, *, keep=False):
        """An address that answers so; with `keep` it says no more and holds the connection."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        held = []
        self.addCleanup(lambda: [one.close() for one in held])

        def serve():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                held.append(client)
                try:
                    client.recv(65536)
                    client.sendall(reply)
                    if not keep:
                        client.close()
                except OSError:
                    pass

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/metrics"

    def test_metrics_that_are_none_are_said_and_the_screen_goes_on(self):
        page = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
        cases = [
            (b"", False, rb"metrics: "),
            (b"\x00\xff\x1b[31m garbage", False, rb"metrics: "),
            (b"HTTP/1.1 404 Not Found\r\n\r\nno", False, rb"metrics: its answer is no page of metrics"),
            (page + b"go_info 1\nx{y=\"\x1b[2J", False, rb"the page is not of mnsdb-ingest"),
            (page + b"A" * (2 << 20), False, rb"metrics: "),
            (b"", True, rb"metrics: no answer in 500 ms"),
            (b"HTTP/1.1 200 OK\r\n", True, rb"metrics: no answer in 500 ms"),
        ]
        for reply, keep, word in cases:
            with self.subTest(reply=reply[:30], keep=keep):
                url = self.answer_as_ingest(reply, keep=keep)
                result = self.db.run("watch", "--once", "--metrics", url)
                self.assertEqual(result.code, 0, repr(result))
                self.assertRegex(result.out, word)
                self.assertNotIn(b"\x1b", result.out)
                self.assertIn(b"20 stored", result.out)
        terminal = self.watch("--metrics", self.answer_as_ingest(b"", keep=True))
        terminal.wait_for(b"no answer in 500 ms")
        os.write(terminal.master, b"q")
        self.assertEqual(terminal.end(), 0)
        self.check_given_back(terminal)

    def test_hostile_names_are_escaped_and_wide_ones_fit(self):
        self.db.ingest(readings(1, first=900, device="pk/\x1b[31m温度计"), oracle=False)
        out = self.db.run("watch", "--once", env=harness.environment(COLUMNS="60")).out
        self.assertNotIn(b"\x1b", out)
        self.assertIn("pk/\\x1b".encode(), out)


class Follow(unittest.TestCase):
    def follow(self, db, *args):
        out = open(db.home / "followed", "wb")
        self.addCleanup(out.close)
        process = subprocess.Popen(
            [harness.bin_dir() / "mnsdb", "log", "--follow", "--interval", "50ms", "--db", str(db.path),
             *args], stdout=out, stderr=subprocess.PIPE, env=harness.environment())

        def stop():
            process.kill()
            process.wait()
            process.stderr.close()
        self.addCleanup(stop)
        return process, db.home / "followed"

    def wait_for_lines(self, path, count):
        until = time.monotonic() + WAIT_S
        while path.read_bytes().count(b"\n") < count:
            self.assertLess(time.monotonic(), until, "rows are missing")
            time.sleep(0.02)
        return path.read_bytes().splitlines()

    def test_each_row_comes_once_whatever_the_writer_merges(self):
        rng = harness.rng_for("follow")
        db = harness.Db(self)
        order = list(range(600))
        rng.shuffle(order)  # business time and ids go back and forth
        pieces = [order[i:i + 40] for i in range(0, len(order), 40)]
        db.ingest(b"".join(readings(1, first=i, device=f"pk/d{i % 7}") for i in pieces[0]), oracle=False)
        process, path = self.follow(db, "--format", "ndjson", "--from", "2018-01-01")
        self.wait_for_lines(path, len(pieces[0]))
        for number, piece in enumerate(pieces[1:]):
            db.ingest(b"".join(readings(1, first=i, device=f"pk/d{i % 7}") for i in piece),
                      oracle=False)
            if number % 3 == 1:
                settled = harness.run("mnsdb-ingest", "--db", str(db.path), "--settle", "/dev/null")
                self.assertEqual(settled.code, 0, settled)
        lines = self.wait_for_lines(path, len(order))
        ids = sorted(harness.parse_json(row)["messageid"] for row in lines)
        self.assertEqual(ids, sorted(str(harness.snowflake(1526450324427 + i)) for i in order))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(WAIT_S), 143)

    def test_a_new_metric_gets_no_column_but_a_warning(self):
        db = harness.Db(self)
        db.ingest(readings(3), oracle=False)
        process, path = self.follow(db, "--format", "tsv", "--tail", "2")
        self.wait_for_lines(path, 3)
        db.ingest(readings(1, first=10, humidity=5), oracle=False)
        lines = self.wait_for_lines(path, 4)
        self.assertEqual({row.count(b"\t") for row in lines}, {5})
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(WAIT_S), 130)
        self.assertIn(b"humidity", process.stderr.read())

    def test_a_store_that_is_removed_or_replaced_ends_it_with_a_word(self):
        for replaced in (False, True):
            db = harness.Db(self)
            db.ingest(readings(3), oracle=False)
            copy = db.home / "copy"
            db.run("backup", str(copy))
            process, path = self.follow(db)
            self.wait_for_lines(path, 4)
            db.path.rename(db.home / "gone")
            if replaced:
                # The moment between the two moves may already end it.
                copy.rename(db.path)
            self.assertEqual(process.wait(WAIT_S), 4)
            self.assertRegex(process.stderr.read(), rb"was removed|another store was put" if replaced
                             else rb"^mnsdb: the store .* was removed\n$")

    def test_a_closed_pipe_is_a_quiet_end(self):
        db = harness.Db(self)
        db.ingest(readings(3), oracle=False)
        process = subprocess.Popen([harness.bin_dir() / "mnsdb", "log", "-f", "--db", str(db.path)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=harness.environment())
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(WAIT_S), 0)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()

    def test_what_has_no_place_beside_it_is_refused(self):
        db = harness.Db(self)
        db.ingest(readings(1), oracle=False)
        for args in (["--limit", "3"], ["--to", "now"], ["--order-by", "time"], ["--format", "json"],
                     ["--interval", "1ms"]):
            self.assertEqual(db.run("log", "-f", *args).code, 2, args)


class Progress(unittest.TestCase):
    def test_ingest_shows_a_bar_and_wipes_it(self):
        db = harness.Db(self)
        fifo = db.home / "fifo"
        os.mkfifo(fifo)
        terminal = Terminal(self, "mnsdb-ingest", "--db", str(db.path), str(fifo))
        with open(fifo, "wb") as pipe:
            for i in range(200):
                pipe.write(readings(1, first=i))
                pipe.flush()
                terminal.read(0.02)
                if b"\r" in terminal.seen:
                    break
        self.assertEqual(terminal.end(), 0)
        self.assertIn(b"\r", terminal.seen)
        self.assertIn(b"stored", terminal.seen[terminal.seen.rindex(b"\r\x1b[K"):])


class Tables(unittest.TestCase):
    def table(self, **env):
        db = harness.Db(self)
        db.ingest(harness.status("pk/dev", "online", harness.snowflake(1526450324427), 1526450324)
                  + b"\n", oracle=False)
        terminal = Terminal(self, "mnsdb", "last", "--db", str(db.path), **env)
        self.assertEqual(terminal.end(), 0)
        self.assertIn(b"pk/dev", terminal.seen)
        return terminal.seen

    def test_a_terminal_has_colours(self):
        self.assertIn(b"\x1b[", self.table())

    def test_no_color_and_dumb_terminals_have_none(self):
        self.assertNotIn(b"\x1b[", self.table(NO_COLOR="1"))
        self.assertNotIn(b"\x1b[", self.table(TERM="dumb"))


if __name__ == "__main__":
    unittest.main()
