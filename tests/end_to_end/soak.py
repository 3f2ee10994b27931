"""A long run under load and trouble: thousands held, a stream of updates, clients that come and go, a
nats-server that is killed again and again. Nobody may miss a wake-up, and memory must not grow.

  TESTED_BIDE=build/asan/server/bide tests/end_to_end/soak.py --minutes 30

Every client follows one job after the other, by long polling or server-sent events, to its end or
until it loses interest. What it was told is judged (judge.py) when the whole job is stored: each state was true,
revisions rise, and a client that was held to the deadline in vain knows what had been written ten seconds
before. Nobody is refused once NATS has taken entries again for ten seconds. Prints a line every ten seconds and a
summary, and what bide logged where it was wrong; exits with 1 if anything was.
"""
import argparse
import asyncio
import collections
import json
import random
import resource
import socket
import statistics
import sys
import time

from harness import PATIENCE_S, Bide, definition, event
from jetstream import Stored
from judge import FOREVER, Judge, Told, growing
from mortal_nats import NatsServer
from readers import Http
from streams import EventParser

BUCKET = "job-queue"
MAX_AGE_S = 180
WAIT_S = 20
LIVE_JOBS_PER_CLIENT = 0.2
STEPS = [("acknowledged", 0), ("acknowledged", 1), ("started", 0), ("started", 1)]
# What is told late by so much is told too late; not while NATS is away or has just come back.
GRACE_S = 10.0
LOG_LINES = 40
ROUND_TRIP_S = 60.0


class Job:
    """Two agents, seven entries, a known end."""

    def __init__(self, number, dice):
        self.id = f"soak-{number}"
        ends = [dice.choice(("completed", "completed", "failed")) for _ in range(2)]
        self.end = ends[0] if ends[0] == ends[1] else "partial_failure"
        steps = STEPS + [(end, agent) for agent, end in enumerate(ends)]
        self.entries = [definition(self.id, expected_agents=["web-0", "web-1"])]
        self.entries += [event(self.id, kind, f"web-{agent}", nano)
                         for nano, (kind, agent) in enumerate(steps, 1)]
        self.written = 0
        self.notes = []  # (since, until, entry) of those that NATS has acknowledged.
        self.stored_at = 0.0  # The latest of them.
        self.follows = []  # (told, to_the_end) of the clients, not judged yet.

    @property
    def over(self):
        return len(self.notes) == len(self.entries)

    def judge_follows(self):
        """What is wrong with what the clients were told; once all is known that they may have been told of."""
        if not self.over or not self.follows:
            return []
        was = growing(self.id, self.notes)
        wrong = [] if was[-1].state["status"] == self.end else [f"{self.id}: {was[-1]} should be {self.end}"]
        for told, to_the_end in self.follows:
            wrong += SoakJudge().judge(told, was, to_the_end)
        self.follows = []
        return wrong


class SoakJudge(Judge):
    absent_s = GRACE_S

    def earliest(self, one):
        if one.excused:
            return -FOREVER
        return (one.answered if one.status == 304 else one.asked) - GRACE_S


