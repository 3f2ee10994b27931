"""One bide, its clients, and a random sequence of all that may happen to its bucket; a check after each.

  TESTED_BIDE=build/asan/server/bide tests/end_to_end/chaos.py 600 7

Arguments: for how many seconds, and a seed, which a failure is repeated with. Exits with 1 at the first
thing that is wrong.
"""
import random
import signal
import sys
import time

from chronicle import remove, restore
from harness import definition, event, progress
from jetstream import PURGE
from mortal_nats import NatsServer
from resync_bucket import recreate
from resync_nats import created, last, wait_until
from resync_stage import FIRST, Stage
from stalling_link import StallingLink

JOBS = ["open", "new", "born", "late", "all"]
KINDS = ["acknowledged", "started", "failed", "skipped", "completed", "retried"]


class Chaos:
    def __init__(self, stage, nats, link, dice):
        self.stage, self.nats, self.link, self.dice = stage, nats, link, dice
        self.nano = 10**9
        self.copy = None  # Of the store, and of its entries.

    def some(self, most=8):
        """Entries of some jobs, deletions among them."""
        entries = []
        for _ in range(self.dice.randint(1, most)):
            self.nano += 1
            job = self.dice.choice(JOBS)
            entries.append(self.dice.choice([
                definition(job, operation={"n": self.nano}, labels={"team": "ci", "third": str(self.nano % 3)}), (f"jobs.{job}", self.dice.choice([None, PURGE])),
                progress(job, self.nano % 101, self.dice.choice(["web-01", "web-02"]), message=str(self.nano)),
                *[event(job, self.dice.choice(KINDS), self.dice.choice(["web-01", "web-02"]), self.nano)] * 4]))
        return entries

    def write(self):
        self.stage.store(*self.some(20))

    def kill(self):
        with self.stage.away():
            last(0.3)
            self.nats.kill()
            last(self.dice.choice([0, 2, 7]))
            self.nats.start()

    def pause(self):
        with self.stage.away():
            self.nats.pause()
            last(self.dice.uniform(0.5, 12))
            self.nats.resume()

    def stall(self):
        with self.stage.away():
            self.link.stall()
            self.stage.store(*self.some())
            last(self.dice.uniform(0.5, 15))
            self.link.release()

    def wipe(self):
        with self.stage.away(), self.stage.happening() as note:
            self.nats.kill()
            self.nats.wipe()
            self.nats.start()
            wait_until(lambda: created(self.stage), "the bucket is there")
            note.change = lambda contents: restore(contents, {})
        self.copy = None

    def roll_back(self):
        """To an earlier copy; where there is none, takes one."""
        with self.stage.away(), self.stage.happening() as note:
            self.nats.stop()
            if self.copy:
                path, entries = self.copy
                self.nats.roll_back(path)
                note.change = lambda contents: restore(contents, entries)
            else:
                self.copy = (self.nats.copy_store(), self.stage.chronicle.contents())
            self.nats.start()

    def recreate(self):
        recreate(self.stage, history=self.dice.choice([1, 10]))

    def purge(self):
        job = self.dice.choice(JOBS)
        with self.stage.happening() as note, self.stage.connect() as api:
            if self.dice.random() < 0.3:
                api.purge()
                note.change = lambda contents: restore(contents, {})
            else:
                api.purge(filter=f"status.{job}.>")
                note.change = lambda contents: remove(contents, lambda stored: stored.key.startswith(f"status.{job}."))

    def sleep(self):
        """Bide, while others write and purge."""
        self.stage.bide_stopped = True
        with self.stage.away():
            self.stage.bide.process.send_signal(signal.SIGSTOP)
            deed = self.dice.choice([self.write, self.purge, self.recreate])
            print(f"{time.monotonic():.2f}: meanwhile {deed.__name__}", flush=True)
            deed()
            last(self.dice.uniform(0, 7))
            self.stage.bide.process.send_signal(signal.SIGCONT)

    def run(self, seconds):
        deeds = [self.write, self.kill, self.pause, self.stall, self.wipe, self.roll_back, self.recreate, self.purge,
                 self.sleep]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for deed in self.dice.sample(deeds, self.dice.randint(1, 2)):
                print(f"{time.monotonic():.2f}: {deed.__name__}", flush=True)
                deed()
                self.stage.store(*self.some())
            wrong = self.stage.settle()
            if wrong:
                raise AssertionError("\n".join(wrong))


def main(seconds, seed):
    with NatsServer() as nats, StallingLink(to=nats.url) as link, \
            Stage(nats, url=link.url, final_stays=False, entries=FIRST) as stage:
        Chaos(stage, nats, link, random.Random(seed)).run(float(seconds))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
