"""Many jobs, read on all roads while servers die: readers are told nothing but what was, in order, to the end.

The jobs and what the readers do are random; a failure tells the seed, and TESTED_SEED repeats it.
"""
import asyncio
import os
import random
import resource
import time
import unittest

from harness import Bide
from judge import Judge, first_of_each, growing
from mortal_nats import NatsServer
from readers import Reader
from storywriters import Story, StoryWriter

JOBS = int(os.environ.get("TESTED_JOBS", "1000"))
SEED = int(os.environ.get("TESTED_SEED", time.time_ns() % 1_000_000))
DURATION_S = 20.0
WRITERS = 4


class Stories(unittest.TestCase):
    def test_every_reader_is_told_the_truth_in_order_to_the_end(self):
        _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        dice = random.Random(SEED)
        stories = [Story(f"story-{n}", dice, DURATION_S) for n in range(JOBS)]
        with (self.subTest(seed=SEED), NatsServer() as nats,
              Bide("--access-log", "off", "--nats", f"nats://127.0.0.1:{nats.port}", "--create-bucket") as bide):
            bide.listen_port = bide.port
            readers = [Reader(bide.port, story.job, random.Random(dice.random()))
                       for story in stories for _ in range(dice.randint(1, 2))]
            shares = [[] for _ in range(WRITERS)]
            for story in stories:
                # An agent writes its events in order. Agents, and who defines the job, do not wait for each other.
                share_of = {agent: dice.choice(shares) for agent in (None, "_api", *story.agents)}
                for entry in story.entries:
                    _, agent = story.events.get(entry.key, (None, None))
                    share_of[agent].append(entry)
            writers = [StoryWriter(nats.port, f"w{n}", share) for n, share in enumerate(shares)]
            asyncio.run(self.play(stories, readers, writers, bide, nats, dice))
            self.judge(stories, readers, writers)

    async def play(self, stories, readers, writers, bide, nats, dice):
        began = time.monotonic()
        starts = {story.job: story.starts_s for story in stories}
        async with asyncio.timeout(200):
            await asyncio.gather(
                self.let_die(bide, nats), *(writer.run(began) for writer in writers),
                *(reader.run(max(0.0, starts[reader.job] + dice.uniform(-1.0, 4.0)))
                  for reader in readers))

    async def let_die(self, bide, nats):
        def end_bide():
            self.assertEqual(bide.terminate(), 0)
            bide.start()

        def kill_nats():
            nats.kill()
            nats.start()

        def kill_bide():
            bide.kill()
            bide.start()

        for die in (end_bide, kill_nats, kill_bide):
            await asyncio.sleep(DURATION_S / 4)
            await asyncio.to_thread(die)

    def judge(self, stories, readers, writers):
        notes = {story.job: [] for story in stories}
        for writer in writers:
            for job, note in writer.notes():
                notes[job].append(note)
        revisions = [stored.revision for of_job in notes.values() for _, _, stored in of_job]
        self.assertEqual(len(set(revisions)), sum(len(story.entries) for story in stories))
        histories = {job: growing(job, of_job) for job, of_job in notes.items()}
        wrong = [line for reader in readers for line in Judge().judge(reader.told, histories[reader.job], True)]
        self.assertEqual(first_of_each(wrong), [])
        told = sum(len(reader.told) for reader in readers)
        self.assertGreater(told, 2 * len(readers))  # Or this test looks at too little.


if __name__ == "__main__":
    unittest.main()
