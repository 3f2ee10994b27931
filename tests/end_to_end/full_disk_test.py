"""A disk that is full to the last byte, and has room again: bide tells the truth meanwhile, and what was
acknowledged is still there."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from harness import Bide, wait_until
from nats_servers import nats_version

VALUE = json.dumps({"text": "x" * 50_000})
OVER_NATS = ["--bucket", "job-queue"]


class SmallDisk:
    """A file system of `size_mb` in memory. A context manager."""

    def __init__(self, size_mb):
        self.dir = tempfile.mkdtemp(prefix="bide-disk-")
        self.size_mb = size_mb
        self.ballast = os.path.join(self.dir, "ballast")

    def fill(self, leave_kb):
        free_kb = shutil.disk_usage(self.dir).free // 1024
        with open(self.ballast, "wb") as file:
            file.write(b"x" * 1024 * (free_kb - leave_kb))

    def free(self):
        os.unlink(self.ballast)

    def __enter__(self):
        options = f"size={self.size_mb}m,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "bide-disk", self.dir], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.dir], check=True)
        os.rmdir(self.dir)


@unittest.skipUnless(os.geteuid() == 0, "only root may mount a small disk")
class FullDisk(unittest.TestCase):
    def define_until_refused(self, bide):
        """How many were acknowledged, and what the first was told that was not."""
        for number in range(1000):
            done = bide.command("emit", f"job-{number}", "define", "--operation", VALUE, *OVER_NATS)
            if done.returncode != 0:
                return number, done
        raise AssertionError("the disk is never full")

    def check_kept(self, bide, count):
        lost = [n for n in range(count) if bide.get(f"/job/job-{n}").status != 200]
        self.assertEqual(lost, [])

    def test_no_room_for_more(self):
        """nats-server leaves a quarter of the disk alone, and goes on."""
        with SmallDisk(4) as disk, Bide("--access-log", "off", data_dir=disk.dir) as bide:
            count, refused = self.define_until_refused(bide)
            self.assertGreater(count, 10)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("has no room for more: raise JetStream's max_file_store", refused.stderr)
            self.assertEqual(bide.get("/readyz").status, 200)
            self.check_kept(bide, count)
            self.assertEqual(bide.get(f"/job/job-{count}").status, 404)

    def test_not_a_byte_left(self):
        """What others put on the disk nats-server does not foresee.

        2.9: JetStream ends. 2.10 to 2.13: it refuses what it cannot write, and goes on. From 2.14 on the stream can be
        read, and is never written to again. In the first and the last case bide starts it anew.
        """
        version = nats_version()
        goes_on = (2, 10) <= version < (2, 14)
        with SmallDisk(40) as disk, Bide("--access-log", "off", data_dir=disk.dir) as bide:
            disk.fill(leave_kb=1000)
            count, refused = self.define_until_refused(bide)
            self.assertGreater(count, 5)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("no space left on device" if goes_on else "did not answer in time", refused.stderr)
            if version < (2, 10):
                wait_until(lambda: bide.get("/readyz?fresh").status == 503, "bide says that it does not know")
                self.assertEqual(bide.get("/job/job-0").status, 503)
                self.assertEqual(bide.get("/job/job-0", "Cache-Control: max-stale").status, 200)
            else:
                self.assertEqual(bide.get("/readyz?fresh").status, 200)
                self.assertEqual(bide.get(f"/job/job-{count}").status, 404)
                self.check_kept(bide, count)
            reconnects = bide.metric("bide_nats_reconnects_total")
            disk.free()
            if goes_on:
                self.assertEqual(bide.metric("bide_nats_restarts_total"), 0)
            else:
                wait_until(lambda: bide.metric("bide_nats_restarts_total") >= 1, "nats-server is ended", 60)
                wait_until(lambda: bide.metric("bide_nats_reconnects_total") > reconnects, "bide is back at NATS")
            bide.wait_ready()
            self.check_kept(bide, count)
            self.assertEqual(bide.command("emit", "job-0", "completed", "--agent", "a", *OVER_NATS).returncode, 0)
            wait_until(lambda: bide.get("/job/job-0").json()["final"], "what is written now arrives")


if __name__ == "__main__":
    unittest.main()
