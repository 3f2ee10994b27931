"""Scenarios of resync_test.py: entries that expire, and times that workers make up.

The stream's own time of an entry is its server's clock. To set that in the future is not tried: nats-server,
a Go program, asks the kernel for the time and not a library that could be put in its place.
"""
import time

from chronicle import EXPIRY_SLACK_S
from harness import definition, event, progress
from mortal_nats import NatsServer
from resync_bucket import LATE, purge_keys, scenario
from resync_nats import last, until
from resync_stage import FIRST, Stage

PAST, FUTURE = "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


def first_stored(stage):
    """When the first entry was stored: on a busy machine seconds before the stage is ready."""
    return stage.chronicle.stored[0][0]


@scenario(30)
def expiring():
    """Definitions and events one after another; some events before their definition."""
    with NatsServer() as nats, Stage(nats, max_age_s=12.0, final_stays=False) as stage, stage.happening():
        stage.store(event("late", "started", nano=1), event("late", "completed", "web-02", 2))
        until(first_stored(stage) + 8, "nothing has expired yet")
        stage.store(definition("late"), event("open", "started", "web-02", 5_000))
        until(time.monotonic() + 12 + EXPIRY_SLACK_S + 1, "all is gone")


@scenario(35)
def expired_before_its_definition():
    """What a job's events said is no more, while the job is."""
    with NatsServer() as nats, Stage(nats, max_age_s=20.0, final_stays=False) as stage, stage.happening():
        stage.store(event("late", "started", nano=1), event("late", "completed", "web-02", 2), FIRST[2],
                    progress("late", 10), progress("late", 20))
        stored = time.monotonic()
        until(first_stored(stage) + 15, "they are old, and no definition has expired")
        stage.store(definition("late"), definition("open"))
        until(stored + 20 + EXPIRY_SLACK_S + 1, "they are gone")


@scenario(20)
def expiring_while_nats_is_stopped():
    with NatsServer() as nats, Stage(nats, max_age_s=8.0, final_stays=False) as stage:
        with stage.away(), stage.happening():
            nats.stop()
            last(9)
            nats.start()
        stage.store(*LATE[:2])


@scenario(25)
def max_age_made_shorter():
    with NatsServer() as nats, Stage(nats, max_age_s=3600.0, final_stays=False) as stage:
        until(time.monotonic() + 4, "the first entries are old")
        stage.store(*LATE)
        with stage.happening(), stage.connect() as api:
            since = time.monotonic()
            api.update_bucket(max_age_s=4.0)
            stage.chronicle.note_max_age(since, 4.0)
        stage.store(definition("new", operation={"n": 9}))
        last(4 + EXPIRY_SLACK_S + 0.5)  # Until that, too, is gone.


@scenario(25)
def max_age_made_longer():
    with NatsServer() as nats, Stage(nats, max_age_s=10.0) as stage:
        with stage.happening(), stage.connect() as api:
            api.update_bucket(max_age_s=3600.0)
            stage.chronicle.turns = [turn for turn in stage.chronicle.turns if turn.since <= time.monotonic()]
            stage.chronicle.max_age_s = 3600.0
        stage.store(*LATE)
        last(10)


def timed(entry, timestamp, unix_nano):
    key, value = entry
    return key, {**value, "timestamp": timestamp, "unix_nano": unix_nano}


@scenario(12)
def made_up_times():
    with NatsServer() as nats, Stage(nats) as stage:
        key, value = definition("late", expected_agents=["web-01"])
        stage.store((key, {**value, "created": FUTURE}),
                    timed(event("late", "acknowledged", nano=1), FUTURE, 4_102_444_800 * 10**9),
                    timed(event("late", "started", nano=2), PAST, 0),
                    timed(event("open", "completed", nano=3), PAST, -5),
                    timed(event("open", "failed", "web-02", 4), FUTURE, 2**63 - 1),
                    definition("new"), timed(event("new", "skipped", nano=5), PAST, 1))


@scenario(12)
def purged_unheard():
    """By somebody whose doings bide may not hear of."""
    users = ('{user: w, password: w}, {user: bide, password: b, permissions: '
             '{publish: ">", subscribe: {allow: ">", deny: "$JS.EVENT.>"}}}')
    with NatsServer(f"authorization {{ users: [{users}] }}", login="w:w") as nats, \
            Stage(nats, url=nats.url_of("bide:b")) as stage:
        purge_keys(stage, "status.open.>", lambda key: key.startswith("status.open."))
