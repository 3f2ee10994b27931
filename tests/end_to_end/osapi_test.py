"""osapi's Go client reads bide: tests/osapi/client.go decodes every answer as its SDK does."""
import json
import os
import subprocess
import tempfile
import unittest
import uuid

from harness import Bide, definition, event, wait_until

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "osapi", "client.go")
WRITER, READER = "w" * 24, "r" * 24
STATUSES = ("submitted", "processing", "completed", "failed", "partial_failure")  # Those that its client may ask for.


class UnreadyBide(Bide):
    def wait_ready(self):
        wait_until(lambda: self.get("/livez").status == 200, "bide lives")


def response(job, agent, nano=9, **members):
    return (f"responses.{job}.{agent}.{nano}", {"job_id": job, "status": "completed", "hostname": agent,
                                                "timestamp": "2026-01-01T00:00:09Z", **members})


class Osapi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="bide-osapi-")
        cls.client = os.path.join(cls.scratch.name, "client")
        subprocess.run(["go", "build", "-o", cls.client, SOURCE], check=True, timeout=200,
                       env={**os.environ, "GOPROXY": "off", "GO111MODULE": "off", "CGO_ENABLED": "0"})
        tokens = os.path.join(cls.scratch.name, "tokens")
        with open(tokens, "w", encoding="ascii") as file:
            file.write(f"{WRITER} write\n{READER} read\n")
        cls.bide = Bide("--access-log", "off", "--base-path", "/api", "--auth", f"token-file={tokens}")
        cls.bide.credentials = (f"Authorization: Bearer {READER}",)
        cls.bide.start()
        cls.jobs = {status: str(uuid.uuid4()) for status in STATUSES}
        done, failed, partly = cls.jobs["completed"], cls.jobs["failed"], cls.jobs["partial_failure"]
        cls.bide.put(
            *[definition(job, subject="jobs.query._all", operation={"type": "node.hostname.get", "data": {"a": [1.5, None]}},
                         labels={"team": "ci"}) for job in cls.jobs.values()],
            event(cls.jobs["processing"], "acknowledged"),
            event(done, "acknowledged"), event(done, "started", nano=2), event(done, "completed", nano=1500000002),
            response(done, "web-01", changed=True, data={"hostname": "web-01", "n": 2 ** 60}),
            event(failed, "failed", error="no space"), response(failed, "web-01", status="failed", error="no space"),
            event(partly, "completed"), event(partly, "failed", agent="web-02", nano=2, error="gone"),
            response(partly, "web-01", changed=False, data=[1]), response(partly, "web-02", data="text"))

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()
        cls.scratch.cleanup()

    def run_client(self, *words, token=READER, accept="application/json", bide=None):
        return subprocess.run([self.client, (bide or self.bide).url, token, accept, *words], capture_output=True, text=True,
                              timeout=60, check=False)

    def decoded(self, *words, **options):
        done = self.run_client(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refused(self, *words, **options):
        done = self.run_client(*words, **options)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def test_a_job(self):
        for accept in ("application/json", ""):
            for status, job in self.jobs.items():
                read = self.decoded("get", job, accept=accept)
                self.assertEqual((read["id"], read["status"]), (job, status))
                self.assertEqual(read["operation"]["data"], {"a": [1.5, None]})
        done = self.decoded("get", self.jobs["completed"])
        self.assertEqual((done["hostname"], done["changed"], done["result"]["hostname"]), ("web-01", True, "web-01"))
        self.assertEqual(done["agent_states"], {"web-01": {"status": "completed", "duration": "1.5s"}})
        self.assertEqual([one["event"] for one in done["timeline"]], ["acknowledged", "started", "completed"])
        self.assertEqual(done["updated_at"], "2026-01-01T00:00:01Z")
        partly = self.decoded("get", self.jobs["partial_failure"])
        self.assertEqual(partly["responses"]["web-02"], {"changed": None, "data": "text", "hostname": "web-02", "status": "completed"})
        self.assertEqual((partly["agent_states"]["web-02"]["error"], partly["changed"]), ("gone", False))

    def test_lists_and_statistics(self):
        page = self.decoded("list", "")
        self.assertEqual((page["total_items"], len(page["items"])), (len(STATUSES), len(STATUSES)))
        self.assertEqual({name: page["status_counts"][name] for name in STATUSES}, dict.fromkeys(STATUSES, 1))
        for status in STATUSES:
            page = self.decoded("list", f"limit=1&offset=0&status={status}", accept="")
            self.assertEqual([job["id"] for job in page["items"]], [self.jobs[status]])
        self.assertEqual(self.decoded("list", "offset=4&limit=100")["total_items"], len(STATUSES))
        numbers = self.decoded("statistics")
        self.assertEqual((numbers["total_jobs"], numbers["status_counts"]["failed"]), (len(STATUSES), 1))

    def test_errors(self):
        nobody = str(uuid.uuid4())
        self.assertEqual(self.refused("get", nobody), "status 404, code 404: there is no job of this id\n")
        self.assertRegex(self.refused("list", "limit=101"), "^status 400, code 400: limit is ")
        self.assertRegex(self.refused("list", "status=pending"), "^status 400, code 400: status is one of ")
        self.assertRegex(self.refused("get", nobody, token="x" * 24), "^status 401, code 401: ")
        self.assertRegex(self.refused("delete", self.jobs["failed"]), "^status 403, code 403: ")
        self.assertRegex(self.refused("delete", nobody, token=WRITER), "^status 404, code 404: ")

    def test_removing(self):
        job = str(uuid.uuid4())
        self.bide.put(definition(job))
        self.assertIsNone(self.decoded("delete", job, token=WRITER))
        self.assertRegex(self.refused("get", job), "^status 404")

    def test_health(self):
        self.assertEqual(self.decoded("health"), {"status": "ok"})
        self.assertEqual(self.decoded("ready"), {"status": "ready"})
        with UnreadyBide("--access-log", "off", "--base-path", "/api", "--nats", "nats://127.0.0.1:1") as away:
            self.assertEqual(self.decoded("health", bide=away), {"status": "ok"})
            ready = self.decoded("ready", bide=away)
            self.assertEqual(ready["status"], "not_ready")
            self.assertTrue(ready["error"])
            self.assertRegex(self.refused("list", "", bide=away), "^status 503, code 503: ")


if __name__ == "__main__":
    unittest.main()
