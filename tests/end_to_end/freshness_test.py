"""Two servers on one bucket, one of them behind: nobody is sent back in time, nor told that there is
no such job. Contract table, rows 1, 10 and 17."""
import concurrent.futures
import json
import os
import random
import re
import shutil
import socket
import statistics
import tempfile
import threading
import time
import unittest

from harness import Bide, definition, event, request, wait_until
from stalling_link import StallingLink

RACE_S = 8.0


def opaque(etag):
    return etag.strip('"')


def later(etag, revisions):
    """The tag of so many revisions later, made up."""
    epoch, revision, digest = opaque(etag).split("-")
    return f'"{epoch}-{int(revision) + revisions}-{digest}"'


def since(began):
    return time.monotonic() - began


class Behind(unittest.TestCase):
    """`near` has the nats-server; `far` uses it over a link that can be stalled."""

    @classmethod
    def setUpClass(cls):
        cls.near = Bide("--access-log", "off").start()
        cls.link = StallingLink(cls.near.data_dir)
        cls.far = Bide("--access-log", "off", "--nats", cls.link.url).start()

    @classmethod
    def tearDownClass(cls):
        cls.far.__exit__()
        cls.link.__exit__()
        cls.near.__exit__()

    def tearDown(self):
        self.link.release()
        wait_until(lambda: self.far.get("/readyz?fresh").status == 200, "the other server is fresh")

    def new_job(self, suffix=""):
        job = self.id().rsplit(".", 1)[1] + suffix
        self.near.put(definition(job))
        self.far.wait_applied(self.near.metric("bide_revision_applied"))
        return job

    def test_rows_1_and_10_held_until_caught_up(self):
        job = self.new_job()
        known = self.near.get(f"/job/{job}")["ETag"]
        self.link.stall()
        self.near.put(event(job, "started"), definition(job + "-new"))
        tag = self.near.get(f"/job/{job}")["ETag"]
        numbers = self.near.get("/job/status")["ETag"]
        new = f"/job/{job}-new"
        seen = ("-H", f"If-None-Match: {tag}")
        curls = {
            "tag": self.far.curl_later(f"/job/{job}", *seen),
            "tag, text": self.far.curl_later(f"/job/{job}", *seen, "-H", "Accept: text/plain"),
            "tag, wait": self.far.curl_later(f"/job/{job}?wait=30s", *seen),
            "numbers": self.far.curl_later("/job/status", "-H", f"If-None-Match: {numbers}"),
            "no-cache": self.far.curl_later(f"/job/{job}", "-H", "Cache-Control: no-cache"),
            "new": self.far.curl_later(new),
            "new, wait": self.far.curl_later(new + "?wait=30s&until=exists"),
            "set": self.far.curl_later(f"/job?id={job}&id={job}-new"),
            "stream": self.far.curl_later(f"/job/{job}/events?until=completed", "-H",
                                          f"Last-Event-ID: {opaque(known)}"),
            "later stream": self.far.curl_later(f"/job/{job}/events?until=completed", "-H",
                                                f"Last-Event-ID: {opaque(tag)}"),
            "new stream": self.far.curl_later(new + "/events?until=completed"),
        }
        self.far.wait_metric("bide_parked", len(curls))
        self.link.release()
        for name, expected in (("tag", 304), ("tag, text", 200), ("numbers", 304), ("no-cache", 200),
                               ("new", 200), ("new, wait", 200), ("set", 200)):
            response = self.far.finish(curls[name])
            self.assertEqual(response.status, expected, name)
            # until=exists is news to wait for; all else is answered as if it had just come.
            self.assertIn(response["Bide-Outcome"], ("now", "done"), name)
            if name in ("tag, text", "no-cache"):
                self.assertEqual(response["Bide-Status"], "processing", name)
        self.near.put(event(job, "completed", nano=2), event(job + "-new", "completed"))
        response = self.far.finish(curls["tag, wait"])
        self.assertEqual((response.status, response["Bide-Outcome"]), (200, "changed"))
        for name, statuses in (("stream", ["processing", "completed"]),
                               ("later stream", ["completed"]),
                               ("new stream", ["submitted", "completed"])):
            body = self.far.finish(curls[name]).body.decode()
            self.assertEqual(re.findall(r'^data: \{"id":"[^"]*","status":"(\w+)"', body, re.M),
                             statuses, name)

    def test_rows_10_and_17_503_where_nats_does_not_tell(self):
        job = self.new_job()
        tag = self.near.get(f"/job/{job}")["ETag"]
        self.link.stall()
        seen = [f"If-None-Match: {later(tag, 1)}"]
        bounds = {  # By when, in seconds, and not long before.
            f"/job/{job}": (2.0, seen),
            f"/job/{job}?wait=1s": (1.0, seen),
            f"/job/{job}?wait=1s&until=done": (1.0, seen),
            "/job/nobody": (2.0, []),
            "/job/nobody?wait=30s": (2.0, []),
            "/job/nobody?wait=1s&until=exists": (1.0, []),
            "/job?limit=1": (2.0, ["Cache-Control: no-cache"]),
        }

        def ask(target, fields):
            began = time.monotonic()
            return self.far.get(target, *fields), since(began)

        with concurrent.futures.ThreadPoolExecutor(len(bounds)) as pool:
            asked = {target: pool.submit(ask, target, fields)
                     for target, (_, fields) in bounds.items()}
            # What is known, to who knows no more, is served as usual: row 15.
            self.assertEqual(self.far.get(f"/job/{job}").status, 200)
            self.assertEqual(self.far.get(f"/job/{job}", f"If-None-Match: {tag}").status, 304)
        for target, (bound, _) in bounds.items():
            response, seconds = asked[target].result()
            self.assertEqual((response.status, response["Retry-After"]), (503, "1"), target)
            self.assertEqual(response.json()["type"], "urn:bide:problem:not-fresh")
            self.assertGreater(seconds, bound * 0.9, target)
            self.assertLess(seconds, bound + 0.7, target)

    def test_a_tag_of_the_future_is_foreign(self):
        job = self.new_job()
        tag = later(self.far.get(f"/job/{job}")["ETag"], 10**12)
        for query in ("", "?wait=30s"):
            began = time.monotonic()
            response = self.far.get(f"/job/{job}{query}", f"If-None-Match: {tag}")
            self.assertEqual((response.status, response["Bide-Outcome"]), (200, "now"))
            self.assertLess(since(began), 0.5)

    def test_a_404_is_prompt_and_many_at_once_ask_little(self):
        times = []
        for _ in range(20):
            began = time.monotonic()
            self.assertEqual(self.far.get("/job/nobody").status, 404)
            times.append(since(began))
        self.assertLess(statistics.median(times), 0.1, times)

        asked, counted = self.link.tail_requests, self.far.metric("bide_tail_requests_total")
        began = time.monotonic()
        answered = [0] * 20

        def poll(number):
            with socket.create_connection(("127.0.0.1", self.far.port), timeout=10) as client:
                while since(began) < 1.5:
                    client.sendall(b"GET /job/nobody-%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number)
                    if not client.recv(4096).startswith(b"HTTP/1.1 404 "):
                        return
                    answered[number] += 1

        threads = [threading.Thread(target=poll, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        seconds = since(began)
        asked = self.link.tail_requests - asked
        self.assertGreater(min(answered), 5)
        self.assertLess(asked, seconds * 20 + 3)
        self.assertGreater(asked, 5)
        self.assertAlmostEqual(asked, self.far.metric("bide_tail_requests_total") - counted, delta=2)

    def test_entries_gone_before_they_were_delivered_hold_no_404_up(self):
        resyncs = self.far.metric("bide_resyncs_total")
        self.link.stall()
        # More than the server sends ahead, and then one that is purged while it waits behind.
        # Of no job: the other server has it, and does not hear that it is gone.
        purged = event("purged", "started")
        worker = self.near.worker()
        worker.put(*[(f"jobs.big-{n}", b"x" * 900_000) for n in range(12)], purged)
        self.assertEqual(worker.ask("PURGE", filter=f"$KV.job-queue.{purged[0]}")["purged"], 1)
        held = self.far.curl_later("/job/nobody")
        self.far.wait_metric("bide_parked", 1)
        self.link.release()
        self.assertEqual(self.far.finish(held).status, 404)  # Held up for two seconds it were 503.
        self.assertEqual(self.far.get("/job/nobody").status, 404)
        # What the purged entry may have replaced would be here still, so that is made sure of.
        wait_until(lambda: self.far.metric("bide_resyncs_total") > resyncs, "the bucket is read again")


class RolledBack(unittest.TestCase):
    def test_the_tag_of_a_store_that_was_rolled_back_is_foreign(self):
        data = tempfile.mkdtemp(prefix="bide-e2e-")
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        store, copy = os.path.join(data, "nats"), os.path.join(data, "copy")
        with Bide("--access-log", "off", data_dir=data) as bide:
            bide.put(definition("a"))
        shutil.copytree(store, copy)
        with Bide("--access-log", "off", data_dir=data) as bide:
            bide.put(event("a", "started"), event("a", "completed", nano=2))
            tag = bide.get("/job/a")["ETag"]
        shutil.rmtree(store)
        shutil.copytree(copy, store)
        with Bide("--access-log", "off", data_dir=data) as bide:
            for query in ("", "?wait=30s"):
                response = bide.get("/job/a" + query, f"If-None-Match: {tag}")
                self.assertEqual((response.status, response["Bide-Status"]), (200, "submitted"))
                self.assertEqual(response["Bide-Outcome"], "now")


class Reader(threading.Thread):
    """A client that asks now this server, now that, and by every road, and remembers what it knows."""

    def __init__(self, servers, jobs, stop, seed):
        super().__init__(daemon=True)
        self.servers, self.jobs, self.stop_event = servers, jobs, stop
        self.random = random.Random(seed)
        self.known = {}  # By job: revision and tag.
        self.total = (0, "")  # Jobs there are, and the tag of the statistics.
        self.wrong = []
        self.answers = {}

    def run(self):
        try:
            while not self.stop_event.is_set() and not self.wrong:
                server = self.random.choice(self.servers)
                road = self.random.choice((self.plain, self.plain, self.held, self.stream, self.numbers))
                road(server, self.random.choice(self.jobs[-40:]))
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(repr(error))

    def plain(self, server, job, query=""):
        revision, tag = self.known.get(job, (0, ""))
        fields = [f"If-None-Match: {tag}"] if tag else []
        response = server.get(f"/job/{job}{query}", *fields)
        self.count("plain" if not query else "held", response.status)
        if response.status == 200:
            self.learn(job, revision, response.json()["revision"], response["ETag"], server)
        elif response.status not in (304, 503):
            self.wrong.append(f"{job} is {response.status} at {server.port}")

    def held(self, server, job):
        self.plain(server, job, "?wait=200ms")

    def stream(self, server, job):
        revision, tag = self.known.get(job, (0, ""))
        fields = [f"Last-Event-ID: {opaque(tag)}"] if tag else []
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
            client.sendall(request(f"/job/{job}/events", *fields))
            client.settimeout(20)
            raw, end = b"", None
            while b"\nid: " not in raw or not raw.endswith(b"\n\n\r\n"):
                # Once it is open there may be no news for long.
                if end is None and b"event: hello" in raw:
                    end = time.monotonic() + 0.2
                    client.settimeout(0.2)
                try:
                    chunk = client.recv(65536)
                except socket.timeout:
                    break
                if not chunk or (end and time.monotonic() > end):
                    break
                raw += chunk
        status = int(raw[9:12] or b"0")
        self.count("stream", status)
        if status == 404:
            self.wrong.append(f"the stream of {job} is 404 at {server.port}")
        for tag, data in re.findall(rb"\nid: (\S+)\ndata: (.*)\n", raw):
            told = json.loads(data)["revision"]
            self.learn(job, revision, told, f'"{tag.decode()}"', server)
            revision = told

    def numbers(self, server, _):
        total, tag = self.total
        fields = [f"If-None-Match: {tag}"] if tag else []
        response = server.get("/job/status", *fields)
        self.count("numbers", response.status)
        if response.status == 200:
            now = response.json()["total_jobs"]
            if now < total:
                self.wrong.append(f"{total} jobs, then {now} at {server.port}")
            self.total = (now, response["ETag"])

    def learn(self, job, before, now, tag, server):
        if now < before:
            self.wrong.append(f"{job} went from {before} back to {now} at {server.port}")
        self.known[job] = (now, tag)

    def count(self, road, status):
        self.answers[road, status] = self.answers.get((road, status), 0) + 1


class Race(unittest.TestCase):
    def test_nobody_goes_back_in_time_and_no_job_is_missing(self):
        seed = int(os.environ.get("TESTED_SEED", time.time()))
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        with Bide("--access-log", "off") as near, StallingLink(near.data_dir) as link, \
                Bide("--access-log", "off", "--nats", link.url) as far:
            jobs, stop = [], threading.Event()
            worker = near.worker()
            worker.put(definition("job-0"))
            jobs.append("job-0")
            readers = [Reader((near, far), jobs, stop, seed + n) for n in range(8)]
            for reader in readers:
                reader.start()
            end, next_turn, nano = time.monotonic() + RACE_S, 0.0, 0
            while time.monotonic() < end and not any(reader.wrong for reader in readers):
                if time.monotonic() > next_turn:
                    stall = link.flowing.is_set() and chance.random() < 0.6
                    (link.stall if stall else link.release)()
                    next_turn = time.monotonic() + chance.uniform(0.05, 0.8)
                job = f"job-{len(jobs)}"
                nano += 1
                worker.put(definition(job), event(chance.choice(jobs[-40:]), "started", nano=nano))
                jobs.append(job)  # Now it is known to be stored.
                select_pause(chance.uniform(0, 0.02))
            link.release()
            stop.set()
            for reader in readers:
                reader.join(30)
            self.check(readers, far, seed)

    def check(self, readers, far, seed):
        total = {}
        for reader in readers:
            self.assertFalse(reader.is_alive(), f"seed {seed}: a reader hangs")
            self.assertEqual(reader.wrong, [], f"seed {seed}")
            for key, count in reader.answers.items():
                total[key] = total.get(key, 0) + count
        print(total, flush=True)
        for road in ("plain", "held", "numbers", "stream"):
            self.assertGreater(total.get((road, 200), 0), 20, f"seed {seed}: {total}")
        self.assertGreater(far.metric("bide_tail_requests_total"), 3)


def select_pause(seconds):
    threading.Event().wait(seconds)


if __name__ == "__main__":
    unittest.main()
