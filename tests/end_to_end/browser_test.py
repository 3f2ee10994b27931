"""A page in Chromium sees every final state, whatever dies meanwhile: EventSource and WebSocket.

nginx serves the page and bide on one origin, as docs/proxies.md says.
"""
import tempfile
import unittest

from harness import PATIENCE_S, Bide, definition, event
from proxies import Nginx
from streams import BROWSER_DIR, Script, is_rising

ROADS = {"events": "watchEvents", "ws": "watchSocket"}


class Page(Script):
    def __init__(self, url, user_data_dir):
        super().__init__("browser.mjs", url, user_data_dir)
        self.wait_for(said="loaded", patience_s=60)

    def call(self, function, *arguments):
        self.tell(call=function, arguments=arguments)

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()  # Chromium is its child, and ends with its page.
            self.process.wait(PATIENCE_S)
        super().close()


class Browser(unittest.TestCase):
    roads = ROADS

    def setUp(self):
        self.bide = self.enterContext(Bide("--access-log", "off"))
        self.bide.listen_port = self.bide.port
        root = f"location / {{ root {BROWSER_DIR}/page; }}"
        self.site = self.enterContext(Nginx(self.bide, server=root))
        profile = self.enterContext(tempfile.TemporaryDirectory(prefix="bide-chromium-",
                                                                ignore_cleanup_errors=True))
        self.page = self.enterContext(Page(f"{self.site.url}/watch.html", profile))

    def told(self, road, job):
        return [line["data"] for line in self.page.records()
                if (line["road"], line["job"]) == (road, job)]

    def test_sees_every_final_state_whatever_dies(self):
        deaths = {"sigterm": self.restart, "sigkill": self.kill, "nats": self.bide.restart_nats}
        self.bide.put(*[definition(job) for job in deaths])
        for job in deaths:
            for road, function in self.roads.items():
                self.page.call(function, job)
                self.page.wait_for(road=road, job=job, event="job")
        for job, die in deaths.items():
            die()
            self.bide.put(event(job, "completed"))
        for job in deaths:
            for road in self.roads:
                self.wait_over(road, job)
                states = self.told(road, job)
                self.assertEqual((states[-1]["status"], states[-1]["final"]), ("completed", True))
                self.assertTrue(is_rising([state["revision"] for state in states]), states)

    def wait_over(self, road, job):
        wanted = {"road": road, "job": job, "said": "over"}
        if not any(wanted.items() <= line.items() for line in self.page.said):
            self.page.wait_for(**wanted, patience_s=40)

    def restart(self):
        self.assertEqual(self.bide.terminate(), 0)
        self.come_back()

    def kill(self):
        self.bide.kill()
        self.come_back()

    def come_back(self):
        self.bide.forget_worker()
        self.bide.start()

    def test_a_foreign_origin_is_refused(self):
        self.bide.put(definition("guarded"))
        self.page.call("watchSocket", "guarded", f"127.0.0.1:{self.bide.port}")
        self.page.wait_for(road="ws", job="guarded", said="reconnecting", code=1006)
        self.assertEqual(self.page.records(), [])


if __name__ == "__main__":
    unittest.main()
