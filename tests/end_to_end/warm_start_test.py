"""A bide that starts goes on from its snapshot of the table, if that is of the same stream and nothing has left the
stream meanwhile; otherwise it reads the bucket. Either way it tells what the bucket says, tags included."""
import contextlib
import json
import os
import signal
import subprocess
import time
import unittest

import bucket_checker
from full_disk_test import SmallDisk
from harness import Bide, definition, event, progress, wait_until
from jetstream import JetStream
from mortal_nats import NatsServer

JOBS = [f"job-{number}" for number in range(100)]


def entries(jobs=JOBS):
    for number, job in enumerate(jobs):
        yield definition(job, operation={"number": number}, labels={"team": f"t{number % 7}"})
        yield event(job, "started", nano=1)
        yield progress(job, number % 101)
        if number % 3:
            yield event(job, "completed" if number % 2 else "failed", nano=2)
        if number % 10 == 9:
            yield (f"jobs.{jobs[number - 1]}", None)
        if number % 20 == 7:
            yield (f"status.{job}.started.web-01.1", b"garbage")


class WarmStart(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.nats = self.stack.enter_context(NatsServer())
        self.bide = Bide("--access-log", "off", "--nats", self.nats.url, "--create-bucket")
        self.stack.enter_context(self.bide)

    def connect(self):
        return JetStream(self.nats.url)

    def store(self, *written):
        with self.connect() as nats:
            return nats.store(*written)[-1]

    @property
    def snapshot(self):
        return os.path.join(self.bide.data_dir, "snapshots", "job-queue.snapshot")

    def log_of(self, message):
        """The last such line; None: there is none."""
        lines = [json.loads(line) for line in self.bide.log_text().splitlines() if line.startswith("{")]
        return next((line for line in reversed(lines) if line["msg"] == message), None)

    def fill(self):
        self.bide.wait_applied(self.store(*entries()))

    def stop(self):
        self.assertEqual(self.bide.terminate(), 0)

    def start(self, warm, reason=""):
        """And sees that it tells what the bucket says. `reason`: a part of why not."""
        found = os.path.exists(self.snapshot) and "none" not in self.bide.flags
        self.bide.start()
        self.assertEqual(bucket_checker.check(self.bide, self.nats.url, JOBS), [])
        self.assertEqual(self.bide.metric("bide_warm_starts_total"), int(warm))
        self.assertEqual(self.bide.metric("bide_snapshots_refused_total"), int(found and not warm))
        self.assertEqual(self.bide.metric("bide_warm_start_seconds") > 0, warm)
        if reason:
            told = self.log_of("the snapshot of the table is not used; the bucket is read instead")
            self.assertIn(reason, told["reason"])
        # And it goes on.
        self.bide.wait_applied(self.store(event(JOBS[0], "retried", nano=9), definition("later")))
        self.assertEqual(bucket_checker.check(self.bide, self.nats.url, JOBS), [])

    # --- It goes on

    def test_after_a_stop(self):
        self.fill()
        self.stop()
        self.assertEqual(os.stat(self.snapshot).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(os.path.dirname(self.snapshot)).st_mode & 0o777, 0o700)
        self.start(warm=True)
        self.stop()
        self.start(warm=True)

    def test_with_what_was_written_meanwhile(self):
        self.fill()
        self.stop()
        more = [f"more-{number}" for number in range(300)]
        self.store(*entries(more), event(JOBS[1], "failed", nano=7), event("early", "started"),
                   (f"jobs.{JOBS[2]}", None), (f"status.{JOBS[3]}.started.web-01.1", None),
                   definition(JOBS[11], operation={"again": True}), progress(JOBS[5], 99))
        self.start(warm=True)

    def test_with_its_own_nats_server(self):
        with Bide("--access-log", "off") as bide:
            bide.put(*entries())
            tags = [bide.get(f"/job/{job}")["ETag"] for job in JOBS]
            self.assertEqual(bide.terminate(), 0)
            bide.start()
            self.assertEqual(bide.metric("bide_warm_starts_total"), 1)
            self.assertEqual([bide.get(f"/job/{job}")["ETag"] for job in JOBS], tags)

    def test_killed_it_goes_on_from_the_last_one(self):
        self.fill()
        self.stop()
        self.start(warm=True)
        self.store(*entries([f"more-{number}" for number in range(300)]))
        self.bide.kill()
        self.start(warm=True)

    def test_killed_while_it_writes(self):
        """Whenever that is, there is the last one or the new one."""
        self.fill()
        for attempt in range(6):
            self.store(*entries([f"more-{attempt}-{number}" for number in range(1000)]))
            self.bide.process.send_signal(signal.SIGTERM)
            # Not a wait for something: a moment at random.
            time.sleep(0.02 * attempt)
            self.bide.kill()
            self.start(warm=os.path.exists(self.snapshot))

    # --- It reads the bucket

    def test_without_a_snapshot(self):
        self.fill()
        self.stop()
        os.unlink(self.snapshot)
        self.start(warm=False)

    def test_it_is_turned_off(self):
        self.bide.flags += ("--snapshot-dir", "none")
        self.fill()
        self.stop()  # This one still writes it.
        before = os.stat(self.snapshot).st_mtime_ns
        self.start(warm=False)
        self.stop()
        self.assertEqual(os.stat(self.snapshot).st_mtime_ns, before)

    def test_it_is_damaged(self):
        self.fill()
        self.stop()
        with open(self.snapshot, "r+b") as file:
            file.seek(os.path.getsize(self.snapshot) // 2)
            file.write(b"!")
        self.start(warm=False, reason="damaged")
        self.stop()
        self.start(warm=True)

    def test_it_is_cut_off(self):
        self.fill()
        self.stop()
        os.truncate(self.snapshot, os.path.getsize(self.snapshot) - 1)
        self.start(warm=False, reason="damaged or cut off")

    def test_others_may_write_to_it(self):
        self.fill()
        self.stop()
        os.chmod(self.snapshot, 0o666)
        self.start(warm=False, reason="yours alone")

    def test_the_bucket_was_created_again(self):
        self.fill()
        self.stop()
        with self.connect() as nats:
            nats.delete_bucket()
            nats.create_bucket()
            nats.store(*entries(JOBS[:50]))
        self.start(warm=False)

    def test_the_bucket_was_configured_again(self):
        self.fill()
        self.stop()
        with self.connect() as nats:
            nats.update_bucket(history=5)
        self.start(warm=False)

    def test_a_job_was_purged(self):
        self.fill()
        self.stop()
        with self.connect() as nats:
            nats.purge(filter=f"status.{JOBS[4]}.>")
        self.start(warm=False)

    def test_the_bucket_was_purged_and_written_again(self):
        self.fill()
        self.stop()
        with self.connect() as nats:
            nats.purge()
            nats.store(*entries(JOBS[:50]))
        self.start(warm=False)

    def restore_an_older_copy(self):
        self.store(*entries(JOBS[:50]))
        self.nats.stop()
        copy = self.nats.copy_store()
        self.nats.start()
        self.fill()
        self.stop()
        self.nats.stop()
        self.nats.roll_back(copy)
        self.nats.start()

    def test_the_store_was_restored_from_an_older_copy(self):
        self.restore_an_older_copy()
        self.start(warm=False)

    def test_the_store_was_restored_and_written_again(self):
        """To more entries than the snapshot has."""
        self.restore_an_older_copy()
        self.store(*entries([f"other-{number}" for number in range(800)]))
        self.start(warm=False)

    # --- Others

    def test_two_with_one_folder(self):
        self.fill()
        with Bide("--access-log", "off", "--nats", self.nats.url,
                  "--snapshot-dir", os.path.dirname(self.snapshot)) as other:
            self.bide.process.send_signal(signal.SIGTERM)
            other.process.send_signal(signal.SIGTERM)
            self.assertEqual(self.bide.process.wait(20), 0)
            self.assertEqual(other.process.wait(20), 0)
        self.start(warm=True)

    def test_a_folder_that_cannot_be_used(self):
        for folder in ("/proc/snapshots", "/dev/null"):
            done = subprocess.run([self.bide.process.args[0], "serve", "--listen", "127.0.0.1:0", "--nats", self.nats.url,
                                   "--snapshot-dir", folder], capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("--snapshot-dir: ", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root may mount a small disk")
    def test_a_full_disk(self):
        with SmallDisk(4) as disk:
            folder = os.path.join(disk.dir, "snapshots")
            self.bide.flags += ("--snapshot-dir", folder)
            self.fill()
            self.stop()
            self.bide.start()
            wait_until(lambda: self.bide.metric("bide_snapshots_written_total") == 1, "it is written")
            disk.fill(leave_kb=300)
            self.bide.wait_applied(self.store(*entries([f"more-{number}" for number in range(300)])))
            before = os.listdir(folder)
            self.stop()
            self.assertIn("the disk is full", self.log_of("no snapshot of the table was written; the last one stays")["reason"])
            self.assertEqual(os.listdir(folder), before)
            self.start(warm=True)
            self.stop()


if __name__ == "__main__":
    unittest.main()