class World:
    """Writes the jobs, one entry after the other; what is not acknowledged is written again."""

    def __init__(self, nats_port, live_jobs, rate, dice, tally):
        self.nats_port, self.rate, self.dice, self.tally = nats_port, rate, dice, tally
        self.jobs = collections.deque(Job(n, dice) for n in range(live_jobs))
        self.life_s = live_jobs * len(self.jobs[0].entries) / rate  # From a job's definition to its end.
        self.made = live_jobs
        self.known = list(self.jobs)  # Those that a client may ask for.
        self.unstored = collections.OrderedDict()  # (job, entry, when it was first sent) by number.
        self.count = 0
        self.closing = False
        self.away_until = 0.0
        self.taking_since = None  # When NATS took the first entry after it was away.

    def followable(self):
        for _ in range(50):
            job = self.dice.choice(self.known)
            if job.notes and not job.over:
                return job
        return None

    def next_entry(self):
        """Of the job whose turn it is; a new job takes the place of one that is written to its end."""
        for _ in range(len(self.jobs)):
            job = self.jobs.popleft()
            if job.written < len(job.entries):
                job.written += 1
                self.jobs.append(job)
                return job, job.entries[job.written - 1]
            if not self.closing:
                fresh = Job(self.made, self.dice)
                self.made += 1
                self.jobs.appendleft(fresh)
                self.known[self.known.index(job)] = fresh
        return None

    async def run(self):
        while not self.closing or self.jobs or self.unstored:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.nats_port)
                try:
                    await self.talk(reader, writer)
                finally:
                    self.taking_since = None
                    writer.close()
            except (OSError, EOFError):
                self.away_until = time.monotonic()
                await asyncio.sleep(0.1)

    async def talk(self, reader, writer):
        await reader.readuntil(b"\r\n")  # INFO
        options = {"verbose": False, "pedantic": False, "headers": True}
        writer.write(f"CONNECT {json.dumps(options)}\r\nSUB _INBOX.soak.* 1\r\n".encode())
        hearing = asyncio.create_task(self.hear(reader, writer))
        try:
            for number in list(self.unstored):
                writer.write(self.message(number))
            last_look = due = time.monotonic()
            while not (hearing.done() or writer.is_closing()) and (not self.closing or self.jobs or self.unstored):
                now = time.monotonic()
                while due <= now:
                    due += 1.0 / self.rate
                    if (entry := self.next_entry()) is not None:
                        self.count += 1
                        self.unstored[self.count] = (*entry, now)
                        writer.write(self.message(self.count))
                if now > last_look + 2.0:  # JetStream may take none for a moment after its start.
                    last_look = now
                    for number in list(self.unstored)[:-int(self.rate)]:
                        writer.write(self.message(number))
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    def message(self, number):
        _, (key, value), _ = self.unstored[number]
        head = f"NATS/1.0\r\nNats-Msg-Id: {key}\r\n\r\n".encode()
        body = json.dumps(value).encode()
        return b"HPUB $KV.%s.%s _INBOX.soak.%d %d %d\r\n%s%s\r\n" % (
            BUCKET.encode(), key.encode(), number, len(head), len(head) + len(body), head, body)

    async def hear(self, reader, writer):
        while True:
            line = await reader.readuntil(b"\r\n")
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                _, subject, *_, size = line.split()
                ack = json.loads((await reader.readexactly(int(size) + 2))[:-2])
                if "seq" in ack:
                    self.note(int(subject.rpartition(b".")[2]), ack["seq"])

    def note(self, number, revision):
        if self.taking_since is None:
            self.taking_since = time.monotonic()
        if (entry := self.unstored.pop(number, None)) is None:
            return
        job, (key, value), since = entry
        job.stored_at = time.monotonic()
        job.notes.append((since, job.stored_at, Stored(revision, key, json.dumps(value).encode(), False, 0)))
        self.tally.complain_of(job)


def create_bucket(nats_port):
    """Before bide does: with an age at which entries expire, so that the whole stays of one size."""
    config = json.dumps({
        "name": f"KV_{BUCKET}", "subjects": [f"$KV.{BUCKET}.>"], "max_msgs_per_subject": 1, "storage": "file",
        "max_age": MAX_AGE_S * 10**9, "duplicate_window": 120 * 10**9, "discard": "new",
        "allow_rollup_hdrs": True, "deny_delete": True, "allow_direct": True}).encode()
    with socket.create_connection(("127.0.0.1", nats_port), timeout=PATIENCE_S) as nats, nats.makefile("rb") as file:
        nats.sendall(b'CONNECT {"verbose":false}\r\nSUB _INBOX.create 1\r\n'
                     b"PUB $JS.API.STREAM.CREATE.KV_%s _INBOX.create %d\r\n%s\r\n"
                     % (BUCKET.encode(), len(config), config))
        while not (line := file.readline()).startswith(b"MSG"):
            assert line, "NATS closed the connection"
        answer = json.loads(file.read(int(line.split()[-1])))
        assert "error" not in answer, answer


