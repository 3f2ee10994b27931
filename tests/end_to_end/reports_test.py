"""Hundreds report over HTTP and thousands wait, while nats-server is killed again and again and bide is restarted: every
report that was acknowledged is in the bucket exactly once, and everybody who waits hears the end.

By hand, at the size of a large CI: TESTED_JOBS=10000 TESTED_KILL_EVERY_S=10 tests/end_to_end/reports_test.py
"""
import asyncio
import collections
import json
import os
import random
import resource
import time
import unittest

from harness import Bide, Response
from jetstream import JetStream
from mortal_nats import NatsServer

JOBS = int(os.environ.get("TESTED_JOBS", "1000"))
KILL_EVERY_S = float(os.environ.get("TESTED_KILL_EVERY_S", "3"))
SEED = int(os.environ.get("TESTED_SEED", time.time_ns() % 1_000_000))
WRITERS = min(200, JOBS // 2)
WAITERS = 2 * JOBS if JOBS <= 1000 else 2000
KILLS = 4
PATIENCE_S = 240
# The next attempt may find it mended. Anything else is a fault.
PASSING = (429, 503, 504)


class Client:
    """One keep-alive connection, made again where it breaks; repeats a request until it is answered for good."""

    def __init__(self, port, dice):
        self.port = port
        self.dice = dice
        self.reader = self.writer = None
        self.troubles = collections.Counter()

    async def ask(self, method, target, body="", *fields):
        while True:
            try:
                async with asyncio.timeout(60):
                    response = await self.once(method, target, body, *fields)
                if response.status not in PASSING:
                    return response
                self.troubles[response.status] += 1
            except (OSError, EOFError, TimeoutError):
                self.troubles["connection"] += 1
                self.close()
            await asyncio.sleep(self.dice.uniform(0.02, 0.5))

    async def once(self, method, target, body, *fields):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *fields]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        head = Response(await self.reader.readuntil(b"\r\n\r\n"))
        head.body = await self.reader.readexactly(int(head.fields.get("content-length", 0)))
        if head.fields.get("connection") == "close":
            self.close()
        return head

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Reports(unittest.TestCase):
    def test_each_report_is_stored_once_and_each_end_is_heard(self):
        _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.dice = random.Random(SEED)
        self.ends = {f"report-{n}": self.dice.choice((0, 0, 1)) for n in range(JOBS)}
        self.troubles = collections.Counter()
        self.acknowledged = []
        self.heard = collections.Counter()
        with (self.subTest(seed=SEED), NatsServer() as nats,
              Bide("--access-log", "off", "--nats", nats.url, "--create-bucket") as bide):
            bide.listen_port = bide.port
            asyncio.run(self.play(bide, nats))
            self.assertEqual(sum(self.heard.values()), WAITERS)
            self.judge(bide, nats)
        print(f"{len(self.acknowledged)} reports by {WRITERS}, {WAITERS} waited; troubles: {dict(self.troubles)}")

    async def play(self, bide, nats):
        left = list(self.ends)
        self.dice.shuffle(left)
        async with asyncio.timeout(PATIENCE_S):
            trouble = asyncio.create_task(self.let_die(bide, nats))
            await asyncio.gather(*(self.report(bide.port, left) for _ in range(WRITERS)),
                                 *(self.wait(bide.port) for _ in range(WAITERS)))
            await trouble

    async def let_die(self, bide, nats):
        loop = asyncio.get_running_loop()

        def restart_nats():
            nats.kill()
            nats.start()

        def restart_bide():
            self.assertEqual(bide.terminate(), 0)
            bide.start()

        for n in range(KILLS):
            await asyncio.sleep(KILL_EVERY_S)
            await loop.run_in_executor(None, restart_nats)
            if n % 2:
                await asyncio.sleep(KILL_EVERY_S / 2)
                await loop.run_in_executor(None, restart_bide)

    async def report(self, port, left):
        client = Client(port, random.Random(self.dice.random()))
        # So that they last until the last death.
        pause_s = KILLS * KILL_EVERY_S * 1.5 * WRITERS / JOBS / 3
        while left:
            job = left.pop()
            await self.send(client, "PUT", f"/job/{job}", '{"operation":{"n":1}}', job, "define")
            await asyncio.sleep(client.dice.uniform(0, 2 * pause_s))
            await self.send(client, "POST", f"/job/{job}/events", "started", job, "started")
            await asyncio.sleep(client.dice.uniform(0, 2 * pause_s))
            await self.send(client, "POST", f"/job/{job}/events", "progress=50", job, "progress")
            await asyncio.sleep(client.dice.uniform(0, 2 * pause_s))
            await self.send(client, "POST", f"/job/{job}/events", f"exit={self.ends[job]}", job,
                            "failed" if self.ends[job] else "completed")
        self.troubles += client.troubles
        client.close()

    async def send(self, client, method, target, body, job, what):
        response = await client.ask(method, target, body, f"Idempotency-Key: {job}-{what}", "Prefer: return=minimal")
        assert response.status == 201, (response.status, job, what, response.body)
        self.acknowledged.append((job, what))

    async def wait(self, port):
        dice = random.Random(self.dice.random())
        client = Client(port, dice)
        job = dice.choice(list(self.ends))
        await asyncio.sleep(dice.uniform(0, KILL_EVERY_S))
        while True:
            response = await client.ask("GET", f"/job/{job}?until=done&wait=20s", "", "Accept: text/plain")
            # Not there yet; it was waited for, to the deadline or until bide was restarted.
            if response.status == 404 and response.fields.get("bide-outcome") in ("timeout", "drain"):
                continue
            assert response.status == 200, (response.status, job, response.fields, response.body)
            if response.fields["bide-final"] == "true":
                break
        expected = "failed" if self.ends[job] else "completed"
        assert response.body.decode().strip() == expected, (job, response.body)
        self.heard[job] += 1
        self.troubles += client.troubles
        client.close()

    def judge(self, bide, nats):
        with JetStream(nats.url, patience_s=20) as api:
            _, answer = api.request("$JS.API.STREAM.INFO.KV_job-queue",
                                    json.dumps({"subjects_filter": "$KV.job-queue.>"}).encode())
            info = json.loads(answer)
        stored = collections.Counter()
        for subject, count in info["state"]["subjects"].items():
            family, job, *rest = subject.removeprefix("$KV.job-queue.").split(".")
            stored[job, "define" if family == "jobs" else rest[0]] += count
        once = {(job, what): stored[job, what] for job, what in self.acknowledged}
        self.assertEqual({key: count for key, count in once.items() if count != 1}, {})
        self.assertEqual(len(once), 4 * JOBS)
        self.assertEqual(sum(stored.values()), 4 * JOBS)  # And nothing else.
        for job in random.Random(SEED).sample(list(self.ends), 20):
            self.assertEqual(bide.get(f"/job/{job}").json()["status"], "failed" if self.ends[job] else "completed")


if __name__ == "__main__":
    unittest.main()
