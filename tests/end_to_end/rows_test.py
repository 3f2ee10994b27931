"""What GET /job/{id} answers in every situation the contract's table names, asked by curl."""
import os
import signal
import time
import unittest

from harness import Bide, definition, event, wait_until


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def new_job(self, *events, **members):
        job = self.id().rsplit(".", 1)[1]
        self.bide.put(definition(job, **members), *[event(job, kind, nano=n + 1)
                                                    for n, kind in enumerate(events)])
        return job

    def parked(self, count):
        self.bide.wait_metric("bide_parked", count)

    def held(self, target, *arguments):
        before = self.bide.metric("bide_parked")
        curl = self.bide.curl_later(target, *arguments)
        self.parked(before + 1)
        return curl

    def timed_out(self, target, status):
        """It is answered 5 ms before its 300 ms are over. A busy machine may answer late, but not each time."""
        for _ in range(10):
            response = self.bide.curl(target)
            self.assertEqual((response.status, response["Bide-Outcome"]), (status, "timeout"))
            if float(response["Bide-Waited"]) < 0.3:
                return response
        return self.fail(f"always answered late, at last after {response['Bide-Waited']} s")

    def etag(self, job, *arguments):
        return self.bide.curl(f"/job/{job}", *arguments)["ETag"]

    def test_row_1_unknown_job(self):
        for target in ("/job/nobody", "/job/nobody?wait=30s", "/job/nobody?wait=30s&until=done&missing=fail",
                       "/job?id=nobody,row1&wait=30s&until=done&missing=fail"):
            response = self.bide.curl(target)
            self.assertEqual(response.status, 404)
            self.assertEqual(response["Content-Type"], "application/problem+json")
            self.assertEqual(response["Cache-Control"], "no-store")
            self.assertEqual(response.json()["code"], 404)
            self.assertEqual(response.json()["type"], "urn:bide:problem:job-not-found")
        curl = self.held("/job/row1?until=exists&wait=30s")
        self.bide.put(definition("row1"))
        self.assertEqual(self.bide.finish(curl).status, 200)
        self.assertEqual(self.bide.curl("/job/nobody?until=exists&wait=300ms").status, 404)

    def test_row_1_waiting_for_what_is_not_there_yet(self):
        before = self.bide.metric("bide_requests_parked_total")  # Not those that have to be caught up first.
        curls = [self.bide.curl_later(target) for target in (
            "/job/row1b?until=done&wait=30s", "/job/row1b?until=succeeded&wait=30s",
            "/job/row1b?until=completed,failed&wait=30s", "/job?id=row1b,row1c&until=done&match=any&wait=30s")]
        self.bide.wait_metric("bide_requests_parked_total", before + 4)
        self.bide.put(event("row1b", "started"))
        self.bide.put(definition("row1b"))
        self.assertEqual(self.bide.curl("/job/row1b").status, 200)
        self.assertEqual([curl.poll() for curl in curls], [None] * 4)
        self.bide.put(event("row1b", "completed", nano=2))
        for curl in curls:
            response = self.bide.finish(curl)
            self.assertEqual((response.status, response["Bide-Outcome"], response["Bide-Status"]),
                             (200, "done", "completed"))
        response = self.timed_out("/job/nobody?until=done&wait=300ms", 404)
        self.assertEqual(response.json()["type"], "urn:bide:problem:job-not-found")
        response = self.bide.curl("/job?id=row1b,nobody&until=done&wait=300ms")
        self.assertEqual((response.status, response["Bide-Outcome"], response.json()["missing"]),
                         (404, "timeout", ["nobody"]))

    def test_row_2_deleted_while_parked(self):
        job = self.new_job()
        curl = self.held(f"/job/{job}?until=done&wait=30s")
        self.bide.put((f"jobs.{job}", None))
        self.assertEqual(self.bide.finish(curl).status, 404)
        self.assertEqual(self.bide.curl(f"/job/{job}").status, 404)

    def test_row_3_no_validator(self):
        job = self.new_job("started")
        response = self.bide.curl(f"/job/{job}")
        self.assertEqual((response.status, response["Bide-Outcome"]), (200, "now"))
        self.assertEqual(response["Cache-Control"], "private, no-cache, no-transform")
        self.assertEqual(response["Vary"], "Accept, Prefer")
        self.assertEqual(response["Bide-Status"], "processing")
        self.assertEqual(response["Bide-Final"], "false")
        self.assertEqual(response["Bide-Waited"], "")
        response = self.bide.curl(f"/job/{job}?wait=30s")
        self.assertEqual((response.status, response["Bide-Outcome"]), (200, "now"))
        self.timed_out(f"/job/{job}?wait=300ms&until=done", 200)

    def test_row_4_no_tag_matches(self):
        job = self.new_job("started")
        for tag in ('"other"', '""', 'W/"x", "y"'):
            for target in (f"/job/{job}", f"/job/{job}?wait=30s"):
                self.assertEqual(self.bide.curl(target, "-H", f"If-None-Match: {tag}").status, 200)
        curl = self.held(f"/job/{job}?wait=30s&until=done", "-H", 'If-None-Match: "other"')
        self.bide.put(event(job, "completed", nano=9))
        self.assertEqual(self.bide.finish(curl).status, 200)

    def test_row_5_a_tag_matches(self):
        job = self.new_job("started")
        tag = self.etag(job)
        for value in (tag, "W/" + tag, f'"x", {tag}'):
            response = self.bide.curl(f"/job/{job}", "-H", f"If-None-Match: {value}")
            self.assertEqual((response.status, response["ETag"], response.body), (304, tag, b""))
            self.assertEqual(response["Content-Type"], "")
        response = self.bide.curl(f"/job/{job}?wait=300ms", "-H", f"If-None-Match: {tag}")
        self.assertEqual((response.status, response["Bide-Outcome"]), (304, "timeout"))
        curl = self.held(f"/job/{job}?wait=30s", "-H", f"If-None-Match: {tag}")
        self.bide.put(event(job, "completed", nano=9))
        response = self.bide.finish(curl)
        self.assertEqual((response.status, response["Bide-Outcome"]), (200, "changed"))
        self.assertEqual(response.json()["status"], "completed")

    def test_row_6_matches_until_done(self):
        job = self.new_job("acknowledged")
        tag = self.etag(job)
        response = self.bide.curl(f"/job/{job}?wait=300ms&until=done", "-H", f"If-None-Match: {tag}")
        self.assertEqual(response.status, 304)
        curl = self.held(f"/job/{job}?wait=1500ms&until=done", "-H", f"If-None-Match: {tag}")
        self.bide.put(event(job, "started", nano=8))
        response = self.bide.finish(curl)  # The tag moved, but the job is not done.
        self.assertEqual((response.status, response["Bide-Outcome"]), (200, "timeout"))
        curl = self.held(f"/job/{job}?wait=30s&until=done", "-H", f"If-None-Match: {tag}")
        self.bide.put(event(job, "completed", nano=9))
        response = self.bide.finish(curl)
        self.assertEqual((response.status, response["Bide-Outcome"]), (200, "done"))

    def test_row_7_matches_and_final(self):
        job = self.new_job("completed")
        tag = self.etag(job)
        for query in ("", "?wait=30s", "?wait=30s&until=done", "?wait=30s&until=failed"):
            response = self.bide.curl(f"/job/{job}{query}", "-H", f"If-None-Match: {tag}")
            self.assertEqual((response.status, response["Bide-Final"]), (304, "true"), query)

    def test_row_8_can_not_succeed(self):
        job = self.new_job("failed")
        self.assertEqual(self.bide.curl(f"/job/{job}?until=succeeded").status, 200)
        response = self.bide.curl(f"/job/{job}?until=succeeded&wait=30s")
        self.assertEqual(response.status, 409)
        self.assertEqual(response.json()["job"]["status"], "failed")
        job = "row8-later"
        self.bide.put(definition(job))
        curl = self.held(f"/job/{job}?until=succeeded&wait=30s")
        self.bide.put(event(job, "skipped"))
        self.assertEqual(self.bide.finish(curl).status, 409)

    def test_row_9_any_tag(self):
        job = self.new_job("started")
        for query in ("", "?wait=30s", "?wait=30s&until=done"):
            self.assertEqual(self.bide.curl(f"/job/{job}{query}", "-H", "If-None-Match: *").status, 304)

    def test_row_18_client_gone(self):
        job = self.new_job("started")
        gone = self.bide.metric("bide_clients_gone_total")
        parked = self.bide.metric("bide_parked")
        curl = self.held(f"/job/{job}?until=done&wait=30s")
        settled = time.monotonic() + 0.05  # A FIN right behind the request is a half-close.
        wait_until(lambda: time.monotonic() > settled, "50 ms")
        curl.kill()
        curl.communicate()
        self.bide.wait_metric("bide_parked", parked, patience_s=1)
        self.bide.wait_metric("bide_clients_gone_total", gone + 1, patience_s=1)

    def test_representations(self):
        job = self.new_job("started", "completed", operation={"type": "node.load.get"})
        whole = self.bide.curl(f"/job/{job}")
        self.assertEqual(whole["Content-Type"], "application/json")
        self.assertEqual(whole.json()["operation"], {"type": "node.load.get"})
        self.assertEqual(whole.json()["hostname"], "web-01")
        self.assertEqual([e["event"] for e in whole.json()["timeline"]], ["started", "completed"])
        text = self.bide.curl(f"/job/{job}", "-H", "Accept: text/plain")
        self.assertEqual(text.body, b"completed\n")
        self.assertNotEqual(text["ETag"], whole["ETag"])
        head = self.bide.get(f"/job/{job}", method="HEAD")
        self.assertEqual((head["ETag"], head["Content-Length"], head.body),
                         (whole["ETag"], str(len(whole.body)), b""))
        self.assertEqual(self.bide.curl(f"/job/{job}", "-H", "Accept: image/png").status, 406)

    def test_text_is_not_woken_by_what_does_not_change_the_word(self):
        job = self.new_job("acknowledged")
        accept = ("-H", "Accept: text/plain")
        tag = self.etag(job, *accept)
        curl = self.held(f"/job/{job}?wait=30s", *accept, "-H", f"If-None-Match: {tag}")
        self.bide.put(event(job, "started", nano=8), event(job, "completed", nano=9))
        self.assertEqual(self.bide.finish(curl).body, b"completed\n")

    def test_prefer(self):
        job = self.new_job("started")
        curl = self.held(f"/job/{job}?until=done", "-H", "Prefer: wait=30")
        self.bide.put(event(job, "completed", nano=9))
        self.assertEqual(self.bide.finish(curl)["Preference-Applied"], "wait=30")

    def test_wait_beyond_the_maximum_is_clamped_and_reported(self):
        job = self.new_job("completed")
        response = self.bide.curl(f"/job/{job}?until=done&wait=10m")
        self.assertEqual(response["Bide-Max-Wait"], "55.000")

    def test_expect_counts_agents(self):
        job = self.new_job("completed", subject="jobs.query._all")
        curl = self.held(f"/job/{job}?until=done&expect=2&wait=30s")
        self.bide.put(event(job, "failed", agent="web-02", nano=9))
        response = self.bide.finish(curl)
        self.assertEqual((response["Bide-Status"], response["Bide-Outcome"]), ("partial_failure", "done"))

    def test_bad_parameters(self):
        job = self.new_job("started")
        for query in ("wait=soon", "wait=-1s", "wait=1s&wait=2s", "until=never", "until=done&expect=x",
                      "expect=2", "until=done&until=change"):
            response = self.bide.curl(f"/job/{job}?{query}")
            self.assertEqual(response.status, 400, query)
            self.assertEqual(response["Content-Type"], "application/problem+json")
        self.assertIn("done, succeeded", self.bide.curl(f"/job/{job}?until=never").json()["detail"])
        self.assertEqual(self.bide.curl(f"/job/{job}", "-H", "If-None-Match: broken").status, 400)

    def test_methods_and_paths(self):
        response = self.bide.curl("/job/x", "-X", "POST", "-d", "{}")
        self.assertEqual((response.status, response["Allow"]), (405, "GET, HEAD, PUT, DELETE"))
        self.assertEqual(self.bide.curl("/job/x", "-X", "BREW").status, 501)
        for path in ("/jobs", "/job/", "/job/a/b", "/job%2Fa", "/nothing"):
            response = self.bide.curl(path)
            self.assertEqual((response.status, response.json()["type"]),
                             (404, "urn:bide:problem:not-found"), path)
        job = self.new_job("started")
        escaped = "".join(f"%{ord(byte):02X}" for byte in job)
        self.assertEqual(self.bide.curl(f"/%6aob/{escaped}")["ETag"], self.etag(job))
        for path in ("/livez", "/readyz", "/health", "/health/ready", "/metrics"):
            self.assertEqual(self.bide.curl(path).status, 200, path)


    def test_a_page_whose_name_is_rebound_reads_nothing(self):
        for path in ("/job/x", "/job/events", "/job/status/ws", "/metrics", "/livez"):
            response = self.bide.curl(path, "-H", "Host: evil.example")
            self.assertEqual(response.status, 421, path)
            self.assertIn("--allowed-host", response.json()["detail"])
        for host in ("localhost:1", "bide.localhost", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]"):
            self.assertEqual(self.bide.curl("/livez", "-H", f"Host: {host}").status, 200, host)
        self.assertEqual(self.bide.metric('bide_requests_rejected_total{status="421"}'), 5)
        with Bide("--access-log", "off", "--allowed-host", "jobs.example") as bide:
            self.assertEqual(bide.curl("/livez", "-H", "Host: Jobs.Example:8080").status, 200)
            self.assertEqual(bide.curl("/livez", "-H", "Host: evil.example").status, 421)


