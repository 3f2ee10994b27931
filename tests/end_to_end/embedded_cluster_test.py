"""Three bides with a nats-server each, which make one cluster: nobody loses anything when one of them is lost."""
import os
import signal
import tempfile
import threading
import unittest

from harness import Bide, wait_until
from jetstream import JetStream
from mortal_nats import next_port

PATIENCE_S = 60.0  # Three nats-servers elect leaders, on a busy machine.


class Writer(threading.Thread):
    """Creates jobs one after the other, and keeps the ids of those that are acknowledged."""

    def __init__(self, bide, name, stop):
        super().__init__(daemon=True)
        self.bide, self.name, self.stopping = bide, name, stop
        self.acknowledged = []

    def run(self):
        n = 0
        while not self.stopping.is_set():
            n += 1
            job = f"{self.name}-{n}"
            if self.bide.curl(f"/job/{job}/events", "-d", "event=started", "-d", "agent=a").status == 201:
                self.acknowledged.append(job)


class EmbeddedCluster(unittest.TestCase):
    def setUp(self):
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write("a-secret-of-three-servers\n")
        self.addCleanup(os.unlink, file.name)
        addresses = [f"127.0.0.1:{next_port()}" for _ in range(3)]
        self.bides = [Bide("--access-log", "off", "--cluster-listen", address, "--cluster-peers", ",".join(addresses),
                           "--cluster-secret-file", file.name) for address in addresses]
        for bide in self.bides:
            self.addCleanup(bide.__exit__)
            bide.wait_ready = lambda: None  # None is ready before there are others.

    def start(self, *bides):
        for bide in bides:
            bide.start()

    def wait_ready(self, *bides):
        for bide in bides:
            wait_until(lambda bide=bide: bide.get("/readyz?fresh").status == 200,
                       "bide is ready: " + bide.log_text()[-1500:], PATIENCE_S)

    def api(self, bide):
        with open(os.path.join(bide.data_dir, "nats-url"), encoding="ascii") as file:
            return JetStream(file.read().strip())

    @staticmethod
    def has(bide, jobs):
        return all(bide.get(f"/job/{job}").status == 200 for job in jobs)

    def test_one_is_lost(self):
        first, second, third = self.bides
        self.start(first)
        wait_until(lambda: "has no leader yet" in first.get("/readyz").body.decode(), "it says what it waits for",
                   PATIENCE_S)
        self.start(second, third)
        self.wait_ready(*self.bides)
        with self.api(first) as api:
            info = api.info()
        self.assertEqual((info["config"]["num_replicas"], len(info["cluster"]["replicas"])), (3, 2))

        stop = threading.Event()
        writers = [Writer(bide, f"w{n}", stop) for n, bide in enumerate((first, second))]
        for writer in writers:
            writer.start()
        wait_until(lambda: all(len(writer.acknowledged) >= 20 for writer in writers), "jobs are written", PATIENCE_S)
        os.kill(third.nats_pid(), signal.SIGKILL)
        third.kill()
        before = [len(writer.acknowledged) for writer in writers]
        wait_until(lambda: all(len(writer.acknowledged) > count + 20 for writer, count in zip(writers, before)),
                   "the others go on writing", PATIENCE_S)
        stop.set()
        for writer in writers:
            writer.join(PATIENCE_S)
        jobs = [job for writer in writers for job in writer.acknowledged]
        self.wait_ready(first, second)
        for bide in (first, second):
            wait_until(lambda bide=bide: self.has(bide, jobs), "every acknowledged write is there", PATIENCE_S)

        self.start(third)
        self.wait_ready(third)
        wait_until(lambda: self.has(third, jobs), "the third has caught up", PATIENCE_S)
        self.assertEqual([third.get(f"/job/{job}")["ETag"] for job in jobs],
                         [first.get(f"/job/{job}")["ETag"] for job in jobs])


if __name__ == "__main__":
    unittest.main()
