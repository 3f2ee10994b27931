"""bide and its bucket, after everything that may happen to it: all scenarios at once, each with servers of
its own. RESYNC_SCENARIOS, a comma list, chooses some of them.

  RESYNC_SCENARIOS=wiped,recreated tests/end_to_end/resync_test.py
"""
import concurrent.futures
import os
import sys
import time
import unittest

import resync_bucket
import resync_nats
import resync_resume
import resync_time

# At once. They mostly wait, but on few cores the start of too many servers slows all.
AT_ONCE = 14


def chosen():
    """(name, scenario), the longest first."""
    found = [(name, function, function.seconds) for module in (resync_bucket, resync_nats, resync_resume, resync_time)
             for name, function in vars(module).items() if hasattr(function, "seconds")]
    wanted = [name for name in os.environ.get("RESYNC_SCENARIOS", "").split(",") if name]
    unknown = set(wanted) - {name for name, _, _ in found}
    assert not unknown, f"there are no scenarios {unknown}"
    found.sort(key=lambda scenario: -scenario[2])
    return [(name, function) for name, function, _ in found if not wanted or name in wanted]


def timed(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began


class Resync(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        cls.running = {name: cls.pool.submit(timed, function) for name, function in chosen()}

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown()


def add(name):
    def test(self):
        print(f"{name}: {self.running[name].result():.1f} s", file=sys.stderr, flush=True)

    setattr(Resync, "test_" + name, test)


for scenario_name, _ in chosen():
    add(scenario_name)

if __name__ == "__main__":
    unittest.main()
