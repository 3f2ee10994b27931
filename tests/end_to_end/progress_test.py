"""Progress: overwritten in the bucket, shown in agent_states, told at intervals, and no part of the status."""
import json
import time
import unittest

import bucket_checker
from harness import Bide, definition, event, progress, wait_until
from jetstream import PURGE, JetStream
from streams import CurlStream


def nats_url(bide):
    with open(f"{bide.data_dir}/nats-url", encoding="ascii") as file:
        return file.read().strip()


class Progress(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()
        cls.nats_url = nats_url(cls.bide)

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def states(self, job):
        return self.bide.get(f"/job/{job}").json().get("agent_states", {})

    def check(self):
        self.assertEqual(bucket_checker.check(self.bide, self.nats_url), [])

    def test_each_overwrites_the_last_and_is_shown(self):
        self.bide.put(definition("build"), event("build", "started"))
        for percent in range(0, 101, 5):
            self.bide.put(progress("build", percent, message=f"step {percent}"))
        job = self.bide.get("/job/build").json()
        self.assertEqual(job["agent_states"], {"web-01": {
            "status": "started", "progress": {"percent": 100, "message": "step 100"}}})
        self.assertEqual((job["status"], job["final"], len(job["timeline"])), ("processing", False, 1))
        with JetStream(self.nats_url) as nats:
            _, entries = nats.read()
        self.assertEqual([entry.key for entry in entries if "progress" in entry.key and "build" in entry.key],
                         ["status.build.progress.web-01"])
        self.check()
        self.bide.put(("status.build.progress.web-01", None))
        self.assertEqual(self.states("build"), {"web-01": {"status": "started"}})
        self.check()

    def test_it_does_not_count_in_the_status(self):
        self.bide.put(definition("all", subject="jobs.query._all", expected_agents=2), event("all", "completed", "a"))
        self.bide.put(progress("all", 40, "b", log="x\ny"))
        job = self.bide.get("/job/all").json()
        self.assertEqual((job["status"], job["agent_states"]["b"]),
                         ("processing", {"progress": {"percent": 40, "log": "x\ny"}}))
        self.bide.put(event("all", "completed", "c"))
        self.assertTrue(self.bide.get("/job/all").json()["final"])
        self.check()

    def test_bad_progress_takes_the_last_away(self):
        self.bide.put(definition("bad"), progress("bad", 40))
        before = self.bide.metric('bide_entries_rejected_total{reason="field"}')
        self.bide.worker().put(progress("bad", 101))
        wait_until(lambda: self.bide.metric('bide_entries_rejected_total{reason="field"}') > before, "it is rejected")
        self.assertEqual(self.states("bad"), {})
        before = self.bide.metric('bide_entries_rejected_total{reason="agent_mismatch"}')
        self.bide.worker().put(("status.bad.progress.web-02", progress("bad", 50)[1]))
        wait_until(lambda: self.bide.metric('bide_entries_rejected_total{reason="agent_mismatch"}') > before,
                   "it is rejected")
        self.assertEqual(self.states("bad"), {})

    def test_it_wakes_change_and_streams_only(self):
        self.bide.put(definition("woken"), event("woken", "started"))
        tag = self.bide.get("/job/woken")["ETag"]
        parked = self.bide.metric("bide_parked")
        change = self.bide.curl_later("/job/woken?wait=30s", "-H", f"If-None-Match: {tag}")
        done = self.bide.curl_later("/job/woken?wait=30s&until=done")
        self.bide.wait_metric("bide_parked", parked + 2)
        self.bide.put(progress("woken", 40))
        response = self.bide.finish(change)
        self.assertEqual((response.status, response["Bide-Outcome"]), (200, "changed"))
        self.assertNotEqual(response["ETag"], tag)
        self.assertEqual(self.bide.metric("bide_parked"), parked + 1)
        self.bide.put(event("woken", "completed", nano=2))
        self.assertEqual(self.bide.finish(done)["Bide-Outcome"], "done")

    def test_streams_tell_it_at_intervals_and_the_last_always(self):
        self.bide.put(definition("fast"), definition("other"))
        streams = [CurlStream(self.bide.url + target) for target in ("/job/fast/events", "/job/events")]
        for stream in streams:
            self.addCleanup(stream.close)
            stream.next("hello")
        streams[0].next("job")
        began = time.monotonic()
        for percent in range(100):
            self.bide.worker().put(progress("fast", percent))
        self.bide.put(progress("fast", 100))
        for stream in streams:
            told = [stream.next("job").data["agent_states"]["web-01"]["progress"]["percent"]]
            while told[-1] != 100:
                told.append(stream.next("job").data["agent_states"]["web-01"]["progress"]["percent"])
            self.assertEqual(told, sorted(told))
            self.assertLessEqual(len(told), 2 + (time.monotonic() - began) / 0.25)
        self.bide.put(progress("fast", 99), event("fast", "completed"))
        last = streams[0].next("job").data
        while last["status"] != "completed":
            last = streams[0].next("job").data
        self.assertEqual(last["agent_states"]["web-01"]["progress"], {"percent": 99})
        streams[0].next("end")

    def test_overwriting_faster_than_it_is_delivered_is_no_loss(self):
        self.bide.put(definition("hasty"))
        before = self.bide.metric("bide_resyncs_total")
        began = time.monotonic()
        with JetStream(self.nats_url) as nats:
            while time.monotonic() < began + 8:  # A gap would be a reason to read again after 5 s.
                last = nats.store(*[progress("hasty", percent) for percent in range(20)])[-1]
        self.bide.wait_applied(last)
        self.assertEqual(self.bide.metric("bide_resyncs_total"), before)
        self.check()

    def test_emit(self):
        for percent in ("40", "55.5"):
            done = self.bide.command("emit", "emitted", "progress", "--agent", "ci.1",
                                     "--data", json.dumps({"percent": json.loads(percent)}))
            self.assertEqual(done.returncode, 0, done.stderr)
        wait_until(lambda: self.bide.get("/job/emitted").status == 200, "it is defined")
        wait_until(lambda: self.states("emitted") == {"ci.1": {"progress": {"percent": 55.5}}}, "it is shown")
        bad = self.bide.command("emit", "emitted", "progress", "--data", '{"percent":101}')
        self.assertEqual((bad.returncode, "percent" in bad.stderr), (2, True), bad.stderr)
        self.check()


class OtherBuckets(unittest.TestCase):
    def test_a_bucket_with_a_history(self):
        with Bide("--access-log", "off") as bide:
            with JetStream(nats_url(bide)) as nats:
                nats.update_bucket(history=5)
                revisions = nats.store(definition("j"), *[progress("j", percent) for percent in range(20)])
            bide.wait_applied(revisions[-1])
            self.assertEqual(bide.get("/job/j").json()["agent_states"], {"web-01": {"progress": {"percent": 19}}})
            self.assertEqual(bucket_checker.check(bide, nats_url(bide)), [])
            bide.terminate()
            bide.start()  # Reads all that there is.
            self.assertEqual(bucket_checker.check(bide, nats_url(bide)), [])
            with JetStream(nats_url(bide)) as nats:
                nats.store(("status.j.progress.web-01", PURGE), progress("j", 7))
            wait_until(lambda: bucket_checker.check(bide, nats_url(bide)) == [], "bide follows")
            self.assertEqual(bide.get("/job/j").json()["agent_states"], {"web-01": {"progress": {"percent": 7}}})


if __name__ == "__main__":
    unittest.main(verbosity=2)
