"""The judge itself: it has nothing to say of what is right, and finds each thing that is wrong."""
import json
import time
import unittest

from harness import definition, event
from jetstream import Stored
from judge import Judge, Told, growing


class Late(Judge):
    absent_s = 1.0

    def earliest(self, one):
        return one.answered - 1.0


def as_bide_says(state):
    """With durations in words."""
    state = json.loads(json.dumps(state))
    for told in (state or {}).get("agent_states", {}).values():
        if "duration" in told:
            told["duration"] = f"{told['duration']}ns"
    return state


class Judging(unittest.TestCase):
    def setUp(self):
        """A job that has been defined, started and completed, ten seconds from one to the next."""
        entries = [definition("a"), event("a", "started", nano=1), event("a", "completed", nano=2)]
        self.now = time.monotonic()
        times = [self.now - 30, self.now - 20, self.now - 10]
        self.was = growing("a", [(at, at + 0.1, Stored(revision, key, json.dumps(value).encode(), False, 0))
                                 for revision, (at, (key, value)) in enumerate(zip(times, entries), 1)])
        _, self.defined, self.started, self.completed = (as_bide_says(was.state) for was in self.was)

    def told(self, state=None, ago_s=0.0, status=200, known=None):
        told = Told("client", "a", self.now - ago_s, status, state, known=known)
        told.answered = told.asked
        return told

    def complaint(self, *told, to_the_end=False):
        return "; ".join(line.split(":")[0] for line in Late().judge(told, self.was, to_the_end))

    def test_what_is_right_is_not_complained_of(self):
        self.assertTrue(self.completed["final"])
        self.assertEqual(self.complaint(
            self.told(status=404, ago_s=31), self.told(self.defined, 25), self.told(self.started, 19.5),
            self.told(status=304, known=self.started, ago_s=9.5), self.told(self.completed, 8),
            self.told(status=204), to_the_end=True), "")

    def test_what_is_wrong_is_found(self):
        for told, complaint in (
                ([self.told({**self.started, "status": "failed"}, 19)], "it never was so"),
                ([self.told(self.started, 21)], "it was so too long ago"),  # Or rather before it was.
                ([self.told(self.started, 5)], "it was so too long ago"),
                ([self.told(status=304, known=self.defined, ago_s=15)], "it was so too long ago"),
                ([self.told(self.completed, 9), self.told(self.completed, 8)], "told again or back, after 3"),
                ([self.told(self.started, 19.5), self.told(self.defined, 19.4)], "told again or back, after 2"),
                ([self.told(status=404, ago_s=25)], "it was there all the time"),
                ([self.told(status=503)], "refused for nothing"),
                ([self.told(status=500)], "what is this")):
            with self.subTest(told):
                self.assertIn(complaint, self.complaint(*told))
        self.assertEqual(self.complaint(self.told(self.started, 15), to_the_end=True), "never told of the end")


if __name__ == "__main__":
    unittest.main()
