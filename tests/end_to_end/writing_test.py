"""Reporting over HTTP with curl alone: every write of the contract's section 6, into the real bucket, and what happens
to it when NATS or bide goes away."""
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BIDE, Bide, definition, event, wait_until
from jetstream import JetStream
from mortal_nats import NatsServer


def post(*data):
    return [argument for one in data for argument in ("-d", one)]


class Stored:
    """What the bucket holds, read by a consumer of its own."""

    def __init__(self, bide):
        self.bide = bide

    def subjects(self, pattern):
        """How many messages each subject has."""
        nats = self.bide.worker()
        body = json.dumps({"subjects_filter": nats.prefix + pattern}).encode()
        return self._ask("STREAM.INFO", body)["state"].get("subjects") or {}

    def last(self, key):
        nats = self.bide.worker()
        return self._ask("STREAM.MSG.GET", json.dumps({"last_by_subj": nats.prefix + key}).encode())

    def _ask(self, api, body):
        nats = self.bide.worker()
        nats.socket.sendall(b"PUB $JS.API.%s.%s %s %d\r\n%s\r\n" % (
            api.encode(), nats.stream.encode(), nats.inbox, len(body), body))
        while True:
            line = nats.file.readline()
            assert line, "NATS closed the connection"
            if line.startswith(b"PING"):
                nats.socket.sendall(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                size = int(line.split()[-1])
                return json.loads(nats.file.read(size + 2)[:size])


class Writing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off", "--base-path", "/api").start()
        cls.stored = Stored(cls.bide)

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def job(self):
        return self.id().rsplit(".", 1)[1]

    def report(self, *arguments, job=None, status=201):
        response = self.bide.curl(f"/job/{job or self.job()}/events", *arguments)
        self.assertEqual(response.status, status, response.body)
        return response

    def put(self, *arguments, query="", status=201):
        response = self.bide.curl(f"/job/{self.job()}{query}", "-X", "PUT", *arguments)
        self.assertEqual(response.status, status, response.body)
        return response

    def delete(self, *arguments, status=204):
        response = self.bide.curl(f"/job/{self.job()}", "-X", "DELETE", *arguments)
        self.assertEqual(response.status, status, response.body)
        return response

    def test_the_story_with_curl_alone(self):
        job = self.job()
        self.put("-d", '{"operation":{"target":"all"}}')
        curl = self.bide.curl_later(f"/job/{job}?until=done&wait=30s")
        self.bide.wait_metric('bide_parked{kind="job",road="request"}', 1)
        self.assertEqual(self.report(*post("started"))["Bide-Status"], "processing")
        ended = self.report(*post("exit=3", "error=disk full"))
        self.assertEqual(ended["Bide-Status"], "failed")
        self.assertEqual(ended["Location"], f"/api/job/{job}")
        self.assertEqual(ended.json()["error"], "disk full")
        self.assertEqual([entry["event"] for entry in ended.json()["timeline"]], ["started", "failed"])
        told = self.bide.finish(curl)
        self.assertEqual((told["Bide-Outcome"], told["Bide-Status"]), ("done", "failed"))
        now = self.bide.curl(f"/job/{job}")
        self.assertEqual((now["ETag"], now.body), (ended["ETag"], ended.body))

    def test_progress_overwrites_itself(self):
        job = self.job()
        self.report(*post("started"))
        for percent in (10, 40):
            told = self.report(*post(f"progress={percent}", "message=linking"))
        self.assertEqual(told["Bide-Status"], "processing")
        self.assertEqual(told.json()["agent_states"]["worker"]["progress"], {"percent": 40, "message": "linking"})
        self.assertEqual(self.stored.subjects(f"status.{job}.progress.>"),
                         {f"$KV.job-queue.status.{job}.progress.worker": 1})

    def test_an_event_defines_its_job(self):
        answer = self.report(*post("started", "agent=web-01")).json()
        self.assertEqual(answer["operation"], {})
        self.assertEqual(list(answer["agent_states"]), ["web-01"])
        again = self.report("-H", "Content-Type: application/json", "-d",
                            '{"event":"completed","agent":"web-01","timestamp":"2030-01-01T00:00:00Z","data":{"a":1}}')
        self.assertEqual(again["Bide-Status"], "completed")
        self.assertEqual(again.json()["timeline"][-1]["timestamp"], "2030-01-01T00:00:00Z")

    def test_put_again_and_otherwise(self):
        job = self.job()
        body = ("-d", '{"operation":{"a":1},"expected_agents":["x","y"]}')
        first = self.put(*body)
        self.assertEqual(first["Location"], f"/api/job/{job}")
        self.assertEqual(self.put(*body, status=200)["ETag"], first["ETag"])
        self.put("-d", '{"operation":{"a":2}}', status=409)
        self.put(status=409)
        self.put(*body, "-H", "If-None-Match: *", status=412)
        self.delete()
        self.put("-d", '{"operation":{"a":2}}')
        self.assertEqual(self.bide.curl(f"/job/{job}").json()["operation"], {"a": 2})
        self.put("-d", '{"operation":{"a":2}}', "-H", "If-None-Match: *", status=412)

    def test_create_chooses_an_id(self):
        created = self.bide.curl("/job", "-d", '{"operation":{}}')
        self.assertEqual(created.status, 201)
        job = created.json()["id"]
        self.assertEqual(created["Location"], f"/api/job/{job}")
        self.assertEqual((len(job), job[14]), (36, "7"))
        self.assertEqual(self.bide.curl(created["Location"])["ETag"], created["ETag"])
        keyed = ("-X", "POST", "-H", f"Idempotency-Key: {self.job()}")
        first, second = self.bide.curl("/job", *keyed), self.bide.curl("/job", *keyed)
        self.assertEqual((first.status, second.status), (201, 201))
        self.assertEqual(first["Location"], second["Location"])

    def test_create_and_wait(self):
        job = self.job()
        held = self.bide.curl_later(f"/job/{job}?until=done&wait=30s", "-X", "PUT")
        wait_until(lambda: self.bide.curl(f"/job/{job}").status == 200, "the job is there")
        self.report(*post("exit=0"))
        told = self.bide.finish(held)
        self.assertEqual((told.status, told["Bide-Outcome"], told["Bide-Status"]), (201, "done", "completed"))
        again = self.put(query="?until=succeeded&wait=30s", status=200)
        self.assertEqual(again["Bide-Outcome"], "now")

    def test_delete_removes_all_of_it(self):
        job = self.job()
        self.put()
        self.report(*post("started"))
        self.bide.put((f"responses.{job}.web-01.5", {"job_id": job, "status": "ok", "hostname": "web-01",
                                                     "timestamp": "2026-01-01T00:00:01Z"}))
        tag = self.report(*post("exit=1"))["ETag"]
        held = self.bide.curl_later(f"/job/{job}?until=succeeded&wait=30s")
        self.delete("-H", 'If-Match: "1-1-1111111111111111"', status=412)
        self.delete("-H", f"If-Match: {tag}")
        self.assertIn(self.bide.finish(held).status, (404, 409))  # It had failed.
        self.assertEqual(self.bide.curl(f"/job/{job}").status, 404)
        for subject in (f"jobs.{job}", *(name.split(".", 2)[2] for name in self.stored.subjects(f"*.{job}.>"))):
            self.assertNotIn("data", self.stored.last(subject)["message"], subject)
        self.delete(status=404)
        # Nothing of the old job is in the new one.
        self.assertNotIn("timeline", self.put().json())

    def test_delete_ends_those_who_wait(self):
        self.put()
        held = self.bide.curl_later(f"/job/{self.job()}?until=done&wait=30s")
        self.bide.wait_metric('bide_parked{kind="job",road="request"}', 1)
        self.delete()
        self.assertEqual(self.bide.finish(held).status, 404)

    def test_delete_what_has_no_definition(self):
        job = self.job()
        self.bide.put(event(job, "started"))
        self.delete()
        self.delete(status=404)
        self.assertNotIn("timeline", self.put().json())

    def test_a_key_is_stored_once(self):
        job = self.job()
        key = ("-H", "Idempotency-Key: k1")
        first = self.report(*post("started"), *key)
        second = self.report(*post("started"), *key)
        self.assertEqual(second["ETag"], first["ETag"])
        self.assertEqual(sum(self.stored.subjects(f"status.{job}.>").values()), 1)
        self.report(*post("exit=0"), *key)  # Another request: the key does not swallow it.
        self.assertEqual(sum(self.stored.subjects(f"status.{job}.>").values()), 2)
        self.delete(*key)
        self.delete(*key)
        self.delete(status=404)

    def test_a_definition_with_a_key_is_answered_the_same_way(self):
        key = ("-H", "Idempotency-Key: k1", "-H", "If-None-Match: *")
        self.put(*key)
        self.put(*key)
        self.put(status=200)

    def test_a_hundred_at_once_define_one_job_once(self):
        job = self.job()
        curls = [self.bide.curl_later(f"/job/{job}/events", "-d", f"started&agent=a{i}") for i in range(100)]
        self.assertEqual({self.bide.finish(curl).status for curl in curls}, {201})
        self.assertEqual(len(self.bide.curl(f"/job/{job}").json()["timeline"]), 100)
        self.assertEqual(self.stored.subjects(f"jobs.{job}"), {f"$KV.job-queue.jobs.{job}": 1})

    def test_what_is_refused(self):
        self.report(*post("begun"), status=422)
        self.report("-H", "Content-Type: text/plain", "-d", "started", status=415)
        self.report("-X", "POST", status=400)
        self.report(*post("started"), "-H", "Origin: https://evil.example", status=403)
        self.report(*post("started"), "-H", "X-Forwarded-For: 127.0.0.1", status=403)
        self.assertEqual(self.bide.curl("/job/status", *post("x")).status, 405)
        self.assertEqual(self.bide.curl(f"/job/{self.job()}").status, 404)
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"started&log=" + b"x" * (1 << 20))
            file.flush()
            self.report("-d", "@" + file.name, status=413)

    def test_a_key_is_marked_as_deleted_once(self):
        job = self.job()
        self.report(*post("started&agent=first"))
        self.delete()
        before = self.stored.last(f"jobs.{job}")["message"]["seq"]
        first = next(name for name in self.stored.subjects(f"status.{job}.>") if "first" in name).split(".", 2)[2]
        self.report(*post("started&agent=second"))
        self.delete()
        self.assertLess(self.stored.last(first)["message"]["seq"], before + 2)

    def test_another_replica_deletes_what_was_just_reported(self):
        with open(os.path.join(self.bide.data_dir, "nats-url"), encoding="ascii") as file:
            url = file.read().strip()
        with tempfile.TemporaryDirectory() as folder, \
                Bide("--access-log", "off", "--nats", url, data_dir=folder) as far:
            for turn in range(30):
                job = f"{self.job()}-{turn}"
                self.report(*post("started"), job=job)
                self.report(*post("progress=1"), job=job)
                self.assertEqual(far.curl(f"/job/{job}", "-X", "DELETE").status, 204)
                for name in self.stored.subjects(f"status.{job}.>"):
                    self.assertNotIn("data", self.stored.last(name.split(".", 2)[2])["message"], name)

    def test_many_keys_are_deleted(self):
        job = self.job()
        self.bide.put(definition(job), *[event(job, "started", f"web-{i}") for i in range(2000)])
        self.delete()
        wait_until(lambda: self.bide.curl(f"/job/{job}").status == 404, "the job is gone")
        self.put()
        self.assertNotIn("timeline", self.bide.curl(f"/job/{job}").json())


