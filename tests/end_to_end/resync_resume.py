"""Scenarios of resync_test.py: what happens to a bucket while bide is cut off from it, and whether it is read again
then, or only followed on."""
import contextlib
import time

from chronicle import restore
from harness import definition, event, wait_until
from mortal_nats import NatsServer
from resync_bucket import LATE, OTHERS, purge_keys, scenario
from resync_nats import last
from resync_stage import FIRST, Stage
from stalling_link import StallingLink


def expect(stage, resumes=0, **resyncs):
    """So many times the bucket was followed on, and read again for these reasons, once each; in the end."""
    def counted(reason):
        return stage.bide.metric(f'bide_resyncs_total{{reason="{reason}"}}')

    reasons = [reason.replace("_", "-") for reason in resyncs]
    try:
        wait_until(lambda: stage.bide.metric("bide_resumes_total") >= resumes, "the bucket is followed on")
        wait_until(lambda: all(counted(reason) >= 1 for reason in reasons), f"the bucket is read again for {reasons}")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{stage.bide.log_text()[-3000:]}") from error
    assert stage.bide.metric("bide_resumes_total") == resumes, stage.bide.log_text()[-3000:]
    assert stage.bide.metric("bide_resyncs_total") == len(reasons), stage.bide.log_text()[-3000:]


@contextlib.contextmanager
def cut_off(**bucket):
    """A stage whose bide is cut off until the block ends with `release()`."""
    with NatsServer() as nats, StallingLink(to=nats.url) as link, Stage(nats, url=link.url, **bucket) as stage:
        yield stage, link


@contextlib.contextmanager
def away(stage, link):
    with stage.away():
        link.cut()
        yield
        link.release()


@scenario(14)
def cut_and_back():
    with cut_off() as (stage, link):
        with away(stage, link):
            last(1)
        expect(stage, resumes=1)
        stage.store(*LATE)


@scenario(14)
def written_while_away():
    with cut_off(final_stays=False) as (stage, link):
        with away(stage, link):
            stage.store(*LATE, event("all", "completed", "web-02", 7), (FIRST[7][0], None))
        expect(stage, resumes=1)
        stage.store(definition("new", operation={"n": 5}))


@scenario(14)
def overwritten_at_the_position():
    """The last entry that bide knows is gone when it comes back, and not the only one."""
    with cut_off() as (stage, link):
        stage.store(definition("new", operation={"n": 1}))
        wait_until(lambda: stage.bide.get("/job/new").json().get("operation") == {"n": 1}, "bide tells of it")
        with away(stage, link):
            stage.store(definition("new", operation={"n": 2}), FIRST[-1], definition("new", operation={"n": 3}))
        expect(stage, resumes=1)


@scenario(14)
def overwritten_with_garbage_while_away():
    with cut_off() as (stage, link):
        with away(stage, link):
            stage.store((FIRST[3][0], b"{"), ("jobs.new", b"[]"))
        expect(stage, resumes=1)


@scenario(14)
def purged_while_away():
    with cut_off() as (stage, link):
        with away(stage, link):
            purge_keys(stage, "status.open.>", lambda key: key.startswith("status.open."))
        expect(stage, gone=1)


@scenario(14)
def purged_and_written_while_away():
    """The stream holds as many entries as before, and nobody is told of a job that has old and new ones."""
    with cut_off() as (stage, link):
        with away(stage, link):
            purge_keys(stage, "status.open.>", lambda key: key.startswith("status.open."))
            stage.store(event("open", "completed", "web-02", 9_000), definition("late"))
        expect(stage, gone=1)


@scenario(14)
def purged_whole_while_away():
    with cut_off(final_stays=False) as (stage, link):
        with away(stage, link), stage.happening() as note, stage.connect() as api:
            api.purge()
            note.change = lambda contents: restore(contents, {})
        wait_until(lambda: stage.bide.metric("bide_resyncs_total") == 1, "the bucket is read again")


@scenario(14)
def purged_with_history_while_away():
    """There is no number to compare, so the bucket is read again at once."""
    with cut_off(history=10) as (stage, link):
        with away(stage, link):
            purge_keys(stage, "status.open.>", lambda key: key.startswith("status.open."))
            stage.store(event("open", "completed", "web-02", 9_000), definition("late"))
        expect(stage, lost=1)


@scenario(14)
def recreated_while_away():
    with cut_off(final_stays=False) as (stage, link):
        with away(stage, link):
            with stage.happening() as note, stage.connect() as api:
                api.delete_bucket()
                api.create_bucket(**stage.bucket)
                note.change = lambda contents: restore(contents, {})
            stage.store(*OTHERS, *FIRST, *LATE)
        expect(stage, recreated=1)


@scenario(14)
def configured_while_away():
    with cut_off() as (stage, link):
        with away(stage, link), stage.happening(), stage.connect() as api:
            api.update_bucket(history=5)
        expect(stage, configured=1)
        stage.store(*LATE)


@scenario(18)
def rolled_back_and_overtaken_while_away():
    """The stream is longer than bide knows it when it comes back, but of another past."""
    with NatsServer() as nats, StallingLink(to=nats.url) as link, \
            Stage(nats, url=link.url, final_stays=False) as stage:
        with stage.away():
            nats.stop()
            copy = nats.copy_store()
            nats.start()
        wait_until(lambda: stage.bide.metric("bide_resumes_total") == 1, "bide is in touch again")
        before = stage.chronicle.contents()
        stage.trouble_spans.append((time.monotonic() - 5, time.monotonic()))
        stage.store(*LATE, *OTHERS[:1])
        wait_until(lambda: stage.bide.get("/job/late").status == 200, "bide tells of the entries")
        with stage.away():
            link.cut()
            with stage.happening() as note:
                nats.stop()
                nats.roll_back(copy)
                nats.start()
                note.change = lambda contents: restore(contents, before)
            stage.store(definition("late", operation={"n": "other"}), event("late", "failed", nano=9),
                        event("open", "failed", "web-01", 4_000), event("open", "started", "web-02", 4_001),
                        definition("new", operation={"n": "other"}))
            link.release()
        expect(stage, resumes=1, rolled_back=1)


@scenario(30)
def expired_while_away():
    """What left by age cannot be told from what was purged: served at once, and read again afterwards."""
    with cut_off(max_age_s=8.0, final_stays=False) as (stage, link):
        wait_until(lambda: stage.bide.get("/job/final").status == 200, "bide tells of the jobs")
        last(2)
        stage.store(*LATE)
        last(1)
        with away(stage, link), stage.happening():
            last(6)
        expect(stage, resumes=1, unproven=1)


@scenario(30)
def nothing_expired_while_away():
    with cut_off(max_age_s=3600.0) as (stage, link):
        with away(stage, link):
            stage.store(*LATE)
        expect(stage, resumes=1)
        with away(stage, link):
            purge_keys(stage, "status.late.>", lambda key: key.startswith("status.late."))
        wait_until(lambda: stage.bide.metric('bide_resyncs_total{reason="gone"}') == 1, "the bucket is read again")
