#!/usr/bin/env python3
"""The report in a real browser: no word on its console, nothing fetched, nothing wider than the window.

Headless Chromium over its debugging pipe (browser.py), phone and desktop, light and dark, all folds
open, on paper. What the tests would find is put into a page of its own first, and found.
$MNSDB_SCREENSHOTS names a directory that keeps what was seen.
"""
# ctest: release-only serial
import os
import re
import struct
import unittest
import zlib
from pathlib import Path

import browser
from harness import Db, lines, reading, status

NOW_S = 1600000000
NOW_MS = NOW_S * 1000
WIDTHS = (390, 1280)
KEEP = os.environ.get("MNSDB_SCREENSHOTS")
LONG = "a-name-without-a-place-to-break-" * 6
NAMES = ("p/<script>alert(1)</script>", f"p/{LONG}", "p/\u05e9\u05dc\u05d5\u05dd \u202eabc", "日本語/温度センサー 📈", "p/a b")


def make_store(test):
    db = Db(test)
    bodies, number = [], 0
    devices = [*NAMES, *(f"product-{i % 5}/device-{i:04d}" for i in range(160))]
    for i, device in enumerate(devices):
        for j in range(12):
            number += 1
            ms = NOW_MS - 86400000 + j * 7000000 + i * 1000
            bodies.append(status(device, ("online", "offline")[j % 2], number, NOW_S, time=ms))
        for j in range(30):
            number += 1
            values = {"temperature": 15 + (i + j) % 20, "humidity": 40 + (i * j) % 50, LONG: j, "time": NOW_MS - j * 2800000}
            bodies.append(reading(device, values, number, NOW_S))
    bodies.append(reading("p/a b", {"temperature": 1000, "humidity": 116, "time": NOW_MS - 4000000}, number + 1, NOW_S))
    bodies += [b"rubbish", b'{"messageid":"<b>' + b"x" * 300 + b'"}']
    db.ingest(lines(bodies), oracle=False)
    return db


def colours_of(png):
    """Width, height and the set of colours of a PNG as the browser makes them: 8 bits, no interlace."""
    width, height, _, kind = struct.unpack(">IIBB", png[16:26])
    depth = {2: 3, 6: 4}[kind]
    data, at = b"", 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if name == b"IDAT" else b""
        at += length + 12
    raw = zlib.decompress(data)
    return width, height, len({raw[i : i + 512] for i in range(0, len(raw), 512)}), depth


