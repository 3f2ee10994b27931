"""The access log: one JSON line a request where it is wanted, and nobody's secrets in it."""
import json
import unittest

from harness import Bide, definition, wait_until


class AccessLog(unittest.TestCase):
    def lines(self, bide):
        found = [json.loads(line) for line in bide.log_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["level"] == "access" and line["path"] != "/metrics"
                and line["path"] != "/readyz"]

    def test_all_without_secrets(self):
        with Bide("--access-log", "all") as bide:
            bide.put(definition("a"))
            bide.get("/job/a?_token=hush&wait=100ms&until=done", "Authorization: Bearer hush",
                     "Cookie: session=hush")
            bide.get("/hush/path")
            lines = wait_until(lambda: len(self.lines(bide)) == 2 and self.lines(bide), "two lines")
            self.assertEqual([(line["method"], line["path"], line["status"], line["held"]) for line in lines],
                             [("GET", "/job/a", 200, True), ("GET", "-", 404, False)])
            self.assertNotIn("hush", bide.log_text())
            self.assertTrue(lines[0]["client"].startswith("127.0.0.1:"))

    def test_off_and_sampled(self):
        for mode, most in (("off", 0), ("sampled", 3)):
            with Bide("--access-log", mode) as bide:
                bide.put(definition("a"))
                for _ in range(150):
                    bide.get("/job/a")
                self.assertEqual(bide.terminate(), 0)
                # Every error is told, a readiness probe's that came early, too.
                lines = [line for line in bide.log_text().splitlines()
                         if '"level":"access"' in line and '"status":200' in line]
                self.assertLessEqual(len(lines), most)
                self.assertEqual(bool(lines), mode == "sampled")


if __name__ == "__main__":
    unittest.main()
