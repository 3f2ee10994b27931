"""Three bides on one bucket, of which one after the other is paused, killed, or started from its snapshot; one may read a
mirror of the bucket. No client with a tag is sent back in time, nor told that there is no such job. Contract table, rows
1 and 10."""
import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import Bide, definition, event, progress, wait_until
from jetstream import JetStream
from mortal_nats import NatsCluster, NatsServer
from tag_clients import HOT, Board

ANSWERS = int(os.environ.get("TESTED_ANSWERS", "20000" if os.environ.get("TESTED_SANITIZER") else "50000"))
CLIENTS = 2
PAUSE_S = 0.5


class Writer(threading.Thread):
    """Defines jobs, reports on the newest, deletes one now and then, and says on the board what is stored."""

    def __init__(self, url, board, dice):
        super().__init__(daemon=True)
        self.url, self.board, self.dice = url, board, dice
        self.error = None

    def run(self):
        try:
            with JetStream(self.url) as nats:
                while not self.board.stopped:
                    self.write(nats)
                    threading.Event().wait(self.dice.uniform(0, 0.01))
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def write(self, nats):
        board, dice, new = self.board, self.dice, self.board.jobs
        entries = [(new, definition(f"job-{new}"))]
        for _ in range(dice.randint(1, 4)):
            job = max(new - dice.randrange(HOT), 0)
            if board.fate(job) == Board.KEPT:
                nano = time.time_ns()
                kind = dice.choice(("acknowledged", "started", "failed", "retried", "progress"))
                entries.append((job, progress(f"job-{job}", new % 101, message=str(nano)) if kind == "progress"
                                else event(f"job-{job}", kind, nano=nano)))
        revisions = nats.store(*[entry for _, entry in entries])
        for (job, _), revision in zip(entries, revisions):
            board.store(job, revision)
        board.jobs = new + 1
        if new % 20 == 19 and (job := new - dice.randrange(1, HOT)) >= 0 and board.fate(job) == Board.KEPT:
            board.set_fate(job, Board.BEING_DELETED)
            nats.store((f"jobs.job-{job}", None))
            board.set_fate(job, Board.DELETED)


class Replicas(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.seed = int(os.environ.get("TESTED_SEED", time.time()))
        print(f"seed {self.seed}", flush=True)
        self.dice = random.Random(self.seed)
        self.board_path = os.path.join(self.stack.enter_context(tempfile.TemporaryDirectory()), "board")
        self.board = Board(self.board_path)
        self.happened = collections.Counter()
        self.bides = []

    def start(self, nats_url, bucket="job-queue"):
        create = ("--create-bucket",) if bucket == "job-queue" else ()
        bide = self.stack.enter_context(Bide("--access-log", "off", "--nats", nats_url, "--bucket", bucket, *create))
        bide.listen_port = bide.port  # Clients find it again.
        self.bides.append(bide)

    # --- What happens to them

    def paused(self, bide):
        bide.process.send_signal(signal.SIGSTOP)
        threading.Event().wait(self.dice.uniform(0.1, 2 * PAUSE_S))
        bide.process.send_signal(signal.SIGCONT)
        bide.wait_ready()

    def killed(self, bide):
        bide.kill()
        self.start_again(bide)

    def stopped(self, bide):
        self.assertEqual(bide.terminate(), 0, bide.log_text()[-2000:])
        self.start_again(bide)
        self.assertEqual(bide.metric("bide_warm_starts_total"), 1, bide.log_text()[-2000:])

    def start_again(self, bide):
        bide.start()
        self.happened["warm starts"] += int(bide.metric("bide_warm_starts_total"))

    # ---

    def test_one_nats_server(self):
        nats = self.stack.enter_context(NatsServer())
        for _ in range(3):
            self.start(nats.url)
        self.nobody_goes_back_in_time_and_no_job_is_missing(nats.url)

    def test_cluster_of_three(self):
        nats = self.stack.enter_context(NatsCluster())
        with nats.connect(patience_s=20) as api:
            api.create_bucket(replicas=3)
        for node in nats.nodes.values():
            self.start(node.url)
        self.nobody_goes_back_in_time_and_no_job_is_missing(nats.url)

    def test_a_mirror(self):
        nats = self.stack.enter_context(NatsServer())
        for _ in range(2):
            self.start(nats.url)
        with JetStream(nats.url, "edge") as edge:
            edge.api("CREATE", **{**edge.config(1, 0.0, 1), "subjects": [], "mirror": {"name": "KV_job-queue"}})
        self.start(nats.url, "edge")
        self.nobody_goes_back_in_time_and_no_job_is_missing(nats.url)

    def nobody_goes_back_in_time_and_no_job_is_missing(self, nats_url):
        writer = Writer(nats_url, self.board, self.dice)
        writer.start()
        wait_until(lambda: self.board.jobs > HOT, "there are jobs")
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tag_clients.py")
        ports = [str(bide.port) for bide in self.bides]
        clients = [subprocess.Popen([sys.executable, program, self.board_path, str(n), str(self.seed + n), *ports],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for n in range(CLIENTS)]
        began = time.monotonic()
        try:
            self.let_things_happen(lambda: all(client.poll() is None for client in clients) and not writer.error)
        finally:
            self.board.stop()
            seconds = time.monotonic() - began
            said = [client.communicate(timeout=30) for client in clients]
        self.assertEqual([err for _, err in said], [""] * CLIENTS, f"seed {self.seed}")
        writer.join(10)
        self.assertIsNone(writer.error)
        counts = sum((collections.Counter(json.loads(out)) for out, _ in said), collections.Counter())
        figures = {"seconds": round(seconds), "answers": self.board.answers(), "jobs": self.board.jobs,
                   **self.happened, **dict(sorted(counts.items()))}
        print(figures, flush=True)
        for kind in ("plain 200", "plain 304", "held 200", "no-cache 200", "no-cache 304", "set 200", "statistics 200",
                     "stream 200"):
            self.assertGreater(counts[kind], 20, figures)

    def let_things_happen(self, well):
        """Each of it to each bide once at least, and on until there were enough answers."""
        for turn in range(10**6):
            if turn >= 9 and self.board.answers() >= ANSWERS:
                return
            happens = (self.paused, self.killed, self.stopped)[turn // 3 % 3]
            happens(self.bides[turn % 3])
            self.happened[happens.__name__] += 1
            threading.Event().wait(self.dice.uniform(0, PAUSE_S))
            if not well():
                return


if __name__ == "__main__":
    unittest.main()
