"""bide before a real cluster of three nodes with three replicas, at full speed: an answer about the stream may
come from a server that is behind the one that delivers."""
import json
import os
import subprocess
import sys
import threading
import time
import unittest

from harness import Bide, definition, wait_until
from jetstream import Unavailable
from load_test import LOAD
from mortal_nats import NatsCluster

SOON_S = 0.3
HEARTBEAT_NS = 333_000_000  # Of bide's consumer.
LOSSES = int(os.environ.get("TESTED_CLUSTER_LOSSES", "2"))
# Mostly below a second. But until the cluster has noticed that a server is gone, it may place bide's new consumers
# there again and again, while another reader's happens to be placed on a server that lives: 3.4 s were seen.
PATIENCE_S = 12.0
SECONDS = int(os.environ.get("TESTED_CLUSTER_SECONDS", "10"))
# What three nodes, bide and its clients do well on one core. TESTED_CLUSTER_RATE=12000 wants two to itself.
RATE = os.environ.get("TESTED_CLUSTER_RATE", "600" if os.environ.get("TESTED_SANITIZER") else "3000")


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

    # --- A server is lost: how soon bide tells of an entry after the cluster takes and delivers it.

    def store(self, entry):
        try:
            with self.nats.connect(patience_s=SOON_S) as api:
                return api.store(entry)
        except Unavailable:
            return None

    def server_of_the_consumer(self):
        """The meta leader asks all servers of consumers, and waits some seconds for those that are gone."""
        try:
            with self.nats.connect(patience_s=8) as api:
                consumers = json.loads(api.request(f"$JS.API.CONSUMER.LIST.{api.stream}")[1]).get("consumers") or []
        except Unavailable:
            return ""
        return next((consumer["cluster"]["leader"] for consumer in consumers if consumer["cluster"].get("leader")
                     and consumer["config"].get("idle_heartbeat") == HEARTBEAT_NS), "")

    def delivers(self):
        """The stream's leader and the cluster's are elected one after the other, and a consumer needs both."""
        try:
            with self.nats.connect(patience_s=SOON_S) as api:
                return api.read()
        except Unavailable:
            return None

    def lose(self, node, number):
        """Kills it, and returns (seconds until an entry is delivered, seconds from then until bide tells of it)."""
        began = time.monotonic()
        self.nats.nodes[node].kill()
        wait_until(lambda: self.store(definition(f"after-{number}")), "an entry is stored", 60)
        wait_until(self.delivers, "an entry is delivered", 60)
        stored = time.monotonic()
        wait_until(lambda: self.bide.get(f"/job/after-{number}").status == 200, "bide tells of it", 60)
        return stored - began, time.monotonic() - stored

    def lose_and_come_back(self, find):
        figures = []
        for number in range(LOSSES):
            node = wait_until(find, "the server is known", 60)
            resumes = self.bide.metric("bide_resumes_total")
            stored, told = self.lose(node, number)
            figures.append((round(stored, 2), round(told, 2)))
            self.nats.nodes[node].start()
            wait_until(lambda: self.bide.metric("bide_resumes_total") > resumes or find() != node, "bide goes on")
            wait_until(lambda node=node: self.is_back(node), "the server has caught up", 90)
        print(find.__name__, "(delivered, told) after s:", figures, file=sys.stderr, flush=True)
        self.assertEqual(self.bide.metric("bide_resyncs_total"), 0, self.bide.log_text()[-3000:])
        self.assertLess(max(told for _, told in figures), PATIENCE_S, self.bide.log_text()[-3000:])

    def follow_something(self):
        """A bucket of which nothing is known yet has no place to go on from: it is read."""
        wait_until(lambda: self.store(definition("before")), "an entry is stored")
        wait_until(lambda: self.bide.get("/job/before").status == 200, "bide tells of it")

    def is_back(self, node):
        self.store(definition("later"))  # A follower that gets nothing new may not notice that it has all.
        try:
            with self.nats.connect() as api:
                cluster = api.info()["cluster"]
        except Unavailable:
            return False
        replicas = {replica["name"]: replica for replica in cluster.get("replicas", [])}
        return cluster.get("leader") == node or replicas.get(node, {}).get("current")

    def test_leader_lost(self):
        self.follow_something()
        self.lose_and_come_back(self.nats.leader)

    def test_server_of_the_consumer_lost(self):
        self.follow_something()
        self.lose_and_come_back(self.server_of_the_consumer)


if __name__ == "__main__":
    unittest.main()
