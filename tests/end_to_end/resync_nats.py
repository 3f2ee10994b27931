"""Scenarios of resync_test.py: what happens to nats-servers, their stores, and the way to them."""
import os
import signal
import subprocess
import sys
import time
import unittest

from chronicle import restore
from harness import definition, event, wait_until
from jetstream import Unavailable
from mortal_nats import NatsCluster, NatsServer
from resync_bucket import LATE, OTHERS, scenario
from resync_stage import Stage
from stalling_link import StallingLink


def until(moment, what):
    wait_until(lambda: time.monotonic() > moment, what, moment - time.monotonic() + 5)


def last(seconds):
    """A fault's own length."""
    until(time.monotonic() + seconds, "the fault's end")


@scenario(12)
def killed_and_restarted():
    with NatsServer() as nats, Stage(nats) as stage:
        stage.store(*LATE[:1])
        last(0.5)  # nats-server has what it acknowledged in its own memory for some milliseconds.
        with stage.away():
            nats.kill()
            nats.start()
        stage.store(*LATE[1:])


@scenario(25)
def stopped_for_8_s():
    with NatsServer() as nats, Stage(nats) as stage:
        with stage.away():
            nats.stop()
            last(8)
            nats.start()
        stage.store(*LATE)


@scenario(45)
def paused_30_s():
    with NatsServer() as nats, Stage(nats) as stage:
        with stage.away():
            nats.pause()
            last(30)
            nats.resume()
        stage.store(*LATE)


@scenario(14)
def wiped():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        with stage.away(), stage.happening() as note:
            nats.kill()
            nats.wipe()
            nats.start()
            note.change = lambda contents: restore(contents, {})
        wait_until(lambda: exists(stage), "bide has created the bucket again")


@scenario(14)
def wiped_and_written_by_somebody_faster():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        with stage.away(), stage.happening() as note:
            nats.kill()
            nats.wipe()
            nats.start()
            wait_until(lambda: created(stage), "somebody has created the bucket again")
            note.change = lambda contents: restore(contents, {})
        stage.store(*OTHERS)


def exists(stage):
    try:
        with stage.connect() as api:
            return api.info()
    except Unavailable:
        return None


def created(stage):
    try:
        with stage.connect() as api:
            return api.create_bucket(**stage.bucket)
    except Unavailable:
        return exists(stage)


def roll_back(stage, nats, *then):
    """To what there is now, after entries of which bide has told."""
    nats.stop()
    copy = nats.copy_store()
    nats.start()
    before = stage.chronicle.contents()
    stage.trouble_spans.append((time.monotonic() - 5, time.monotonic()))
    stage.store(*LATE, *OTHERS[:1])
    wait_until(lambda: stage.bide.get("/job/late").status == 200, "bide tells of the entries")
    with stage.away(), stage.happening() as note:
        nats.stop()
        nats.roll_back(copy)
        nats.start()
        note.change = lambda contents: restore(contents, before)
    stage.store(*then)


@scenario(18)
def rolled_back():
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        roll_back(stage, nats)


@scenario(18)
def purged_and_rolled_back():
    """To before the purge, which has no revision: the stream ends where it did, and has its entries again."""
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        with stage.away():
            nats.stop()
            copy = nats.copy_store()
            nats.start()
        before = stage.chronicle.contents()
        wait_until(lambda: stage.bide.get("/readyz").status == 200, "bide is in touch again")
        with stage.happening() as note, stage.connect() as api:
            api.purge()
            note.change = lambda contents: restore(contents, {})
        wait_until(lambda: stage.bide.get("/job/all").status == 404, "bide tells of the purge")
        with stage.away():
            nats.stop()
            nats.roll_back(copy)
            with stage.happening() as note:
                nats.start()
                note.change = lambda contents: restore(contents, before)


@scenario(18)
def rolled_back_and_written():
    """The same revisions come again with other values, and more of them."""
    with NatsServer() as nats, Stage(nats, final_stays=False) as stage:
        roll_back(stage, nats, definition("late", operation={"n": "other"}), event("late", "failed", nano=9),
                  event("open", "failed", "web-01", 4_000), event("open", "started", "web-02", 4_001),
                  definition("new"))


def cut_link(seconds):
    with NatsServer() as nats, StallingLink(to=nats.url) as link, Stage(nats, url=link.url) as stage:
        with stage.away():
            link.stall()
            stage.store(*LATE)
            last(seconds)
            link.release()


@scenario(25)
def dead_link_10_s():
    cut_link(10)


@scenario(75)
def dead_link_60_s():
    cut_link(60)


# Real packets that are really dropped need a network of their own.
NETWORK = "RESYNC_NETWORK"
DROP = ("add table ip t; add chain ip t c { type filter hook input priority 0; }; "
        "add rule ip t c ip %s 127.0.0.2 drop")