class Shedding(unittest.TestCase):
    def test_row_12_too_many_parked(self):
        with Bide("--access-log", "off", "--max-parked", "2") as bide:
            bide.put(definition("a"))
            curls = [bide.curl_later("/job/a?until=done&wait=30s") for _ in range(2)]
            bide.wait_metric("bide_parked", 2)
            response = bide.curl("/job/a?until=done&wait=30s")
            self.assertEqual((response.status, response["Bide-Outcome"]), (200, "shed"))
            self.assertNotEqual(response["Retry-After"], "")
            bide.put(event("a", "completed"))
            for curl in curls:
                self.assertEqual(bide.finish(curl)["Bide-Outcome"], "done")

    def test_row_14_draining(self):
        with Bide("--access-log", "off") as bide:
            bide.put(definition("a"))
            curl = bide.curl_later("/job/a?until=done&wait=30s")
            bide.wait_metric("bide_parked", 1)
            self.assertEqual(bide.terminate(), 0)
            response = bide.finish(curl)
            self.assertEqual((response.status, response["Bide-Outcome"]), (200, "drain"))
            self.assertEqual(response["Connection"], "close")


class UnreadyBide(Bide):
    """Without NATS there is no readiness to wait for."""

    def wait_ready(self):
        wait_until(lambda: self.get("/livez").status == 200, "bide lives")


