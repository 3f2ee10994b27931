"""bide before a real cluster of three nodes with three replicas, at full speed: an answer about the stream may
come from a server that is behind the one that delivers."""
import json
import os
import subprocess
import sys
import threading
import time
import unittest

from harness import Bide, wait_until
from jetstream import Unavailable
from load_test import LOAD
from mortal_nats import NatsCluster

SECONDS = int(os.environ.get("TESTED_CLUSTER_SECONDS", "10"))
# As many as three nodes, bide and its clients can do on one core. TESTED_CLUSTER_RATE=12000 wants two to itself.
RATE = os.environ.get("TESTED_CLUSTER_RATE", "600" if os.environ.get("TESTED_SANITIZER") else "5000")


class Asker(threading.Thread):
    """Asks again and again for `target(n)`, and counts the answers by their status."""

    def __init__(self, bide, target, stop):
        super().__init__(daemon=True)
        self.bide, self.target, self.stopping = bide, target, stop
        self.statuses, self.slowest = {}, 0.0

    def run(self):
        n = 0
        while not self.stopping.is_set():
            n += 1
            began = time.monotonic()
            status = self.bide.get(self.target(n)).status
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.statuses[status] = self.statuses.get(status, 0) + 1


class Cluster(unittest.TestCase):
    def setUp(self):
        self.nats = NatsCluster()
        self.addCleanup(self.nats.__exit__)
        self.nats.__enter__()  # pylint: disable=unnecessary-dunder-call
        wait_until(self.create, "the bucket is created", 40)
        urls = ",".join(node.url for node in self.nats.nodes.values())
        self.bide = Bide("--access-log", "off", "--nats", urls).start()
        self.addCleanup(self.bide.__exit__)

    def create(self):
        try:
            with self.nats.connect() as api:
                return api.create_bucket(replicas=3)
        except Unavailable:
            return None

    def test_full_speed(self):
        """Nothing is read again, no absence is left open, and nobody who is held misses an event."""
        stop = threading.Event()
        askers = [Asker(self.bide, target, stop) for target in
                  (lambda n: f"/job/absent-{n}", lambda n: f"/job/nobody-{n}", lambda _: "/job/status")]
        load = subprocess.Popen([LOAD, "--json", "--server", f"127.0.0.1:{self.bide.port}", "--nats", self.nats.url,
                                 "--clients", "300", "--rate", RATE,
                                 "--duration", f"{SECONDS}s"], stdout=subprocess.PIPE, text=True)
        wait_until(lambda: self.bide.metric("bide_parked") >= 300, "the clients are held")
        for asker in askers:
            asker.start()
        report = json.loads(load.communicate(timeout=SECONDS + 60)[0].splitlines()[-1])
        stop.set()
        for asker in askers:
            asker.join(10)
        found = {"events": report["events"], "missed": report["missed"], "backwards": report["backwards"],
                 "resyncs": self.bide.metric("bide_resyncs_total"), "answers": [asker.statuses for asker in askers],
                 "slowest_s": [round(asker.slowest, 2) for asker in askers]}
        print(found, file=sys.stderr, flush=True)
        self.assertEqual((report["missed"], report["backwards"], found["resyncs"]), (0, 0, 0), found)
        self.assertEqual([list(asker.statuses) for asker in askers], [[404], [404], [200]], self.bide.log_text()[-3000:])


if __name__ == "__main__":
    unittest.main()
