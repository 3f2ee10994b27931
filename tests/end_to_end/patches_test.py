"""Streams with `patch=json`: what a client patches together equals a fresh GET, whatever happens to streams and servers."""
import http.client
import json
import random
import socket
import time
import unittest

from harness import PATIENCE_S, Bide, definition, event, progress

JOBS = 1_000
AGENTS = ("web-01", "web-02", "db_1")
KINDS = ("acknowledged", "started", "completed", "failed", "skipped")


def member(document, pointer):
    """The value that holds the pointer's last token, and that token (RFC 6901)."""
    *path, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    for token in path:
        document = document[int(token) if isinstance(document, list) else token]
    return document, last


def patched(document, patch):
    """RFC 6902: those operations that bide sends."""
    for operation in patch:
        parent, name = member(document, operation["path"])
        if operation["op"] == "test":
            assert parent[name] == operation["value"], operation
        elif operation["op"] == "remove":
            del parent[name]
        elif isinstance(parent, list):
            assert 0 <= int(name) <= len(parent), operation
            parent.insert(int(name), operation["value"])
        else:
            assert operation["op"] == "add", operation
            parent[name] = operation["value"]
    return document


class Follower:
    """Keeps the documents that a stream tells of, and goes on where it left off."""

    def __init__(self, bide, target="/job/events?patch=json", slow=False):
        self.bide = bide
        self.target = target
        self.slow = slow
        self.documents = {}
        self.events = {"job": 0, "patch": 0}
        self.id = None
        self.connect()

    def connect(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.bide.port, timeout=PATIENCE_S)
        self.connection.connect()
        if self.slow:
            self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.connection.request("GET", self.target, headers={"Last-Event-ID": self.id} if self.id else {})
        self.stream = self.connection.getresponse()
        assert self.stream.status == 200, self.stream.status
        self.next()

    def close(self):
        self.stream.close()
        self.connection.close()

    def reconnect(self):
        self.close()
        self.connect()

    def next(self):
        """The job of the next record; None if it has none. A stream that has ended is opened again."""
        fields = {}
        while line := self.stream.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if not fields:
            self.reconnect()
        if fields.get("event") not in self.events:
            return None
        self.events[fields["event"]] += 1
        self.id = fields["id"]
        data = json.loads(fields["data"])
        if fields["event"] == "job":
            self.documents[data["id"]] = data
            return data["id"]
        job = data[0]["value"] if data[0]["op"] == "test" else next(iter(self.documents))
        patched(self.documents[job], data)
        return job

    def catch_up(self, expected):
        """Reads until it knows all these documents. Each record leads to what a GET says, if that is not newer."""
        unknown = {job for job, document in expected.items() if self.documents.get(job) != document}
        end = time.monotonic() + PATIENCE_S
        while unknown:
            job = self.next()
            assert time.monotonic() < end, f"{len(unknown)} jobs were never told, such as {next(iter(unknown))}"
            if job not in expected or self.documents[job]["revision"] != expected[job]["revision"]:
                continue
            assert self.documents[job] == expected[job], (self.documents[job], expected[job])
            unknown.discard(job)


class Patches(unittest.TestCase):
    def setUp(self):
        self.bide = Bide("--access-log", "off").start()
        self.addCleanup(self.bide.__exit__)
        self.random = random.Random(16)
        self.revision = 0

    def fresh(self):
        """All jobs, as GETs have them now."""
        documents, query = {}, "?limit=100"
        while query:
            page = self.bide.get("/job" + query).json()
            documents.update((job["id"], job) for job in page["items"])
            query = f"?limit=100&cursor={page['next']}" if "next" in page else None
        return documents

    def happen(self, jobs):
        """One to three random entries for each job, in any order of time."""
        entries = []
        for job in jobs:
            for _ in range(self.random.randint(1, 3)):
                self.revision += 1
                agent = self.random.choice(AGENTS)
                what = self.random.random()
                if what < 0.7:
                    entries.append(event(job, self.random.choice(KINDS), agent,
                                         self.random.randint(1, 10**9), error="a\"b" if what < 0.1 else ""))
                elif what < 0.85:
                    entries.append((f"responses.{job}.{agent}.{self.revision}",
                                    {"job_id": job, "hostname": agent, "status": "ok", "data": {"n": self.revision},
                                     "timestamp": "2026-01-01T00:00:01Z"}))
                else:
                    entries.append(progress(job, self.random.randint(0, 100), agent))
        self.bide.put(*entries)

    def test_a_thousand_jobs_through_reconnects_restarts_and_slow_readers(self):
        jobs = [f"job-{number}" for number in range(JOBS)]
        prompt, slow = Follower(self.bide), Follower(self.bide, slow=True)
        every = Follower(self.bide, "/job/events?patch=json&every=100ms")
        followers = [prompt, slow, every]
        for follower in followers:
            self.addCleanup(follower.close)
        self.bide.put(*(definition(job, subject="x._all", operation={"text": "x" * 600}) for job in jobs))
        for step in ("begin", "go on", "reconnect", "bide", "nats", "go on", "again", "again"):
            if step == "reconnect":
                for follower in followers:
                    follower.reconnect()
            elif step == "bide":
                self.bide.terminate()
                self.bide.forget_worker()
                self.bide.listen_port = self.bide.port
                self.bide.start()
                for follower in followers:
                    follower.reconnect()
            elif step == "nats":
                self.bide.restart_nats()
            if step != "again":  # Then all followers have the jobs, so all get patches, however fast bide is.
                busy = jobs if step == "begin" else self.random.sample(jobs, 100)
            for _ in range(2):
                self.happen(busy)
            expected = self.fresh()
            for follower in followers:
                follower.catch_up(expected)
                self.assertEqual(follower.documents, expected)
        for follower in followers:
            self.assertGreater(follower.events["patch"], 100, follower.events)

    def test_a_broadcast_job_to_its_end(self):
        agents = [f"agent-{number}" for number in range(20)]
        self.bide.put(definition("roll-out", subject="x._all", expected_agents=agents))
        follower = Follower(self.bide, "/job/roll-out/events?patch=json")
        self.addCleanup(follower.close)
        follower.next()
        nano = 0
        for kind in ("acknowledged", "started", "completed"):
            for agent in agents:
                nano += 1
                self.bide.put(event("roll-out", kind, agent, nano))
                follower.next()
                self.assertEqual(follower.documents["roll-out"], self.bide.get("/job/roll-out").json())
        self.assertTrue(follower.documents["roll-out"]["final"])
        self.assertGreater(follower.events["patch"], 50)
        self.assertLess(follower.events["job"], 5)


if __name__ == "__main__":
    unittest.main()
