"""What the drivers in Python share: the loop over commands, files, servers and their end.

The protocol is written down in README.md.
"""
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
METRICS = ("temperature", "humidity")
COMMANDS = ("describe", "prepare", "load", "compact", "query", "cold")
HOUR_MS = 3600000
START_S = 60
STOP_S = 60
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Unsupported(Exception):
    """The system has no such query; the text says why."""


# --- commands ------------------------------------------------------------------------------------


class Ended(BaseException):
    """SIGTERM or SIGINT came: no failure of a command, so not among the exceptions that are answered."""


def raise_ended(signal_number, frame):
    # Once: what is being stopped is to be stopped in peace.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Ended


def answer_to(driver, command):
    name = command.get("do")
    if name not in COMMANDS:
        return {"error": f"no command '{name}'"}
    if name == "query" and command.get("metric") not in METRICS:
        return {"unsupported": f"only {' and '.join(METRICS)} are loaded"}
    return getattr(driver, name)(command) or {}


def answer_line(driver, line):
    try:
        return answer_to(driver, json.loads(line))
    except Unsupported as why:
        return {"unsupported": str(why)}
    except Exception as failure:
        return {"error": f"{type(failure).__name__}: {failure}"[:2000]}


def put(answer):
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def serve(driver):
    """Reads commands until `quit`, the end of input or a signal, then closes the driver."""
    signal.signal(signal.SIGTERM, raise_ended)
    signal.signal(signal.SIGINT, raise_ended)
    quits = False
    try:
        for line in sys.stdin:
            if not line.strip():
                continue
            with contextlib.suppress(ValueError, AttributeError):
                quits = json.loads(line).get("do") == "quit"
            if quits:
                break
            put(answer_line(driver, line))
    except (Ended, BrokenPipeError):
        pass
    finally:
        driver.close()
    if quits:
        put({})


def timed_query(command, run, **more):
    """Runs the query and tells its time; `run` returns the rows as lists."""
    began = time.perf_counter_ns()
    rows = run()
    took_ms = (time.perf_counter_ns() - began) / 1e6
    answer = {"ms": took_ms, "rows": len(rows), **more}
    if command.get("answer"):
        answer["answer"] = [list(row) for row in rows]
    return answer


# --- files ---------------------------------------------------------------------------------------


def empty_directory(path):
    shutil.rmtree(path, ignore_errors=True)
    Path(path).mkdir(parents=True)
    return Path(path)


def files_below(path):
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names)


def bytes_on_disk(path):
    """Allocated blocks of all files below a directory; a hard link counts once."""
    blocks = {}
    for name in files_below(path):
        with contextlib.suppress(FileNotFoundError):
            stat = os.lstat(name)
            blocks[stat.st_ino] = stat.st_blocks
    return 512 * sum(blocks.values())


def forget_files(path):
    """The kernel lets go of what it caches of the files below a directory."""
    for name in files_below(path):
        with contextlib.suppress(FileNotFoundError), open(name, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def sync_files(path):
    """What the system has written is on disk."""
    for name in files_below(path):
        with contextlib.suppress(FileNotFoundError), open(name, "rb") as file:
            os.fsync(file.fileno())


def find_program(name):
    """One of mnsdb's programs: in $MNSDB_BIN, else in build/*/bin, release before others."""
    if os.environ.get("MNSDB_BIN"):
        found = [Path(os.environ["MNSDB_BIN"]) / name]
    else:
        found = sorted(ROOT.glob(f"build/*/bin/{name}"), key=lambda path: path.parts[-3] != "release")
    for path in found:
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(f"{name} is not built; $MNSDB_BIN says where to look")


def write_rows(recorded_set, directory, *options):
    """Pre-encodes a recorded set; returns what mnsdb-peer-rows tells of it."""
    directory.mkdir(parents=True, exist_ok=True)
    command = [str(find_program("mnsdb-peer-rows")), *options, "-o", str(directory), recorded_set]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"mnsdb-peer-rows: exit {done.returncode}")
    told = json.loads(done.stdout)
    (directory / "rows.json").write_text(done.stdout)
    return told


def told_rows(directory):
    """What write_rows was told earlier."""
    try:
        return json.loads((directory / "rows.json").read_text())
    except FileNotFoundError:
        raise RuntimeError("prepare comes first") from None


# --- servers -------------------------------------------------------------------------------------


def die_with_parent():
    """The kernel kills this process when the driver ends, whatever ended that."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start_server(command, log, **more):
    """A server in a session of its own, so that signals of the terminal are the driver's to handle. To be
    called by the main thread: the server does not outlive the thread that started it."""
    with open(log, "ab") as file:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
            preexec_fn=die_with_parent, **more
        )  # fmt: skip


def stop_server(process):
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(ready, process, log):
    """Until `ready()` is true. A server that ends before is an error with the end of its log."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server has ended: {Path(log).read_text(errors='replace')[-800:]}")
        if ready():
            return
        time.sleep(0.02)
    raise RuntimeError(f"the server is not ready after {START_S} s")


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


# --- online durations ----------------------------------------------------------------------------


def online_durations(events, devices, end_ms):
    """For systems without window functions: [device, online_ms, offline_ms, sessions] of each device.

    `events` are (device, time_ms, state, contact_ms or None), those of a device in order.
    """
    totals = {device: [0, 0, 0] for device in devices}
    at = {}  # device: state, since, latest online event
    for device, time_ms, state, contact_ms in events:
        before, since_ms, online_ms = at.get(device, (None, None, None))
        is_stale = not state and contact_ms is not None and online_ms is not None
        if is_stale and contact_ms < online_ms - 1000:
            continue
        total = totals.setdefault(device, [0, 0, 0])
        if before is not None:
            total[0 if before else 1] += time_ms - since_ms
        if state and not before and time_ms < end_ms:
            total[2] += 1
        at[device] = (state, time_ms, time_ms if state else online_ms)
    for device, (state, since_ms, _) in at.items():
        totals[device][0 if state else 1] += end_ms - since_ms
    return [[device, *total] for device, total in sorted(totals.items(), key=lambda item: item[0].encode())]
