"""What happens on a terminal: the live screen, the progress bar, colours; and following a store.

Programs run behind a pseudo-terminal. Nothing here is timed: tests wait until something is seen.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import harness

WAIT_S = 60
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