class Trouble(unittest.TestCase):
    """Every write that is answered 201 is in the bucket once, whatever is killed."""

    WRITERS = 8

    def test_nats_is_killed_while_all_report(self):
        with Bide("--access-log", "off") as bide:
            stop = threading.Event()
            stored, troubles = [], []
            def write(number):
                for n in range(100_000):
                    if stop.is_set():
                        return
                    job, key = f"j{number}-{n}", f"{number}-{n}"
                    for _ in range(300):
                        response = bide.curl(f"/job/{job}/events", "-H", f"Idempotency-Key: {key}",
                                             "-d", "started", "-H", "Prefer: return=minimal")
                        if response.status == 201:
                            stored.append(job)
                            break
                        troubles.append(response.status)
                        time.sleep(0.05)
                    else:
                        raise AssertionError(f"{job} was never stored")
            threads = [threading.Thread(target=write, args=(i,)) for i in range(self.WRITERS)]
            for thread in threads:
                thread.start()
            for _ in range(3):
                time.sleep(1)
                bide.restart_nats()
            time.sleep(1)
            stop.set()
            for thread in threads:
                thread.join(60)
            self.assertFalse(any(thread.is_alive() for thread in threads))
            self.assertLessEqual(set(troubles), {503, 504})
            subjects = Stored(bide).subjects("status.>")
            by_job = {}
            for subject, count in subjects.items():
                job = subject.split(".")[3]
                by_job[job] = by_job.get(job, 0) + count
            self.assertGreater(len(stored), self.WRITERS)
            self.assertEqual({job: by_job.get(job, 0) for job in stored}, dict.fromkeys(stored, 1))

    def test_a_bucket_that_takes_the_definition_and_refuses_the_event(self):
        with NatsServer() as nats:
            with JetStream(nats.url) as api:
                api.api("CREATE", **api.config(1, 0.0, 1), max_msg_size=400)
            with Bide("--access-log", "off", "--nats", nats.url) as bide:
                long = ("-d", "failed", "-d", "error=" + "x" * 600)
                half = bide.curl("/job/j/events", *long)
                self.assertEqual(half.status, 504)
                self.assertIn("a part of this may be stored", half.json()["detail"])
                self.assertEqual(bide.get("/job/j").status, 200)
                none = bide.curl("/job/j/events", *long)  # The job is there: nothing else is written.
                self.assertEqual(none.status, 503)
                self.assertIn("nothing was stored", none.json()["detail"])

    def test_a_bucket_that_takes_some_marks_and_refuses_others(self):
        with NatsServer() as nats:
            with JetStream(nats.url) as api:
                api.create_bucket()
                api.put(event("j", "started"), event("j", "started", "z" * 255))
                # A mark's message id has the key in it, so the mark of the long key is too large.
                api.api("UPDATE", **api.config(1, 0.0, 1), max_msg_size=250)
            with Bide("--access-log", "off", "--nats", nats.url) as bide:
                half = bide.curl("/job/j", "-X", "DELETE")
                self.assertEqual(half.status, 504, half.body)
                self.assertIn("a part of this may be stored", half.json()["detail"])

    def test_nothing_is_stored_while_nats_is_away(self):
        with tempfile.TemporaryDirectory() as folder, Bide("--access-log", "off") as bide:
            with open(os.path.join(bide.data_dir, "nats-url"), encoding="ascii") as file:
                url = file.read().strip()
            with Bide("--access-log", "off", "--nats", url, data_dir=folder) as far:
                bide.kill()  # Its nats-server dies with it.
                wait_until(lambda: far.metric("bide_nats_connected") == 0, "NATS is away")
                response = far.curl("/job/j/events", "-d", "started")
                self.assertEqual(response.status, 503)
                self.assertIn("nothing was stored", response.json()["detail"])
                self.assertTrue(response["Retry-After"])

    def test_a_silent_nats_is_not_known_to_have_stored(self):
        with Bide("--access-log", "off") as bide:
            pid = bide.nats_pid()
            os.kill(pid, signal.SIGSTOP)
            try:
                began = time.monotonic()
                response = bide.curl("/job/j/events", "-d", "started", "-H", "Idempotency-Key: k")
                took = time.monotonic() - began
            finally:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual(response.status, 504, response.body)
            self.assertEqual(response.json()["type"], "urn:bide:problem:not-known-to-be-stored")
            self.assertLess(took, 8)
            wait_until(lambda: bide.get("/readyz?fresh").status == 200, "bide is fresh")
            again = wait_until(lambda: (lambda one: one if one.status == 201 else None)(
                bide.curl("/job/j/events", "-d", "started", "-H", "Idempotency-Key: k")), "it is stored")
            self.assertEqual(len(again.json()["timeline"]), 1)

    def test_draining_finishes_what_is_under_way(self):
        with Bide("--access-log", "off") as bide:
            pid = bide.nats_pid()
            os.kill(pid, signal.SIGSTOP)
            try:
                curls = [bide.curl_later(f"/job/j{i}/events", "-d", "started") for i in range(20)]
                bide.wait_metric('bide_parked{kind="write",road="request"}', 20)
                bide.process.send_signal(signal.SIGTERM)
                wait_until(lambda: '"msg":"draining"' in bide.log_text(), "bide drains")
            finally:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual({bide.finish(curl).status for curl in curls}, {201})

    def test_read_only(self):
        with Bide("--access-log", "off", "--read-only") as bide:
            response = bide.curl("/job/j/events", "-d", "started")
            self.assertEqual((response.status, response["Allow"]), (405, "GET, HEAD"))
            self.assertEqual(bide.curl("/job", "-d", "{}").status, 405)

    def test_tokens_of_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens = os.path.join(folder, "tokens")
            with open(tokens, "w", encoding="ascii") as file:
                file.write("reader-0123456789\nwriter-0123456789 write\nscoped-0123456789 write jobs=own-*\n")
            with Bide("--access-log", "off", "--auth", f"token-file={tokens}") as bide:
                def status(target, token, *arguments):
                    return bide.curl(target, "-H", f"Authorization: Bearer {token}", *arguments).status
                self.assertEqual(status("/job/j/events", "reader-0123456789", "-d", "started"), 403)
                self.assertEqual(status("/job/j/events", "writer-0123456789", "-d", "started"), 201)
                self.assertEqual(status("/job/j", "reader-0123456789"), 200)
                self.assertEqual(status("/job/own-1/events", "scoped-0123456789", "-d", "started"), 201)
                self.assertEqual(status("/job/j/events", "scoped-0123456789", "-d", "started"), 403)
                self.assertEqual(status("/job/j", "scoped-0123456789"), 403)
                self.assertEqual(status("/job", "scoped-0123456789"), 403)


if __name__ == "__main__":
    assert os.path.exists(BIDE), BIDE
    subprocess.run(["curl", "--version"], check=True, stdout=subprocess.DEVNULL)
    unittest.main()
