"""A bide, its bucket, and clients of all kinds before which something happens to the bucket.

`with Stage(nats) as stage:` stores some jobs and lets the clients ask. Then the scenario does what it is
about, says so with happening() and away(), and leaves. Leaving waits until bide agrees with a fresh read
of the bucket, 10 s at most, and judges all that was told:

- Nobody was told a state that the bucket never held, nor 404 of a job that was there all the time.
- What is told of a job that is not final was true 5 s (--max-stale) ago at most, unless the client said max-stale.
- 503 only while NATS is away or something happens, with Retry-After; once NATS is away longer than
  --max-stale always, except of final jobs and to clients that say max-stale. /readyz?fresh likewise.
- Who is held is answered by the deadline, and in the end all know what the bucket says.
"""
import contextlib
import threading
import time

from bucket_checker import compare, fold_bucket
from chronicle import Chronicle
from harness import Bide, definition, event, wait_until
from jetstream import JetStream, Unavailable
from judge import Judge, canonical, first_of_each, read
from resync_clients import WAIT_S, Held, Look, Stream, Until

MAX_STALE_S = 5.0
AGREES_WITHIN_S = 10.0
HEARTBEAT_S = 1.0  # What was heard last may be so old when NATS goes away.
COMPARES_S = 2.0  # How often bide looks whether it was told everything.
SLACK_S = 1.0  # Of the machine: many scenarios at once on few cores.
BUCKET = "job-queue"

# Jobs of every kind of state; "born" has events and no definition.
FIRST = [
    definition("new"),
    definition("open", expected_agents=["web-01", "web-02"], operation={"type": "x", "n": 1}, labels={"team": "ci"}),
    event("open", "acknowledged", nano=1_000), event("open", "started", nano=2_000),
    definition("final", labels={"team": "ci", "n": "2"}), event("final", "started", nano=10**9), event("final", "completed", nano=3 * 10**9),
    ("responses.final.web-01.3",
     {"job_id": "final", "status": "ok", "hostname": "web-01", "data": {"a": [1]}, "changed": True}),
    definition("all", subject="jobs.modify._all"), event("all", "started", "web-01", 5),
    event("all", "failed", "web-01", 6, error="no"),
    event("born", "started"),
]


class Stage:
    def __init__(self, nats, history=1, max_age_s=0.0, replicas=1, entries=FIRST, final_stays=True, url=""):
        """`url`: by which bide is to reach `nats`. `final_stays`: nothing happens to the job "final"."""
        self.nats, self.entries, self.final_stays = nats, entries, final_stays
        self.bucket = {"history": history, "max_age_s": max_age_s, "replicas": replicas}
        self.chronicle = Chronicle(max_age_s)
        self.bide = Bide("--access-log", "off", "--nats", url or nats.url, "--create-bucket")
        self.stopping = threading.Event()
        self.clients = []
        self.away_spans = []  # (since, until): NATS told bide nothing.
        self.trouble_spans = []
        self.bide_stopped = False  # At any time: then an answer may take as long as that.
        self.fresh = {}  # What the bucket says of every job, as last read.

    # --- Workers ---

    def connect(self):
        return self.nats.connect() if hasattr(self.nats, "connect") else JetStream(self.nats.url)

    def store(self, *entries, patience_s=15.0):
        """Stores entries, again where NATS does not take them yet; their revisions."""
        revisions = []
        for entry in entries:
            since = time.monotonic()
            revisions += wait_until(lambda entry=entry: self._try_store(entry), f"{entry[0]} is stored", patience_s)
            self.chronicle.note_stored(since, [entry], revisions[-1:])
        return revisions

    def _try_store(self, entry):
        try:
            with self.connect() as api:
                return api.store(entry)
        except Unavailable:
            return None

    @contextlib.contextmanager
    def happening(self):
        """Something happens to the bucket: set `.change` to what it does to the entries by key."""
        since = time.monotonic()
        with self.chronicle.happening() as note:
            yield note
        self.trouble_spans.append((since, time.monotonic()))

    @contextlib.contextmanager
    def away(self):
        """NATS tells bide nothing."""
        since = time.monotonic()
        yield
        self.away_spans.append((since, time.monotonic()))
        self.trouble_spans.append((since, time.monotonic()))

    # --- Beginning and end ---

    def __enter__(self):
        wait_until(self._create, "the bucket is created", 40)
        self.store(*self.entries)
        self.bide.start()
        port, stop = self.bide.port, self.stopping
        self.clients = [*(Held(port, job, stop) for job in ("open", "new", "born", "late")),
                        *(Until(port, job, stop, until) for job, until in (
                            ("open", "done"), ("open", "completed"), ("all", "succeeded"), ("nobody", "exists"))),
                        Stream(port, "open", stop), Stream(port, "all", stop),
                        *(Look(port, job, stop, kind) for job, kind in (
                            ("open", "unfinished"), ("open", "max-stale"), ("final", "final"), ("", "readyz")))]
        for client in self.clients:
            client.start()
        wait_until(lambda: self.bide.metric("bide_parked") >= 5, "the clients are held")
        return self

    def _create(self):
        try:
            with self.connect() as api:
                return api.create_bucket(**self.bucket)
        except Unavailable:
            return None

    def __exit__(self, kind, *_):
        wrong = []
        try:
            if kind is None:
                wrong = self.settle()
        finally:
            self.stopping.set()
            ended = self.bide.process.poll()
            assert ended is None, f"bide ended by itself, with {ended}: {self.bide.log_text()[-5000:]}"
            log = self.bide.log_text()[-20_000:]
            for client in self.clients:
                client.join(WAIT_S + 5)
            self.bide.__exit__()
        if kind is None:
            wrong += Judgement(self).all()
            assert not wrong, "\n".join(wrong) + "\nbide's log:\n" + log

    def differences(self):
        try:
            with self.connect() as api:
                created, entries = api.read()
        except Unavailable as error:
            return [f"the bucket cannot be read: {error}"]
        self.fresh = fold_bucket(entries)
        return compare(self.bide, created, self.fresh, self.chronicle.jobs)

    def settle(self):
        """What does not agree within the time there is."""
        end = time.monotonic() + AGREES_WITHIN_S
        while wrong := self.differences():
            if time.monotonic() > end:
                return [f"after {AGREES_WITHIN_S:.0f} s: {line}" for line in wrong]
            self.stopping.wait(0.2)
        if self.bide.get("/readyz?fresh").status != 200:
            return ["not ready in the end"]
        expected = {job: was[-1].state for job, was in self.chronicle.histories().items() if was[-1].state}
        wrong = [f"this test takes the bucket for another: {job} {expected.get(job)} {self.fresh.get(job)}"
                 for job in {*expected, *self.fresh} if expected.get(job) != self.fresh.get(job)]
        end = time.monotonic() + 2 * WAIT_S
        while behind := [client for client in self.clients
                         if client.kind in ("held", "stream") and not self.knows(client)]:
            if time.monotonic() > end:
                return wrong + [f"{client.kind} {client.job} knows {client.known}, "
                                f"the bucket says {self.fresh.get(client.job)}" for client in behind]
            self.stopping.wait(0.1)
        return wrong

    def knows(self, client):
        return canonical(read(client.known)) == canonical(self.fresh.get(client.job))