class Tally:
    """`log`: returns what bide has logged; its end is printed at the first complaint."""

    def __init__(self, log=lambda: ""):
        self.log = log
        self.answers = collections.Counter()
        self.told = self.ends = self.left = 0
        self.latest_s = []
        self.wrong = []

    def complain_of(self, job):
        for what in job.judge_follows():
            self.complain(what)

    def complain(self, what):
        self.wrong.append(what)
        print("WRONG:", what, flush=True)
        if len(self.wrong) == 1:
            print(*self.log().splitlines()[-LOG_LINES:], sep="\n", flush=True)


class Client:
    def __init__(self, port, world, tally, dice):
        self.port, self.world, self.tally, self.dice = port, world, tally, dice

    async def run(self):
        await asyncio.sleep(self.dice.uniform(0, 10))
        while not self.world.closing:
            if (job := self.world.followable()) is None:
                await asyncio.sleep(0.2)
                continue
            await self.follow(job)

    async def follow(self, job):
        """To the job's end, or for as long as it is of interest."""
        road = self.listen if self.dice.random() < 0.1 else self.poll
        interest_s = self.dice.uniform(0.02, 1.0) * self.world.life_s if self.dice.random() < 0.3 else None
        self.tag, self.state, self.told = "", None, []
        ended = False
        try:
            async with asyncio.timeout(interest_s):
                while not await self.attempt(road, job):
                    await asyncio.sleep(self.dice.uniform(0.1, 1.0))
            ended = True
            self.tally.ends += 1
        except TimeoutError:
            self.tally.left += 1
        job.follows.append((self.told, ended))
        self.tally.complain_of(job)

    async def attempt(self, road, job):
        """True once the end is known. A connection that breaks off is worth another attempt."""
        try:
            async with Http(self.port) as http:
                return await road(http, job)
        except (OSError, EOFError) as error:
            self.tally.answers[type(error).__name__] += 1
            return False

    async def poll(self, http, job):
        while True:
            asked = time.monotonic()
            status = await asyncio.wait_for(
                http.ask(f"/job/{job.id}?wait={WAIT_S}s", self.tag and f'If-None-Match: "{self.tag}"'),
                ROUND_TRIP_S)
            self.tally.answers[status] += 1
            if status == 200:
                if self.take(job, asked, http.fields["etag"].strip('"'), json.loads(await http.body())):
                    return True
            elif status == 304:
                self.note(job, asked, 304)
            else:
                await http.body()
                self.note(job, asked, status)
                return False

    async def listen(self, http, job):
        asked = time.monotonic()
        status = await asyncio.wait_for(
            http.ask(f"/job/{job.id}/events", self.tag and f"Last-Event-ID: {self.tag}"), ROUND_TRIP_S)
        self.tally.answers[f"sse {status}"] += 1
        if status != 200:
            return status == 204 and self.state is not None
        parser, heartbeats = EventParser(), 0
        async for chunk in http.chunks():
            for record in parser.feed(chunk):
                if record.event == "job" and self.take(job, asked, record.id, record.data):
                    return True
            if parser.heartbeats > heartbeats:
                heartbeats = parser.heartbeats
                self.note(job, asked, 304)
        return False

    def take(self, job, asked, tag, state):
        self.tally.told += 1
        self.tag, self.state = tag, state
        self.note(job, asked, 200, state)
        if state["final"]:
            self.tally.latest_s.append(time.monotonic() - job.stored_at if job.over else 0.0)
        return state["final"]

    def note(self, job, asked, status, state=None):
        if status == 503:
            excused = (self.world.taking_since or asked) >= asked - GRACE_S
        else:
            excused = self.world.away_until >= time.monotonic() - GRACE_S
        self.told.append(Told("client", job.id, asked, status, state, known=self.state, excused=excused))


def memory_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("Rss:"))


