"""A job for many agents, followed by held GET, server-sent events and WebSocket at once: nobody is told
that it is done while it is not, however late an agent shows up."""
import asyncio
import collections
import json
import time
import unittest

import websockets

from harness import Bide, definition, event
from readers import Http
from streams import EventParser, is_rising

AGENTS = [f"agent-{n:02}" for n in range(20)]
LATE = AGENTS[-1]
SETTLE_S = 1.0
PATIENCE_S = 15.0
ENDS = {"settled": "until=done", "counted": f"until=done&expect={len(AGENTS)}"}
TERMINAL = ("completed", "failed", "skipped", "retried")

# The state a follower was told last, when it was told that it is done.
Done = collections.namedtuple("Done", "road end at_s state")


class Job:
    """One job, its writer, and its followers."""

    def __init__(self, bide, name, **members):
        self.bide = bide
        self.name = name
        self.members = members
        self.written_s = {}  # By revision: the moment before it was written.

    def put(self, *entries):
        before_s = time.monotonic()
        self.written_s[self.bide.worker().put(*entries)] = before_s

    def happens(self, kind, *agents):
        for agent in agents:
            self.put(event(self.name, kind, agent=agent))

    async def work(self, agents, span_s):
        """Every agent acknowledges, then all start and end, one after the other."""
        self.happens("acknowledged", *agents)
        for n, agent in enumerate(agents):
            self.happens("started", agent)
            await asyncio.sleep(span_s / len(agents))
            self.happens(TERMINAL[n] if n < len(TERMINAL) else "completed", agent)

    def follow(self, *ends):
        """A task on every road to each of these ends."""
        return [asyncio.create_task(self.follow_one(road, end)) for end in ends or ENDS
                for road in (self.held, self.events, self.socket)]

    async def follow_one(self, road, end):
        async with asyncio.timeout(PATIENCE_S):
            state = await road(ENDS[end])
        return Done(road.__name__, end, time.monotonic(), state)

    async def held(self, until):
        async with Http(self.bide.port) as http:
            status = await http.ask(f"/job/{self.name}?{until}&wait=30s")
            assert (status, http.fields["bide-outcome"]) == (200, "done"), (status, http.fields)
            return json.loads(await http.body())

    async def events(self, until):
        records = []
        async with Http(self.bide.port) as http:
            assert await http.ask(f"/job/{self.name}/events?{until}") == 200
            parser = EventParser()
            async for chunk in http.chunks():
                records += [(record.event, record.data) for record in parser.feed(chunk)]
        return self.last_state(records)

    async def socket(self, until):
        url = f"ws://127.0.0.1:{self.bide.port}/job/{self.name}/ws?{until}"
        async with websockets.connect(url) as socket:
            records = [json.loads(message) async for message in socket]
            assert socket.close_code == 1000, socket.close_code
        return self.last_state([(record["event"], record["data"]) for record in records])

    @staticmethod
    def last_state(records):
        (first, _), *told, (last, end) = records
        assert (first, last) == ("hello", "end"), records
        assert all(kind == "job" for kind, _ in told), records
        states = [state for _, state in told]
        assert is_rising([state["revision"] for state in states])
        assert end == {name: states[-1][name] for name in ("status", "final")}, records[-2:]
        return states[-1]


