"""A headless Chromium, driven over its debugging pipe: no port, no driver, nothing but Python.

    with Browser() as browser:
        page = browser.open("file:///...", width=390, dark=True)
        page.evaluate("document.title"), page.errors, page.screenshot(), page.pdf()

Messages are JSON, each ended by a NUL, on file descriptors 3 and 4 of the browser.
"""
import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 180


def find():
    """The browser's path, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def high_pipe():
    """Reading and writing end, out of the way of descriptors 3 and 4."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Browser:
    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.profile = tempfile.mkdtemp(prefix="mnsdb-browser-")
            stack.callback(shutil.rmtree, self.profile, ignore_errors=True)
            from_us, self.to_browser = high_pipe()
            self.from_browser, to_us = high_pipe()
            flags = ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
                     "--no-first-run", "--disable-gpu", "--disable-extensions", "--hide-scrollbars",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--host-resolver-rules=MAP * ~NOTFOUND"]  # fmt: skip
            if os.geteuid() == 0:
                flags.append("--no-sandbox")
            line = f'exec "$0" "$@" 3<&{from_us} 4>&{to_us} {from_us}<&- {to_us}>&-'
            self.process = subprocess.Popen(
                ["bash", "-c", line, find(), *flags, "about:blank"], pass_fds=(from_us, to_us),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
            stack.callback(self.end_process)
            os.close(from_us)
            os.close(to_us)
            stack.callback(os.close, self.to_browser)
            stack.callback(os.close, self.from_browser)
            self.received = b""
            self.next_id = 0
            self.pages = {}
            self.version = self.call("Browser.getVersion")["product"]
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def end_process(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def message(self, deadline):
        """The next message that the browser sends."""
        while b"\0" not in self.received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.from_browser], [], [], left)[0]:
                raise AssertionError("the browser does not answer")
            data = os.read(self.from_browser, 1 << 20)
            if not data:
                raise AssertionError(f"the browser ended with {self.process.poll()}")
            self.received += data
        text, self.received = self.received.split(b"\0", 1)
        return json.loads(text)

    def send(self, method, session, params):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_browser, data) :]
        return self.next_id

    def take_event(self, message):
        page = self.pages.get(message.get("sessionId"))
        if page:
            page.take_event(message["method"], message["params"])

    def call(self, method, session=None, **params):
        wanted = self.send(method, session, params)
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            message = self.message(deadline)
            if message.get("id") == wanted:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            if "method" in message:
                self.take_event(message)

    def open(self, url, width, height=900, dark=False, media=""):
        """A page that is loaded, in a window of that size; small ones are phones."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        page.call("Emulation.setEmulatedMedia", media=media, features=features)
        page.call("Page.navigate", url=url)
        deadline = time.monotonic() + TIMEOUT_S
        while not page.loaded:
            self.take_event(self.message(deadline))
        return page


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session
        self.errors = []
        self.requests = []
        self.loaded = False

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def take_event(self, method, params):
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(arg.get("value", arg)) for arg in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def overflow(self):
        """By how many pixels the page is wider than its window."""
        return self.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")

    def settle(self):
        """Until what is in sight is painted, and all that the browser had to say was said."""
        self.call("Runtime.evaluate", awaitPromise=True, expression="new Promise(done => "
                  "requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")  # fmt: skip

    def screenshot(self, top=0, height=None):
        """PNG of what is in sight, or of that part of the page."""
        if height is None:
            return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        width = self.evaluate("window.innerWidth")
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", clip=clip,
                                          captureBeyondViewport=True)["data"])  # fmt: skip

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])