async def kill_now_and_then(nats, world, every_s, kills):
    while not world.closing:
        await asyncio.sleep(every_s)
        if world.closing:
            return
        world.away_until = time.monotonic() + GRACE_S
        await asyncio.to_thread(nats.kill)
        await asyncio.to_thread(nats.start)
        world.away_until = time.monotonic() + GRACE_S / 2
        kills.append(time.monotonic())


async def report(bide, world, tally, began, memory):
    while True:
        await asyncio.sleep(10)
        parked = await asyncio.to_thread(bide.metric, "bide_parked")
        memory.append((time.monotonic() - began, memory_mb(bide.process.pid)))
        print(f"{memory[-1][0]:6.0f} s  parked {parked:6.0f}  {memory[-1][1]:7.1f} MB  stored {world.count:8}  "
              f"told {tally.told:9}  ends {tally.ends:8}  left {tally.left:7}  {dict(tally.answers)}", flush=True)


async def play(options, bide, nats, world, tally, memory, kills):
    began = time.monotonic()
    dice = world.dice
    clients = [asyncio.create_task(Client(bide.port, world, tally, random.Random(dice.random())).run())
               for _ in range(options.clients)]
    writing = asyncio.create_task(world.run())
    killing = asyncio.create_task(kill_now_and_then(nats, world, options.kill_every, kills))
    reporting = asyncio.create_task(report(bide, world, tally, began, memory))
    await asyncio.sleep(options.minutes * 60)
    world.closing = True  # The jobs are written to their ends, and whoever follows one has to hear of it.
    await asyncio.wait_for(writing, 120)
    _, waiting = await asyncio.wait(clients, timeout=90)
    if waiting:
        tally.complain(f"{len(waiting)} clients never heard of their job's end")
    for task in (killing, reporting, *waiting):
        task.cancel()
    for done in await asyncio.gather(*clients, killing, reporting, return_exceptions=True):
        if isinstance(done, Exception) and not isinstance(done, asyncio.CancelledError):
            tally.complain(f"a client failed: {done!r}")


def growth(memory):
    """What memory comes down to between its peaks, in the last quarter over the second: the first is for warming up.

    The peaks are when the bucket is read again, and the allocator gives back what they took when it likes to.
    """
    quarter = len(memory) // 4
    if quarter < 8:
        return 1.0
    floor = lambda part: statistics.quantiles((mb for _, mb in part), n=4)[0]
    return floor(memory[-quarter:]) / floor(memory[quarter:2 * quarter])


def soak(options):
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    print("seed", options.seed, flush=True)
    tally, memory, kills = Tally(), [], []
    with NatsServer() as nats:
        create_bucket(nats.port)
        with Bide("--access-log", "off", "--nats", f"nats://127.0.0.1:{nats.port}") as bide:
            tally.log = bide.log_text
            world = World(nats.port, max(10, int(options.clients * LIVE_JOBS_PER_CLIENT)), options.rate,
                          random.Random(options.seed), tally)
            asyncio.run(play(options, bide, nats, world, tally, memory, kills))
            gone = bide.metric("bide_clients_gone_total")
    # Bide has ended with 0 here, or leaving it had raised: its sanitizers had nothing to say.
    tally.log = lambda: ""  # It went with bide.
    late = sorted(tally.latest_s) or [0.0]
    print(f"kills {len(kills)}, entries {world.count}, told {tally.told}, ends {tally.ends}, left {tally.left} "
          f"(gone while held {gone:.0f}), answers {dict(tally.answers)}\n"
          f"an end was known after p50 {late[len(late) // 2]:.3f} s, p99 {late[len(late) * 99 // 100]:.3f} s, "
          f"at the latest {late[-1]:.3f} s\n"
          f"memory {[round(mb) for _, mb in memory][::max(1, len(memory) // 12)]} MB, "
          f"last quarter over second {growth(memory):.3f}\nwrong: {len(tally.wrong)}", flush=True)
    if growth(memory) > 1.1:
        tally.complain("memory grows")
    return tally


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=200.0, help="entries a second")
    parser.add_argument("--kill-every", type=float, default=60.0, help="seconds between kills of nats-server")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(1 if soak(parse(sys.argv[1:])).wrong else 0)