class NatsAway(unittest.TestCase):
    def test_rows_15_to_17(self):
        with Bide("--access-log", "off", "--max-stale", "2s") as bide:
            bide.put(definition("open"), event("open", "started"), definition("over"),
                     event("over", "completed"))
            nats = bide.nats_pid()
            os.kill(nats, signal.SIGSTOP)
            try:
                # 15: not away for long.
                self.assertEqual(bide.curl("/job/open").status, 200)
                curl = bide.curl_later("/job/open?until=done&wait=4s")
                bide.wait_metric("bide_parked", 1)
                # 16: away for longer.
                wait_until(lambda: bide.curl("/readyz?fresh").status == 503, "bide is not fresh", 10)
                self.assertEqual(bide.curl("/readyz").status, 200)
                response = bide.curl("/job/open")
                self.assertEqual(response.status, 503)
                self.assertEqual((response["Retry-After"], response["Bide-Outcome"]), ("1", "stale"))
                self.assertEqual(bide.curl("/job/over").status, 200)
                stale = bide.curl("/job/open", "-H", "Cache-Control: max-stale")
                self.assertEqual(stale.status, 200)
                self.assertEqual(bide.finish(curl).status, 503)
                # 17: not in memory.
                response = bide.curl("/job/nobody")
                self.assertEqual((response.status, response["Bide-Outcome"]), (503, "stale"))
                self.assertEqual(bide.curl("/job/nobody?until=exists&wait=30s").status, 503)
            finally:
                os.kill(nats, signal.SIGCONT)
            wait_until(lambda: bide.curl("/job/open").status == 200, "bide is fresh again", 30)
            self.assertEqual(bide.curl("/job/nobody").status, 404)

    def test_row_17_first_read_not_finished(self):
        with UnreadyBide("--access-log", "off", "--nats", "nats://127.0.0.1:1") as bide:
            self.assertEqual(bide.curl("/job/a").status, 503)
            self.assertEqual(bide.curl("/job/a?wait=30s&until=exists").status, 503)
            self.assertEqual(bide.curl("/readyz").status, 503)


if __name__ == "__main__":
    unittest.main()
