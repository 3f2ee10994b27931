"""Buckets that bide does not create: in the domain of a hub, with bide at its leaf node; of another account, which lets
this one use its JetStream under a prefix; and one that is there, with fewer copies than wished."""
import json
import os
import signal
import subprocess
import unittest

from harness import BIDE, PATIENCE_S, Bide, definition, event, wait_until
from jetstream import JetStream, Unavailable
from mortal_nats import NatsServer, next_port
from nats_servers import documented



class Remote:
    """Needs `origin` and `near`, the URLs of the bucket's JetStream and of bide's NATS, and the flags `way`."""

    def serve(self, *flags, ready=True):
        bide = Bide("--nats", self.near, *flags)
        if not ready:
            bide.wait_ready = lambda: None
        self.addCleanup(bide.__exit__)
        return bide.start()

    def run_bide(self, *arguments, code=0):
        done = subprocess.run([BIDE, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def keys(self):
        with JetStream(self.origin) as api:
            return {entry.key for entry in api.read()[1] if not entry.deleted}

    def check_all_goes_there(self):
        bide = self.serve(*self.way)
        with JetStream(self.origin) as api:
            api.store(definition("stored"))
        wait_until(lambda: bide.get("/job/stored").status == 200, "bide follows the bucket")
        self.assertEqual(bide.get("/job/absent").status, 404)  # Asks whether that is the end of the stream.
        self.run_bide("emit", "--nats", self.near, *self.way, "emitted", "completed")
        self.run_bide("run", "--nats", self.near, *self.way, "ran", "--", "true")
        self.assertEqual(bide.curl("/job/posted/events", "-d", "event=started", "-d", "agent=a").status, 201)
        wait_until(lambda: bide.get("/job/emitted").status == bide.get("/job/ran").status == 200, "bide has all")
        self.assertEqual(bide.curl("/job/emitted", "-X", "DELETE").status, 204)
        self.run_bide("delete", "--nats", self.near, *self.way, "ran")
        keys = self.keys()
        self.assertLessEqual({"jobs.stored", "jobs.posted"}, keys)
        self.assertEqual([key for key in keys if "emitted" in key or "ran" in key], [])
        return bide

    def check_much_is_read(self):
        """More than goes without the acknowledgements of flow control."""
        with JetStream(self.origin) as api:
            for n in range(40):
                api.store(*(definition(f"large-{n}-{i}", note="x" * 100_000) for i in range(10)))
        bide = self.serve(*self.way)
        self.assertEqual(bide.get("/job/large-39-9").status, 200)
        self.assertEqual(bide.metric("bide_resyncs_total"), 0, bide.log_text()[-2000:])


class Linked(Remote, unittest.TestCase):
    """A hub with the bucket, and a leaf node."""

    @classmethod
    def setUpClass(cls):
        port = next_port()
        cls.hub = NatsServer(f'server_name: hub\nleafnodes {{ listen: "127.0.0.1:{port}" }}', domain="hub").start()
        cls.addClassCleanup(cls.hub.__exit__)
        cls.leaf = NatsServer(f'server_name: leaf\nleafnodes {{ remotes: [ {{ url: "nats://127.0.0.1:{port}" }} ] }}',
                              domain="leaf").start()
        cls.addClassCleanup(cls.leaf.__exit__)
        cls.origin, cls.near = cls.hub.url, cls.leaf.url
        with JetStream(cls.origin) as api:
            api.create_bucket()
        wait_until(cls.linked, "the hub answers at the leaf node")

    @classmethod
    def linked(cls):
        try:
            with JetStream(cls.near, patience_s=1) as api:
                return json.loads(api.request("$JS.hub.API.INFO")[1]).get("domain") == "hub"
        except Unavailable:
            return False


class Domains(Linked):
    """bide and its workers know only the leaf node."""

    way = ("--nats-domain", "hub")

    def test_all_goes_to_the_domain(self):
        bide = self.check_all_goes_there()
        with JetStream(self.origin) as api:
            api.purge(filter="jobs.posted")
            api.purge(filter="status.posted.>")
        wait_until(lambda: bide.get("/job/posted").status == 404, "bide hears of the purge")

    def test_a_large_bucket(self):
        self.check_much_is_read()

    def test_by_prefix(self):
        bide = self.serve("--nats-js-prefix", "$JS.hub.API")
        self.assertEqual(bide.curl("/job/prefixed/events", "-d", "event=started", "-d", "agent=a").status, 201)
        self.assertIn("jobs.prefixed", self.keys())

    def obstacle(self, *flags):
        bide = self.serve(*flags, ready=False)
        wait_until(lambda: "does not exist" in bide.get("/readyz").body.decode(), "bide says what it lacks")
        self.assertNotIn("KV_", self.streams_of_the_leaf())
        return bide, bide.get("/readyz").body.decode()

    def streams_of_the_leaf(self):
        with JetStream(self.near) as api:
            return api.request("$JS.API.STREAM.NAMES")[1].decode()

    def test_no_empty_bucket_in_silence(self):
        _, said = self.obstacle()
        self.assertIn("in the JetStream domain leaf", said)
        self.assertIn("--nats-domain", said)
        _, said = self.obstacle("--create-bucket")
        self.assertIn("--nats-domain and the name of the domain that has the bucket", said)
        self.assertIn("--nats-domain leaf to create it here", said)
        said = self.run_bide("emit", "--nats", self.near, "build-7", "started", code=1)
        self.assertIn("--nats-domain", said)

    def test_a_wish_is_a_wish(self):
        self.serve("--bucket", "own", "--nats-domain", "leaf", "--create-bucket")
        self.assertIn("KV_own", self.streams_of_the_leaf())
        with JetStream(self.near) as api:
            api.request("$JS.API.STREAM.DELETE.KV_own")

    def test_a_domain_that_does_not_answer(self):
        bide = self.serve("--nats-domain", "hubb", ready=False)
        wait_until(lambda: "no JetStream answers to $JS.hubb.API" in bide.log_text(), "the log says so")
        said = self.run_bide("emit", "--nats", self.near, "--nats-domain", "hubb", "build-7", "started", code=1)
        self.assertIn("no JetStream answers to $JS.hubb.API; check --nats-domain", said)


class Accounts(Remote, unittest.TestCase):
    """The bucket is another account's: the configuration in docs/nats.md."""

    way = ("--nats-js-prefix", "keeper.js", "--nats-inbox-prefix", "to.bide")

    @classmethod
    def setUpClass(cls):
        config = documented("KEEPER").replace("$KEEPER_PASSWORD", "k").replace("$BIDE_PASSWORD", "b")
        cls.nats = NatsServer(config).start()
        cls.addClassCleanup(cls.nats.__exit__)
        cls.origin, cls.near = cls.nats.url_of("keeper:k"), cls.nats.url_of("bide:b")
        with JetStream(cls.origin) as api:
            api.create_bucket()

    def test_all_goes_to_the_account(self):
        self.check_all_goes_there()

    def test_a_large_bucket(self):
        self.check_much_is_read()


class Mirrors(Linked):
    """The leaf node has a mirror of the hub's bucket: the same tags on both sides."""

    JOBS = [f"build-{n}" for n in range(20)]

    def setUp(self):
        with JetStream(self.near, "edge") as api:
            api.api("CREATE", name="KV_edge", storage="file", max_msgs_per_subject=1,
                    mirror={"name": "KV_job-queue", "external": {"api": "$JS.hub.API", "deliver": ""}})
        with JetStream(self.origin) as api:
            api.store(*(definition(job) for job in self.JOBS))
            self.last, = api.store(event(self.JOBS[0], "started"))
        self.addCleanup(self.remove)

    def remove(self):
        with JetStream(self.near, "edge") as api:
            api.delete_bucket()

    @staticmethod
    def tags(bide, jobs):
        return [bide.get(f"/job/{job}")["ETag"] for job in jobs]

    def test_tags_hold_on_both_sides(self):
        hub = Bide("--nats", self.origin).start()
        self.addCleanup(hub.__exit__)
        edge = self.serve("--access-log", "off", "--bucket", "edge")
        for bide in (hub, edge):
            bide.wait_applied(self.last)
        tags = self.tags(hub, self.JOBS)
        self.assertNotIn("", tags)
        self.assertEqual(self.tags(edge, self.JOBS), tags)
        self.assertEqual(edge.get(f"/job/{self.JOBS[3]}", f"If-None-Match: {tags[3]}").status, 304)
        self.assertEqual(edge.get("/job/absent").status, 404)

        refused = edge.curl(f"/job/{self.JOBS[3]}/events", "-d", "event=started")
        self.assertEqual(refused.status, 503)
        self.assertIn("the bucket edge is a mirror; write to a server of its origin job-queue", refused.body.decode())

        # The mirror falls behind: nobody who has a tag of the hub gets an older state.
        self.leaf.pause()
        with JetStream(self.origin) as api:
            last, = api.store(event(self.JOBS[3], "started"))
        hub.wait_applied(last)
        newer, = self.tags(hub, [self.JOBS[3]])
        self.assertNotEqual(newer, tags[3])
        self.leaf.resume()
        answer = edge.get(f"/job/{self.JOBS[3]}", f"If-None-Match: {newer}")
        self.assertIn(answer.status, (304, 503), answer.body)
        wait_until(lambda: self.tags(edge, [self.JOBS[3]]) == [newer], "the mirror has it")

    def test_the_hub_is_away(self):
        edge = self.serve("--access-log", "off", "--bucket", "edge")
        edge.wait_applied(self.last)
        tags = self.tags(edge, self.JOBS)
        self.hub.pause()
        self.addCleanup(self.hub.resume)
        self.assertEqual(self.tags(edge, self.JOBS), tags)
        self.assertEqual(edge.get("/job/absent").status, 503)  # Nobody can tell.
        epoch, revision, digest = tags[0].strip('"').split("-")
        later = f'"{epoch}-{int(revision) + 1}-{digest}"'
        self.assertEqual(edge.get(f"/job/{self.JOBS[0]}", f"If-None-Match: {later}").status, 503)

        edge.process.send_signal(signal.SIGTERM)
        edge.process.wait(PATIENCE_S)
        edge.start()
        self.assertEqual(self.tags(edge, self.JOBS), tags)
        self.assertIn("entity tags are those of the snapshot", edge.log_text())
        self.assertNotIn("entity tags are the mirror's own", edge.log_text())

        # Without a snapshot they are no other stream's.
        own = self.serve("--access-log", "off", "--bucket", "edge", "--snapshot-dir", "none")
        self.assertNotIn(epoch, "".join(self.tags(own, self.JOBS)))
        self.assertIn("entity tags are the mirror's own", own.log_text())


class Replicas(unittest.TestCase):
    def test_a_bucket_that_exists_is_not_changed(self):
        with NatsServer() as nats:
            with JetStream(nats.url) as api:
                api.create_bucket()
            with Bide("--nats", nats.url, "--create-bucket", "--bucket-replicas", "3") as bide:
                said = [line for line in bide.log_text().splitlines() if "number of replicas" in line]
                self.assertEqual(len(said), 1, said)
                self.assertIn("nats stream edit KV_job-queue --replicas 3", said[0])


if __name__ == "__main__":
    unittest.main()
