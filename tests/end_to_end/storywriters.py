"""Makes up jobs, and writes their entries to NATS by several connections, whatever happens to it."""
import asyncio
import collections
import json
import time

from harness import definition, event
from jetstream import Stored

# When to write what, in seconds from the start.
Entry = collections.namedtuple("Entry", "at_s key value")
ENDS = ["completed"] * 6 + ["failed"] * 3 + ["skipped"] * 2 + ["retried"]


class Story:
    """One job: its definition and its events."""

    def __init__(self, job, dice, duration_s):
        self.job = job
        names = [f"web-{n}" for n in range(dice.randint(2, 4))]
        members = dice.choice([
            {}, {"subject": "jobs.modify.host.web-0"}, {"subject": "jobs.query._any"},
            {"expected_agents": names, "subject": "jobs.query._all"},
            {"expected_agents": names},
            {"expected_agents": len(names), "subject": "jobs.query._all"}])
        self.agents = names if "expected_agents" in members else names[:1]
        self.key, self.definition = definition(job, **members)
        steps = self.make_steps(dice)
        span_s = dice.uniform(0.1, 0.4) * duration_s
        self.starts_s = dice.uniform(0, duration_s - span_s)
        times = sorted(dice.uniform(0, span_s) + self.starts_s for _ in steps)
        # Some are defined when events are there already.
        defined_s = dice.choice([self.starts_s] * 4 + [dice.choice(times)])
        self.events = {}
        self.entries = [Entry(defined_s, self.key, self.definition)]
        for at_s, (nano, kind, agent) in zip(times, steps):
            key, value = event(job, kind, agent, nano)
            self.events[key] = (kind, agent)
            self.entries.append(Entry(at_s, key, value))

    def make_steps(self, dice):
        """(nano, kind, agent): each agent's in order, all shuffled together."""
        ways = [["submitted"]] + [["acknowledged"] * dice.randint(0, 1) + ["started", dice.choice(ENDS)]
                                  for _ in self.agents]
        whose = [n for n, way in enumerate(ways) for _ in way]
        dice.shuffle(whose)
        names = ["_api", *self.agents]
        steps = [(ways[n].pop(0), names[n]) for n in whose]
        if dice.random() < 0.2:  # The work is delivered once more.
            steps += [("started", self.agents[0]), (dice.choice(ENDS), self.agents[0])]
        return [(nano, kind, agent) for nano, (kind, agent) in enumerate(steps, 1)]


class StoryWriter:
    """One connection. What is not acknowledged is written again; NATS drops what it has already."""

    def __init__(self, nats_port, name, entries, bucket="job-queue"):
        self.nats_port = nats_port
        self.inbox = f"_INBOX.{name}"
        self.subject = f"$KV.{bucket}."
        self.entries = sorted(entries)
        self.revisions = {}
        self.sent_at, self.stored_at = {}, {}  # By key.

    def notes(self):
        """(job, (since, until, entry)) of all that is stored."""
        for entry in self.entries:
            stored = Stored(self.revisions[entry.key], entry.key, json.dumps(entry.value).encode(), False, 0)
            yield entry.key.split(".")[1], (self.sent_at[entry.key], self.stored_at[entry.key], stored)

    async def run(self, began):
        while len(self.revisions) < len(self.entries):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.nats_port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            try:
                await self.talk(reader, writer, began)
            except (OSError, EOFError):
                pass
            finally:
                writer.close()

    async def talk(self, reader, writer, began):
        await reader.readuntil(b"\r\n")  # INFO
        options = {"verbose": False, "pedantic": False, "headers": True}
        writer.write(f"CONNECT {json.dumps(options)}\r\nSUB {self.inbox}.* 1\r\n".encode())
        writing = asyncio.create_task(self.write(writer, began))
        try:
            while len(self.revisions) < len(self.entries):
                await self.hear(reader, writer)
        finally:
            writing.cancel()

    async def write(self, writer, began):
        last_sent_at = {}
        while True:
            now = time.monotonic()
            for n, entry in enumerate(self.entries):
                if began + entry.at_s > now:
                    break
                if entry.key not in self.revisions and last_sent_at.get(n, 0) < now - 1.0:
                    last_sent_at[n] = now
                    self.sent_at.setdefault(entry.key, now)
                    writer.write(self.message(n, entry))
            await writer.drain()
            await asyncio.sleep(0.02)

    def message(self, n, entry):
        head = f"NATS/1.0\r\nNats-Msg-Id: {entry.key}\r\n\r\n".encode()
        body = json.dumps(entry.value).encode()
        return b"HPUB %s %s.%d %d %d\r\n%s%s\r\n" % (
            (self.subject + entry.key).encode(), self.inbox.encode(), n, len(head),
            len(head) + len(body), head, body)

    async def hear(self, reader, writer):
        line = await reader.readuntil(b"\r\n")
        if line.startswith(b"PING"):
            writer.write(b"PONG\r\n")
        elif line.startswith(b"MSG"):
            _, subject, *_, size = line.split()
            ack = json.loads((await reader.readexactly(int(size) + 2))[:-2])
            if "seq" in ack:
                key = self.entries[int(subject.rpartition(b".")[2])].key
                self.revisions[key] = ack["seq"]
                self.stored_at[key] = time.monotonic()
