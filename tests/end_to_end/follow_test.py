"""examples/follow.mjs, road by road: every client knows the last state, over restarts, and then stops."""
import unittest

from harness import Bide, definition, event
from streams import Script, is_rising

POLLS = ["poll", "conditionalPoll"]
HELD = ["longPoll", "events", "socket"]


class Follow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()
        cls.bide.listen_port = cls.bide.port

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def follow(self, road, job):
        script = Script("follow.mjs", road, f"{self.bide.url}/job/{job}")
        self.addCleanup(script.close)
        return script

    def check(self, script, road):
        script.wait_for(said="over")
        self.assertEqual(script.process.wait(10), 0)
        told = script.records()
        self.assertEqual(told[-1]["status"], "completed")
        if road != "poll":  # It hears the same state again and again.
            self.assertTrue(is_rising([record["revision"] for record in told]), told)

    def test_to_the_end_over_a_restart_and_a_kill(self):
        jobs = {road: f"follow-{road}" for road in POLLS + HELD}
        self.bide.put(*(definition(job) for job in jobs.values()))
        scripts = {road: self.follow(road, job) for road, job in jobs.items()}
        for script in scripts.values():
            script.wait_for(status="submitted")
        for stop in (self.bide.terminate, self.bide.kill):
            stop()
            self.bide.forget_worker()
            self.bide.start()
        self.bide.put(*(event(job, "started") for job in jobs.values()))
        for script in scripts.values():
            script.wait_for(status="processing")
        self.bide.put(*(event(job, "completed") for job in jobs.values()))
        for road, script in scripts.items():
            with self.subTest(road):
                self.check(script, road)

    def test_an_unknown_job_is_given_up(self):
        for road in POLLS + HELD:
            with self.subTest(road):
                self.follow(road, "nobody").wait_for(said="over")


if __name__ == "__main__":
    unittest.main()
