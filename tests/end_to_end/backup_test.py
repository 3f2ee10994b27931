"""docs/operations.md, "Backing up and restoring": a copy of the data directory, and of the stream by JetStream's
snapshots, which is what `nats stream backup` and `restore` do."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from harness import Bide, definition, event, wait_until
from jetstream import JetStream, publication
from mortal_nats import NatsServer

JOBS = [f"job-{number}" for number in range(300)]


def entries():
    for number, job in enumerate(JOBS):
        yield definition(job, operation={"number": number})
        yield event(job, "started")
        if number % 3:
            yield event(job, "completed" if number % 2 else "failed", nano=2)


def shown(bide):
    """What must be the same after a restore: the statistics and the jobs, with their revisions."""
    return [json.loads(bide.get(f"/job/{job}").body) for job in ("status", *JOBS[::7])]


def tags(bide):
    return [bide.get(f"/job/{job}")["ETag"] for job in JOBS[::7]]


class Snapshots(JetStream):
    """nats-server 2.15 takes a restored stream for a new one, so tags differ then; earlier ones do not."""

    def backup(self):
        """(the stream's configuration and state, the snapshot)."""
        inbox = self._new_inbox()
        about = self.api("SNAPSHOT", deliver_subject=inbox.decode(), chunk_size=64 * 1024, jsck=True)
        chunks = []
        while True:
            to, reply, _, body = self._next()
            if to != inbox:
                continue
            if not body:
                return about, b"".join(chunks)
            chunks.append(body)
            if reply:
                self._send(publication(reply, b"", b"", b""))  # The next chunks.

    def restore(self, about, snapshot):
        answer = self.api("RESTORE", config=about["config"], state=about["state"])
        to = answer["deliver_subject"]
        for at in range(0, len(snapshot), 64 * 1024):
            self.request(to, snapshot[at:at + 64 * 1024])
        _, end = self.request(to)
        end = json.loads(end)
        assert "error" not in end, end


class Backup(unittest.TestCase):
    def test_a_copy_of_the_data_directory(self):
        with Bide("--access-log", "off") as bide, tempfile.TemporaryDirectory(prefix="bide-e2e-") as elsewhere:
            bide.put(*entries())
            before = shown(bide), tags(bide)
            self.assertEqual(bide.terminate(), 0)
            copy = os.path.join(elsewhere, "copy")
            subprocess.run(["cp", "-a", bide.data_dir, copy], check=True)
            shutil.rmtree(os.path.join(bide.data_dir, "nats"))  # The disk is gone.
            with Bide("--access-log", "off", data_dir=copy) as restored:
                self.assertEqual((shown(restored), tags(restored)), before)
                restored.put(event(JOBS[0], "completed", nano=3))
                self.assertEqual(restored.get(f"/job/{JOBS[0]}")["Bide-Status"], "completed")

    def test_a_snapshot_of_the_stream_while_bide_runs(self):
        with NatsServer() as first, NatsServer() as second:
            with Bide("--access-log", "off", "--nats", first.url, "--create-bucket") as bide:
                with Snapshots(first.url) as nats:
                    nats.store(*entries())
                    bide.wait_applied(nats.info()["state"]["last_seq"])
                    before = shown(bide)
                    about, snapshot = nats.backup()
                    # Into the same NATS, below a bide that runs.
                    nats.delete_bucket()
                    nats.restore(about, snapshot)
                    wait_until(lambda: bide.get(f"/job/{JOBS[0]}").status == 200 and shown(bide) == before,
                               "bide shows what was restored")
            with Snapshots(second.url) as nats:
                nats.restore(about, snapshot)
            with Bide("--access-log", "off", "--nats", second.url) as restored:
                self.assertEqual(shown(restored), before)


if __name__ == "__main__":
    unittest.main()
