"""The long run of soak.py, short: that it finds nothing wrong, and has looked."""
import os
import time
import unittest

import soak

SEED = os.environ.get("TESTED_SEED", str(time.time_ns() % 1_000_000))


class Soak(unittest.TestCase):
    def test_nobody_misses_the_end_of_a_job(self):
        tally = soak.soak(soak.parse(["--minutes", "0.2", "--clients", "300", "--rate", "200",
                                      "--kill-every", "5", "--seed", SEED]))
        self.assertEqual(tally.wrong, [])
        self.assertGreater(tally.ends, 200)
        self.assertGreater(tally.left, 20)


if __name__ == "__main__":
    unittest.main()
