"""Scenarios of resync_test.py: what is done to the bucket by those who may write to it."""
import os
import signal
import time

from chronicle import remove, restore
from harness import definition, event, wait_until
from jetstream import PURGE
from mortal_nats import NatsServer
from resync_stage import FIRST, Stage

LATE = [definition("late", operation={"n": 2}, labels={"team": "ci", "n": "2"}), event("late", "started", nano=7),
        event("open", "completed", "web-01", 4_000)]
# Keys of FIRST.
OPEN_ACKNOWLEDGED, OPEN_STARTED, RESPONSE = FIRST[2][0], FIRST[3][0], FIRST[7][0]


def scenario(seconds):
    """How long it takes, about."""
    def mark(function):
        function.seconds = seconds
        return function
    return mark


def recreate(stage, **bucket):
    """Deletes the bucket and creates it again, at once."""
    with stage.happening() as note, stage.connect() as api:
        api.delete_bucket()
        stage.nats.wait_deleted(api.stream)
        api.create_bucket(**{**stage.bucket, **bucket})
        note.change = lambda contents: restore(contents, {})


# Other states under the same ids, and some jobs are not there any more.
OTHERS = [definition("new", operation={"again": True}, labels={"team": "ci"}), definition("open", expected_agents=["web-01"]),
          definition("late"), event("open", "failed", "web-01", 77, error="other")]


@scenario(12)
def recreated():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        recreate(stage)
        stage.store(*OTHERS)


@scenario(12)
def recreated_with_more_entries():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        recreate(stage)
        stage.store(*OTHERS, *FIRST, *LATE)


@scenario(12)
def recreated_with_another_configuration():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        recreate(stage, history=10, max_age_s=3600.0)
        stage.store(*OTHERS, event("open", "started", "web-01", 77),
                    event("open", "failed", "web-01", 77, error="again"))


@scenario(18)
def recreated_after_a_while():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        with stage.happening() as note, stage.connect() as api:
            api.delete_bucket()
            note.change = lambda contents: restore(contents, {})
        with stage.away():
            end = time.monotonic() + 3.0  # Less than bide gives others to create it.
            wait_until(lambda: time.monotonic() > end, "3 s")
            with stage.connect() as api:
                api.create_bucket(history=5)
        stage.store(*OTHERS)


@scenario(14)
def recreated_while_bide_is_stopped():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        stage.bide_stopped = True
        with stage.away():
            stage.bide.process.send_signal(signal.SIGSTOP)
            recreate(stage)
            stage.store(*OTHERS)
            stage.bide.process.send_signal(signal.SIGCONT)


@scenario(14)
def recreated_twice_within_a_second():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        recreate(stage)
        stage.store(*LATE)
        recreate(stage)
        stage.store(*OTHERS)


@scenario(12)
def purged_whole():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        with stage.happening() as note, stage.connect() as api:
            api.purge()
            note.change = lambda contents: restore(contents, {})


@scenario(12)
def purged_whole_and_written_again():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        with stage.happening() as note, stage.connect() as api:
            api.purge()
            note.change = lambda contents: restore(contents, {})
        stage.store(*FIRST, *LATE)


def purge_keys(stage, key, matches):
    """`key`: with wildcards; `matches(key)`: which keys that means."""
    with stage.happening() as note, stage.connect() as api:
        assert api.purge(filter=key) > 0
        note.change = lambda contents: remove(contents, lambda stored: matches(stored.key))


@scenario(12)
def purged_by_subject():
    with NatsServer() as nats, Stage(nats) as stage:
        purge_keys(stage, "status.open.>", lambda key: key.startswith("status.open."))


@scenario(12)
def purged_definition():
    with NatsServer() as nats, Stage(nats) as stage:
        purge_keys(stage, "jobs.all", lambda key: key == "jobs.all")


@scenario(12)
def purged_by_subject_and_written_elsewhere():
    """The stream has no fewer messages afterwards."""
    with NatsServer() as nats, Stage(nats) as stage:
        purge_keys(stage, "jobs.new", lambda key: key == "jobs.new")
        stage.store(*LATE)


@scenario(12)
def purged_and_written_of_at_once():
    """Nobody is told of a job that has what was purged and what was written then."""
    with NatsServer() as nats, Stage(nats) as stage:
        purge_keys(stage, "status.born.>", lambda key: key.startswith("status.born."))
        stage.store(definition("born"))
        purge_keys(stage, "status.open.>", lambda key: key.startswith("status.open."))
        stage.store(event("open", "completed", "web-02", 9_000))


@scenario(12)
def purged_but_the_last():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        with stage.happening() as note, stage.connect() as api:
            api.purge(keep=3)
            kept = {key for key, _ in FIRST[-3:]}
            note.change = lambda contents: remove(contents, lambda stored: stored.key not in kept)


@scenario(12)
def purged_up_to_a_sequence():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        with stage.happening() as note, stage.connect() as api:
            api.purge(seq=4)
            note.change = lambda contents: remove(contents, lambda stored: stored.revision < 4)


@scenario(12)
def keys_deleted():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        stage.store((OPEN_ACKNOWLEDGED, None), (RESPONSE, None), ("jobs.new", None), *LATE, ("jobs.all", None))


@scenario(12)
def keys_purged_history_1():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        stage.store((OPEN_ACKNOWLEDGED, PURGE), (RESPONSE, PURGE), ("jobs.new", PURGE), *LATE, ("jobs.all", PURGE))


@scenario(12)
def keys_purged_history_10():
    with NatsServer() as nats, Stage(nats, history=10, final_stays=False) as stage:
        stage.store(definition("new", operation={"n": 3}), definition("new", operation={"n": 4}), FIRST[3])
        stage.store((OPEN_STARTED, PURGE), (RESPONSE, PURGE), ("jobs.new", PURGE), *LATE, ("jobs.all", PURGE))


@scenario(12)
def overwritten_history_10():
    with NatsServer() as nats, Stage(nats, history=10) as stage:
        stage.store(*[definition("new", operation={"n": n}) for n in range(15)], FIRST[2], FIRST[3], *LATE, FIRST[2])


@scenario(12)
def history_from_1_to_10():
    with NatsServer() as nats, Stage(nats) as stage:
        with stage.happening(), stage.connect() as api:
            api.update_bucket(history=10)
        stage.store(*[definition("new", operation={"n": n}) for n in range(3)], FIRST[2], *LATE)


@scenario(12)
def history_from_10_to_1():
    with NatsServer() as nats, Stage(nats, history=10) as stage:
        stage.store(*[definition("new", operation={"n": n}) for n in range(3)], FIRST[2])
        with stage.happening(), stage.connect() as api:
            api.update_bucket(history=1)
        stage.store(*LATE)


@scenario(14)
def written_and_purged_while_bide_is_stopped():
    with NatsServer() as nats, Stage(nats) as stage:
        stage.bide_stopped = True
        with stage.away():
            os.kill(stage.bide.process.pid, signal.SIGSTOP)
            stage.store(*LATE)
            purge_keys(stage, "*.late.>", lambda key: key.startswith("status.late."))
            purge_keys(stage, "jobs.late", lambda key: key == "jobs.late")
            os.kill(stage.bide.process.pid, signal.SIGCONT)


@scenario(12)
def overwritten_with_garbage():
    """What does not parse is ignored; but what it has replaced is not there any more."""
    with NatsServer() as nats, Stage(nats) as stage:
        stage.store((OPEN_STARTED, b"{"), ("jobs.new", b"[]"), *LATE)