class Judgement(Judge):
    """Where the bucket may return to what it was, and NATS may be away."""

    absent_s = 0.3

    def __init__(self, stage):
        self.stage = stage

    def all(self):
        """A line for each kind of what is wrong with what the clients were told."""
        histories = self.stage.chronicle.histories()
        wrong = [client.failure for client in self.stage.clients if client.failure]
        states = {job: {canonical(state.state) for state in was} for job, was in histories.items()}
        told = [told for client in self.stage.clients for told in client.told]
        for one in sorted(told, key=lambda one: one.answered):
            if one.kind == "readyz":
                wrong += self.judge_ready(one)
            else:
                wrong += self.judge_one(one, histories.get(one.job, []), states.get(one.job, set()))
        if wrong:
            spans = [f"{since:.2f}-{until:.2f}" for since, until in self.stage.trouble_spans]
            wrong.append("something happened: " + ", ".join(spans))
        return first_of_each(wrong)

    def earliest(self, one):
        if one.kind == "max-stale":
            return 0.0
        # What bide hears first when it goes on was said before, but counts from then on.
        return one.asked - (MAX_STALE_S + SLACK_S + (COMPARES_S if self.stage.bide_stopped else 0.0))

    def near_trouble(self, one):
        return any(one.answered >= since and one.asked <= until + AGREES_WITHIN_S
                   for since, until in self.stage.trouble_spans)

    def away_for_long(self, one):
        """NATS was away for longer than --max-stale when it was asked, and until it was answered."""
        return any(one.asked > since + MAX_STALE_S + SLACK_S and one.answered < until - SLACK_S
                   for since, until in self.stage.away_spans)

    def too_early(self, one):
        """NATS had been heard of within --max-stale when it was answered, and nothing else is amiss."""
        away_spans = self.stage.away_spans
        spans = [(since, until) for since, until in away_spans if since <= one.answered]
        only_away = away_spans and len(away_spans) == len(self.stage.trouble_spans)
        return bool(only_away and spans) and one.answered < spans[-1][0] + MAX_STALE_S - HEARTBEAT_S - SLACK_S

    def judge_ready(self, one):
        if one.status == 200 and self.away_for_long(one):
            return [f"ready while NATS is away: {one}"]
        if one.status != 200 and not (self.near_trouble(one) and not self.too_early(one)):
            return [f"not ready for nothing: {one}"]
        return []

    def judge_one(self, one, was, states):
        waited = one.answered - one.asked
        if waited > WAIT_S + 2 * SLACK_S and not self.stage.bide_stopped:
            return [f"held for {waited:.1f} s: {one}"]
        wrong = super().judge_one(one, was, states)
        unfinished = one.status in (200, 304) and not (one.state or one.known or {}).get("final")
        if not wrong and unfinished and one.kind == "unfinished" and self.away_for_long(one):
            return [f"told without knowing: {one}"]
        return wrong

    def judge_refused(self, one):
        if "retry-after" not in one.fields:
            return [f"no Retry-After: {one}"]
        if one.kind in ("final", "max-stale") and self.stage.final_stays:
            return [f"refused what is known: {one}"]
        if not self.near_trouble(one) or (one.kind == "unfinished" and self.too_early(one)):
            return [f"refused for nothing: {one}"]
        return []
