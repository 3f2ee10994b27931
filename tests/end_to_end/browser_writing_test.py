"""No page of another origin writes to a developer's bide on loopback, whatever it tries in Chromium."""
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from browser_test import Page
from harness import Bide, wait_until
from rig.ports import free_port
from streams import BROWSER_DIR

PAGES = os.path.join(BROWSER_DIR, "page")
REFUSED = 403
TOKEN = "0123456789abcdef"


class ForeignSite(http.server.SimpleHTTPRequestHandler):
    """Serves the page, sends what is posted on to bide, and sets a cookie, which all ports of a host share."""

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=PAGES)

    def do_POST(self):
        self.send_response(307)
        self.send_header("Location", self.path.partition("?")[2])
        self.end_headers()

    def end_headers(self):
        self.send_header("Set-Cookie", f"bide_token={TOKEN}")
        super().end_headers()

    def log_message(self, *_):
        pass


def requests_of(bide):
    """(method, job, status) of each request for a job, by the access log."""
    lines = [json.loads(line) for line in bide.log_text().splitlines() if '"level":"access"' in line]
    return [(line["method"], line["path"].split("/")[2], line["status"]) for line in lines
            if line["path"].startswith("/job/")]


class BrowserWriting(unittest.TestCase):
    def open(self, url):
        profile = self.enterContext(tempfile.TemporaryDirectory(prefix="bide-chromium-", ignore_cleanup_errors=True))
        return self.enterContext(Page(url, profile))

    def write(self, page, bide):
        """What the page was told of each attempt; the names of those that browsers send at once."""
        page.call("write", bide)
        simple = page.wait_for(said="over", patience_s=60)["simple"]
        return {line["name"]: line["told"] for line in page.said if "name" in line}, simple

    def nothing_is_stored(self, bide, *fields):
        self.assertEqual(bide.get("/job", "Cache-Control: no-cache", *fields).json()["total_items"], 0)
        self.assertEqual(bide.worker().last_seq(), 0)

    def attack(self, page, bide):
        told, simple = self.write(page, bide.url)
        page.call("submitAsPage", bide.url)
        refused = {*simple, "redirect", "page"}
        # Each of them has come to bide: the browser alone stops none of them.
        wait_until(lambda: refused <= {job for method, job, _ in requests_of(bide) if method == "POST"},
                   f"all simple requests have come; told: {told}, seen: {requests_of(bide)}")
        for method, job, status in requests_of(bide):
            if job in refused:
                self.assertEqual((method, status), ("POST", REFUSED), job)
            else:  # A preflight, or a GET that asks for nothing that there is.
                self.assertIn(method, ("GET", "-"), job)  # The log does not name OPTIONS.
        self.assertLessEqual({"image", "script", "frame", "put", "fetch-json"}, {job for _, job, _ in requests_of(bide)})

    def test_a_page_of_another_origin(self):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ForeignSite) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            # Another site, another host, only another port; and one that may read.
            for host, may_read in (("evil.test", False), ("localhost", False), ("127.0.0.1", False), ("evil.test", True)):
                origin = f"http://{host}:{server.server_port}"
                flags = ("--cors-origin", origin) if may_read else ()
                with self.subTest(origin=origin, flags=flags), Bide("--access-log", "all", *flags) as bide:
                    self.attack(self.open(f"{origin}/write.html"), bide)
                    self.nothing_is_stored(bide)
            server.shutdown()

    def test_a_page_of_another_port_with_the_users_cookie(self):
        with (tempfile.NamedTemporaryFile("w") as tokens,
              http.server.ThreadingHTTPServer(("127.0.0.1", 0), ForeignSite) as server):
            tokens.write(f"{TOKEN} write\n")
            tokens.flush()
            threading.Thread(target=server.serve_forever, daemon=True).start()
            bide = Bide("--access-log", "all", "--auth", f"token-file={tokens.name}")
            bide.credentials = (f"Authorization: Bearer {TOKEN}",)
            with bide:
                page = self.open(f"http://127.0.0.1:{server.server_port}/write.html")
                self.attack(page, bide)
                self.nothing_is_stored(bide, *bide.credentials)
            server.shutdown()

    def open_before_bide(self, host):
        """A page whose origin is bide's, because another server had its port when the page was loaded."""
        port = free_port()
        with subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", PAGES,
                               str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            bide = Bide("--access-log", "all")
            bide.listen_port = bide.port = port
            wait_until(lambda: self.answers(bide), "the page's server answers")
            page = self.open(f"http://{host}:{port}/write.html")
            server.kill()
        return page, self.enterContext(bide)

    @staticmethod
    def answers(site):
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", site.port)) == 0

    def test_a_name_that_is_rebound_to_loopback(self):
        page, bide = self.open_before_bide("evil.test")
        told, _ = self.write(page, "")
        for name in ("fetch-text", "fetch-form", "fetch-cors", "put", "delete", "fetch-json", "xhr-json"):
            self.assertEqual(told[name], 421, name)
        self.nothing_is_stored(bide)

    def test_a_page_of_bides_own_origin_may_write(self):
        page, bide = self.open_before_bide("127.0.0.1")
        told, _ = self.write(page, "")
        for name, status in (("fetch-form", 201), ("fetch-cors", 201), ("put", 201), ("delete", 404),
                             ("fetch-json", 201), ("xhr-json", 201)):
            self.assertEqual(told[name], status, name)
        for job in ("beacon-form", "beacon-json", "form"):
            wait_until(lambda job=job: bide.get(f"/job/{job}")["Bide-Status"] == "processing", f"{job} has started")
        self.assertEqual(bide.get("/job/sandbox-fetch").status, 404)  # Its origin is "null".


if __name__ == "__main__":
    unittest.main()
