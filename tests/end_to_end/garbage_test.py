"""Whatever is written into the bucket, bide counts it and goes on."""
import random
import unittest

from harness import Bide, definition, event, wait_until


class Garbage(unittest.TestCase):
    def rejected(self, bide, reason):
        return bide.metric(f'bide_entries_rejected_total{{reason="{reason}"}}')

    def test_garbage_is_counted_and_changes_nothing(self):
        noise = random.Random(7)
        good = event("good", "started")
        expected = {
            "json": [(f"jobs.noise-{n}", noise.randbytes(200)) for n in range(50)]
                    + [("jobs.utf8", b'{"id":"utf8","created":"\xff\xfe"}')],
            "depth": [("jobs.deep", b'{"operation":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}")],
            "size": [("jobs.large", b'{"id":"large","x":"' + b"x" * (2 << 20) + b'"}'),
                     ("jobs.edge", b'{"id":"edge","x":"' + b"x" * (1 << 20) + b'"}')],
            "key": [("jobs", {}), ("jobs.a.b", {}), ("status.good.started", {}), ("other.key", {}),
                    ("jobs.status", {}), ("status.good.exploded.a.1", {}), ("status.good.started.a.x", {})],
            "mismatch": [("jobs.mine", {"id": "yours"}),
                         ("status.good.failed.web-01.1", dict(good[1], event="completed"))],
            "agent_mismatch": [("status.good.completed.web-01.3", event("good", "completed", "web-02", 3)[1]),
                               ("responses.good.web-01.4", {"job_id": "good", "hostname": "web-02"})],
            "field": [("jobs.field", {"created": 5}), ("status.good.failed.web-01.2",
                                                       {"job_id": "good", "event": "failed"})],
        }
        with Bide("--access-log", "off") as bide:
            bide.put(definition("good"), good)
            before = bide.curl("/job/good")
            curl = bide.curl_later("/job/good?wait=30s", "-H", f"If-None-Match: {before['ETag']}")
            bide.wait_metric("bide_parked", 1)
            jobs = bide.metric("bide_jobs")
            for entries in expected.values():
                bide.worker().put(*entries)
            for reason, entries in expected.items():
                wait_until(lambda r=reason, e=entries: self.rejected(bide, r) == len(e),
                           f"{len(entries)} entries are rejected for {reason}")
            after = bide.curl("/job/good")
            self.assertEqual((after["ETag"], after.body), (before["ETag"], before.body))
            self.assertEqual(bide.metric("bide_jobs"), jobs)
            self.assertEqual(bide.metric("bide_parked"), 1)
            bide.put(event("good", "completed", nano=9))
            self.assertEqual(bide.finish(curl).json()["status"], "completed")
            self.assertIn("reason", bide.log_text())


if __name__ == "__main__":
    unittest.main()