@scenario(40)
def packets_dropped_20_s():
    if os.environ.get(NETWORK):
        return drop_packets(20)
    outside = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*outside, "true"], capture_output=True, check=False).returncode != 0:
        raise unittest.SkipTest("no network of one's own here")
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "resync_test.py")
    done = subprocess.run([*outside, sys.executable, here], capture_output=True, text=True, timeout=120,
                          env={**os.environ, NETWORK: "1", "RESYNC_SCENARIOS": "packets_dropped_20_s"}, check=False)
    assert done.returncode == 0, done.stderr[-6000:]


def drop_packets(seconds):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with NatsServer(host="0.0.0.0") as nats, Stage(nats, url=nats.url_of("", "127.0.0.2")) as stage:
        with stage.away():
            for way in ("daddr", "saddr"):
                subprocess.run(["nft", DROP % way], check=True)
            stage.store(*LATE)
            last(seconds)
            subprocess.run(["nft", "delete table ip t"], check=True)


@scenario(20)
def slow_consumer():
    """nats-server gives bide up, which does not take what was sent; the values are nobody's."""
    junk = [(f"junk.{n % 4}", b"x" * 500_000) for n in range(100)]
    with NatsServer("max_pending: 4MB\nwrite_deadline: \"1s\"") as nats, Stage(nats) as stage:
        stage.bide_stopped = True
        with stage.connect() as api:
            for entry in junk:  # The server sends the more ahead the more was taken.
                api.store(entry)
        with stage.away(), stage.connect() as api:
            stage.bide.process.send_signal(signal.SIGSTOP)
            for entry in junk:
                api.store(entry)
            stage.store(*LATE)
            wait_until(lambda: "Slow Consumer" in nats.log_text(), "nats-server gives bide up")
            stage.bide.process.send_signal(signal.SIGCONT)


@scenario(20)
def many_entries_while_bide_is_stopped():
    with NatsServer() as nats, Stage(nats) as stage:
        stage.bide_stopped = True
        with stage.away(), stage.connect() as api:
            stage.bide.process.send_signal(signal.SIGSTOP)
            since = time.monotonic()
            revision = 0
            for begin in range(0, 200_000, 2_000):
                entries = [definition(f"many-{n % 50}", operation={"n": n}) for n in range(begin, begin + 2_000)]
                revision = api.store(*entries)[-1]
            # Of those in between only some are delivered, and while bide catches up nobody asks for them.
            newest = [definition(f"many-{n % 50}", operation={"n": n}) for n in range(199_950, 200_000)]
            stage.chronicle.note_stored(since, newest, range(revision - 49, revision + 1))
            stage.store(*LATE)
            stage.bide.process.send_signal(signal.SIGCONT)


@scenario(25)
def leader_change():
    with NatsCluster() as nats, Stage(nats, replicas=3) as stage:
        for n in range(3):
            with stage.happening():
                leader = wait_until(nats.leader, "a node leads")
                nats.step_down()
                wait_until(lambda leader=leader: nats.leader() not in ("", leader), "another node leads")
            stage.store(event("open", "started", "web-02", n + 10), patience_s=40)
        stage.store(*LATE)


def lose_node(choose):
    with NatsCluster() as nats, Stage(nats, replicas=3) as stage:
        with stage.happening():
            lost = nats.nodes[choose(stage)]
            lost.kill()
            stage.store(*LATE[:2], patience_s=60)
        with stage.happening():
            lost.start()
            wait_until(lambda: reads(stage), "the cluster lets somebody read the bucket", 60)
        stage.store(*LATE[2:], patience_s=60)


def reads(stage):
    """To read takes more nodes that agree than to write: the consumer must be placed."""
    try:
        with stage.connect() as api:
            return api.read()
    except Unavailable:
        return None


@scenario(40)
def node_lost():
    """That which bide is connected to."""
    lose_node(lambda stage: "n0")


@scenario(40)
def another_node_lost():
    lose_node(lambda stage: "n1")


@scenario(40)
def leader_lost():
    lose_node(lambda stage: wait_until(stage.nats.leader, "a node leads"))


@scenario(40)
def no_quorum():
    """One node of three goes on: it can neither store nor tell of the stream."""
    with NatsCluster() as nats, Stage(nats, replicas=3) as stage:
        others = [nats.nodes["n1"], nats.nodes["n2"]]
        with stage.happening():
            for node in others:
                node.kill()
            last(8)
            for node in others:
                node.start()
            wait_until(lambda: reads(stage), "the cluster lets somebody read the bucket", 60)
        stage.store(*LATE, patience_s=60)