@unittest.skipUnless(browser.find(), "SKIPPED: no chromium here (Debian's package chromium)")
class InTheBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.db = make_store(cls)
        cls.page = cls.db.home / "report.html"
        result = cls.db.run("report", "--html", cls.page, "--metric", LONG)
        if result.code != 0:
            raise AssertionError(repr(result))
        cls.browser = cls.enterClassContext(browser.Browser())

    def keep(self, name, data):
        if KEEP:
            Path(KEEP).mkdir(parents=True, exist_ok=True)
            (Path(KEEP) / name).write_bytes(data)

    def check_page(self, page, what):
        page.settle()
        self.assertEqual(page.errors, [], what)
        self.assertLessEqual(page.overflow(), 0, what)
        self.assertEqual([url for url in page.requests if not url.startswith(("file:", "data:"))], [], what)
        self.assertEqual(len(page.requests), 1, (what, page.requests))

    def test_errors_and_overflow_would_be_found(self):
        bad = self.db.home / "bad.html"
        bad.write_text("""<!DOCTYPE html><meta name="viewport" content="width=device-width"><body>
            <div style="width: 3000px">wide</div><script>console.error("said"); throw new Error("thrown")</script>
            <img src="missing.png"><img src="http://fetched.invalid/x.png">""")
        for width in WIDTHS:
            page = self.browser.open(bad.as_uri(), width)
            page.settle()
            self.assertGreater(page.overflow(), 1000)
            said = "\n".join(page.errors)
            self.assertIn("said", said)
            self.assertIn("thrown", said)
            self.assertIn("http://fetched.invalid/x.png", page.requests)
            with self.assertRaises(AssertionError):
                self.check_page(page, "bad")
        silent = self.db.home / "silent.html"
        silent.write_text("<!DOCTYPE html><link rel=icon href=data:,><p>good")
        self.check_page(self.browser.open(silent.as_uri(), 390), "silent")

    def test_phone_and_desktop_light_and_dark(self):
        grounds = set()
        for width in WIDTHS:
            for dark in (False, True):
                what = f"{width}-{'dark' if dark else 'light'}"
                page = self.browser.open(self.page.as_uri(), width, dark=dark)
                self.check_page(page, what)
                shot = page.screenshot()
                self.keep(f"{what}.png", shot)
                seen_width, _, variety, _ = colours_of(shot)
                self.assertEqual(seen_width, width)
                self.assertGreater(variety, 50, "something is drawn")
                grounds.add((dark, page.evaluate("getComputedStyle(document.documentElement).backgroundColor")))
                self.assertEqual(page.evaluate("document.querySelectorAll('svg.ln').length"),
                                 len(self.db.query("devices")))
        self.assertEqual(len(grounds), 2, "light and dark have a ground of their own, at every width")

    def test_all_folds_open(self):
        for width in WIDTHS:
            page = self.browser.open(self.page.as_uri(), width)
            page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
            self.check_page(page, width)
            # Nothing sticks out of the page but what scrolls, or is cut, in a box of its own.
            wide = page.evaluate("""[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') &&
                !e.closest('svg, .lanes .n') && e.getBoundingClientRect().right > innerWidth + 1)
                .map(e => e.tagName + '.' + e.className).join(' ')""")
            self.assertEqual(wide, "")

    def test_the_first_screen_answers(self):
        for width, height in ((390, 844), (1280, 900)):
            page = self.browser.open(self.page.as_uri(), width, height)
            for place in ("worst-device", "longest-outage"):
                bottom = page.evaluate(f"document.getElementById('{place}').getBoundingClientRect().bottom")
                self.assertLessEqual(bottom, height, (place, width))

    def test_text_is_readable_on_its_ground(self):
        contrast = """(() => {
            const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255)
                .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
            const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
                if (!c.startsWith('rgba(0, 0, 0, 0')) return c; } return 'rgb(255, 255, 255)'; };
            let worst = [99, ''];
            for (const e of document.querySelectorAll('body *')) {
                if (e.closest('svg') && e.tagName != 'text') continue;
                if (![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim())) continue;
                const style = getComputedStyle(e), svg = e.tagName == 'text';
                const [a, b] = [light(svg ? style.fill : style.color), light(ground(svg ? e.closest('svg').parentElement : e))];
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < worst[0]) worst = [ratio, e.tagName + '.' + e.getAttribute('class')];
            }
            return worst; })()"""
        for dark in (False, True):
            page = self.browser.open(self.page.as_uri(), 1280, dark=dark)
            ratio, where = page.evaluate(contrast)
            self.assertGreaterEqual(ratio, 4.5, (where, dark))

    def test_on_paper(self):
        page = self.browser.open(self.page.as_uri(), 1280, dark=True)
        pdf = page.pdf()
        self.keep("paper.pdf", pdf)
        self.assertTrue(pdf.startswith(b"%PDF-"))
        self.assertGreater(len(re.findall(rb"/Type\s*/Page\b", pdf)), 1)
        paper = self.browser.open(self.page.as_uri(), 794, dark=True, media="print")
        self.check_page(paper, "paper")
        self.keep("paper.png", paper.screenshot())
        self.assertEqual(paper.evaluate("getComputedStyle(document.documentElement).backgroundColor"), "rgb(255, 255, 255)")
        self.assertEqual(paper.evaluate("getComputedStyle(document.querySelector('nav')).display"), "none")

    def test_pictures_stand_alone(self):
        for name, *args in (("lanes", "online", "--order-by", "availability", "--limit", "40"),
                            ("lines", "stats", "humidity", "--every", "1h", "--by", "product"),
                            ("bars", "stats", "temperature", "--by", "device", "--limit", "30")):  # fmt: skip
            picture = self.db.home / f"{name}.svg"
            result = self.db.run(*args, "--svg", picture)
            self.assertEqual(result.code, 0, repr(result))
            page = self.browser.open(picture.as_uri(), 1000)
            page.settle()
            self.assertEqual(page.errors, [])
            self.keep(f"{name}.png", page.screenshot())
            self.assertGreater(colours_of(page.screenshot())[2], 20)


if __name__ == "__main__":
    unittest.main()
