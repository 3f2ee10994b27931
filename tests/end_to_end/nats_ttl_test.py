"""Entries with a time to live of their own, which nats-server has since 2.11, with and without a marker at their end."""
import json
import tempfile
import unittest

from harness import Bide, definition, event, wait_until
from jetstream import JetStream
from nats_servers import NatsServer, nats_version


@unittest.skipIf(nats_version() < (2, 11), "this nats-server keeps all entries for the same time")
class NatsTtl(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bide-e2e-")
        self.addCleanup(folder.cleanup)
        self.nats = NatsServer(folder.name, "")
        self.addCleanup(self.nats.stop)

    def expire(self, **options):
        """A bide with two jobs, of which `passing` loses its end and then its definition."""
        with JetStream(self.nats.url) as api:
            api.api("CREATE", **api.config(1, 0, 1), allow_msg_ttl=True, **options)
            bide = self.enterContext(Bide("--access-log", "off", "--nats", self.nats.url))
            for seconds, (key, value) in ((8, event("passing", "completed")), (14, definition("passing"))):
                stored = api.request(api.prefix + key, json.dumps(value).encode(), b"Nats-TTL: %ds\r\n" % seconds)
                self.assertIn("seq", json.loads(stored[1]))
            api.store(definition("lasting"), event("lasting", "completed"))
            wait_until(lambda: bide.get("/job/lasting").json()["status"] == "completed", "bide has read all")
            self.assertEqual(bide.get("/job/passing").json()["status"], "completed")
            self.assertIn('"option":"allow_msg_ttl"', bide.log_text())
            wait_until(lambda: bide.get("/job/passing").json()["status"] == "submitted", "the event is over")
            held = bide.curl_later("/job/passing?until=completed&wait=30s")
            self.assertEqual(bide.finish(held).status, 404)
            self.assertEqual(bide.get("/job/lasting").json()["status"], "completed")
            self.assertEqual(bide.metric("bide_entries_rejected_total"), 0)
            return api.info()["state"]["messages"], bide.metric("bide_resyncs_total")

    def test_a_marker_is_a_deletion(self):
        entries, resyncs = self.expire(subject_delete_marker_ttl=60 * 10**9)
        self.assertEqual((entries, resyncs), (4, 0))  # Two of them are markers.

    def test_without_a_marker_the_bucket_is_compared(self):
        entries, resyncs = self.expire()
        self.assertEqual(entries, 2)
        self.assertGreaterEqual(resyncs, 1)


if __name__ == "__main__":
    unittest.main()