class Broadcast(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off", "--settle", f"{SETTLE_S}s").start()

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def define(self, kind, **members):
        job = Job(self.bide, f"{self._testMethodName}-{kind}", **members)
        self.bide.put(definition(job.name, **members))
        return job

    def define_all(self):
        """One job of every kind that is not done before LATE is."""
        return [self.define("all", subject="jobs.query._all"),
                self.define("label", subject="jobs.modify.label.group.web"),
                self.define("named", subject="jobs.query._all", expected_agents=AGENTS),
                self.define("numbered", subject="jobs.query._all", expected_agents=len(AGENTS))]

    def check_settled(self, job, done, agents):
        """That it was true to say that the job is done, at that moment."""
        with self.subTest(job=job.name, road=done.road, end=done.end):
            states = {agent: told["status"] for agent, told in done.state["agent_states"].items()}
            self.assertEqual(sorted(states), sorted(agents))
            self.assertLessEqual(set(states.values()), set(TERMINAL))
            self.assertIn(done.state["status"], TERMINAL + ("partial_failure",))
            self.assertEqual(done.state["final"], "expected_agents" in job.members)
            if not done.state["final"]:
                self.assertGreaterEqual(done.at_s - job.written_s[done.state["revision"]], SETTLE_S)

    async def check_all_settled(self, job, followers, agents=AGENTS):
        for done in await asyncio.gather(*followers):
            self.check_settled(job, done, agents)

    async def test_everybody_waits_for_the_last_agent(self):
        async def tell(job):
            followers = job.follow()
            await job.work(AGENTS, 3.0)
            await self.check_all_settled(job, followers)
        await asyncio.gather(*[tell(job) for job in self.define_all()])

    async def test_an_agent_that_shows_up_within_the_settle_time_is_waited_for(self):
        async def tell(job):
            followers = job.follow()
            await job.work(AGENTS[:-1], 0.5)
            await asyncio.sleep(SETTLE_S * 0.3)
            job.happens("acknowledged", LATE)
            await asyncio.sleep(SETTLE_S * 1.2)
            self.assertFalse(any(follower.done() for follower in followers), job.name)
            job.happens("completed", LATE)
            await self.check_all_settled(job, followers)
        await asyncio.gather(*[tell(job) for job in self.define_all()])

    async def test_an_agent_that_shows_up_after_it_is_waited_for_by_who_knows_of_it(self):
        async def tell(job):
            settled, counted = job.follow("settled"), job.follow("counted")
            await job.work(AGENTS[:-1], 0.5)
            if "expected_agents" in job.members:
                counted += settled
            else:
                await self.check_all_settled(job, settled, AGENTS[:-1])
            await asyncio.sleep(SETTLE_S * 1.2)
            self.assertFalse(any(follower.done() for follower in counted), job.name)
            job.happens("acknowledged", LATE)
            late = job.follow()  # The job is not done any more: who asks now waits, too.
            await asyncio.sleep(SETTLE_S * 1.2)
            self.assertFalse(any(follower.done() for follower in counted + late), job.name)
            job.happens("failed", LATE)
            await self.check_all_settled(job, counted + late)
        await asyncio.gather(*[tell(job) for job in self.define_all()])

    async def test_who_was_told_that_it_is_done_learns_of_the_late_agent(self):
        job = self.define("learned", subject="jobs.query._all")
        job.happens("completed", *AGENTS[:-1])
        async with Http(self.bide.port) as http:
            self.assertEqual(await http.ask(f"/job/{job.name}?until=done&wait=10s"), 200)
            await http.body()
            tag = http.fields["etag"]
            job.happens("acknowledged", LATE)
            self.assertEqual(await http.ask(f"/job/{job.name}?wait=10s", f"If-None-Match: {tag}"), 200)
            self.assertEqual(json.loads(await http.body())["status"], "processing")

    async def test_an_agent_nobody_expects_takes_a_final_job_back(self):
        job = self.define("final", subject="jobs.query._all", expected_agents=AGENTS[:-1])
        followers = job.follow()
        await job.work(AGENTS[:-1], 0.2)
        before_s = time.monotonic()
        # Fewer than are counted, and no more can come: a final job is as done as it gets.
        await self.check_all_settled(job, followers, AGENTS[:-1])
        self.assertLess(time.monotonic() - before_s, SETTLE_S)  # There is nothing to settle.
        job.happens("acknowledged", LATE)
        self.bide.wait_applied(max(job.written_s))
        now = self.bide.get(f"/job/{job.name}").json()
        self.assertEqual((now["status"], now["final"]), ("processing", False))
        self.assertEqual(self.bide.metric("bide_jobs_reopened_total"), 1)
        self.assertEqual(now["timeline"][-1]["hostname"], LATE)


if __name__ == "__main__":
    unittest.main()
