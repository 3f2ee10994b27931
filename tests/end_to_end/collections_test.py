"""The statistics, the list, sets of jobs, and the feed of all jobs, asked by curl."""
import json
import time
import unittest

from harness import Bide, definition, event


class Collections(unittest.TestCase):
    def setUp(self):
        self.bide = Bide("--access-log", "off", "--stats-interval", "250ms").start()
        self.addCleanup(self.bide.__exit__)

    def held(self, target, *arguments):
        before = self.bide.metric("bide_parked")
        curl = self.bide.curl_later(target, *arguments)
        self.bide.wait_metric("bide_parked", before + 1)
        return curl

    def held_on(self, target, tag):
        return self.held(target, "-H", f"If-None-Match: {tag}")

    def test_statistics_count_and_wake(self):
        empty = self.bide.curl("/job/status")
        self.assertEqual(empty.json(), {"total_jobs": 0, "status_counts": {
            "submitted": 0, "processing": 0, "completed": 0, "failed": 0, "skipped": 0,
            "partial_failure": 0}})
        for name in ("Bide-Status", "Bide-Final"):
            self.assertEqual(empty[name], "")
        self.assertEqual(empty["Cache-Control"], "private, no-cache, no-transform")
        unchanged = self.bide.curl("/job/status", "-H", f"If-None-Match: {empty['ETag']}")
        self.assertEqual((unchanged.status, unchanged["ETag"]), (304, empty["ETag"]))
        timed_out = self.bide.curl("/job/status?wait=300ms", "-H", f"If-None-Match: {empty['ETag']}")
        self.assertEqual((timed_out.status, timed_out["Bide-Outcome"]), (304, "timeout"))

        curl = self.held_on("/job/status?wait=30s", empty["ETag"])
        self.bide.put(definition("a"), event("a", "started", nano=1))
        news = self.bide.finish(curl)
        self.assertEqual((news.status, news["Bide-Outcome"]), (200, "changed"))
        self.assertGreater(float(news["Bide-Waited"]), 0)

    def test_a_304_carries_the_tag_that_the_client_holds(self):
        """Its revision may be older than the latest change, which this page does not show."""
        self.bide.put(definition("a"))
        page = self.bide.curl("/job?status=failed")
        self.bide.put(event("a", "started", nano=1), event("a", "completed", nano=2))
        statistics = self.bide.curl("/job/status")
        self.bide.put(event("a", "started", agent="late", nano=3))
        same = self.bide.curl("/job/status", "-H", f"If-None-Match: \"other\", W/{statistics['ETag']}")
        self.assertEqual((same.status, same["ETag"]), (304, statistics["ETag"]))
        self.assertEqual(self.bide.curl("/job?status=failed", "-H", f"If-None-Match: {page['ETag']}").status,
                         200)  # Its counts are others now.

    def test_a_busy_queue_is_told_at_most_every_interval(self):
        answers = 5
        self.bide.put(*[definition(f"j{n}") for n in range(answers)])
        tag = self.bide.curl("/job/status")["ETag"]
        begin = time.monotonic()
        for n in range(answers):
            curl = self.held_on("/job/status?wait=10s", tag)
            self.bide.put(event(f"j{n}", "completed", nano=n + 1))
            answer = self.bide.finish(curl)
            self.assertEqual(answer.json()["status_counts"]["completed"], n + 1)
            tag = answer["ETag"]
        self.assertGreaterEqual(time.monotonic() - begin, (answers - 1) * 0.25 * 0.9)

    def test_the_list_newest_first_filtered_and_paged(self):
        for n in range(12):
            self.bide.put(definition(f"j{n}", created=f"2026-01-01T00:00:{n:02}Z"))
        self.bide.put(event("j3", "failed", nano=1), event("j7", "failed", nano=2))
        page = self.bide.curl("/job").json()
        self.assertEqual(page["total_items"], 12)
        self.assertEqual(page["status_counts"]["failed"], 2)
        self.assertEqual([job["id"] for job in page["items"]], [f"j{n}" for n in range(11, 1, -1)])
        page = self.bide.curl("/job?limit=3&offset=10").json()
        self.assertEqual([job["id"] for job in page["items"]], ["j1", "j0"])
        page = self.bide.curl("/job?status=failed&limit=1")
        self.assertEqual(page.json()["total_items"], 2)
        self.assertEqual(page.json()["items"], [self.bide.curl("/job/j7").json()])
        curl = self.held_on("/job?status=failed&limit=1&wait=30s", page["ETag"])
        self.bide.put(event("j9", "failed", nano=3))
        self.assertEqual(self.bide.finish(curl).json()["items"][0]["id"], "j9")
        self.assertEqual(self.bide.curl("/job?offset=100").json()["items"], [])

    def test_a_set_waits_for_all_or_any(self):
        self.bide.put(definition("a"), definition("b"), definition("c"))
        everything = self.held("/job?id=c&id=a&id=b&until=done&wait=30s")
        any_of = self.held("/job?id=a&id=b&until=succeeded&match=any&wait=30s")
        self.bide.put(event("a", "failed", nano=1))
        self.bide.put(event("b", "completed", nano=2))
        answer = self.bide.finish(any_of)
        self.assertEqual((answer.status, answer["Bide-Outcome"]), (200, "done"))
        self.assertIsNone(everything.poll())
        self.bide.put(event("c", "completed", nano=3))
        answer = self.bide.finish(everything)
        self.assertEqual([job["id"] for job in answer.json()["items"]], ["c", "a", "b"])
        self.assertEqual((answer["Bide-Status"], answer["Bide-Final"]), ("partial_failure", "true"))
        again = self.bide.curl("/job?id=c&id=a&id=b&wait=30s", "-H", f"If-None-Match: {answer['ETag']}")
        self.assertEqual(again.status, 304)  # Final: nothing to wait for.

    def test_a_set_that_changes_cannot_succeed_or_loses_a_job(self):
        self.bide.put(definition("a"), definition("b"))
        tag = self.bide.curl("/job?id=a&id=b")["ETag"]
        changed = self.held_on("/job?id=a&id=b&wait=30s", tag)
        all_well = self.held("/job?id=a&id=b&until=succeeded&wait=30s")
        self.bide.put(event("b", "failed", nano=1))
        self.assertEqual(self.bide.finish(changed)["Bide-Outcome"], "changed")
        failed = self.bide.finish(all_well)
        self.assertEqual((failed.status, failed.json()["type"]),
                         (409, "urn:bide:problem:job-did-not-succeed"))
        self.assertEqual([job["status"] for job in failed.json()["jobs"]["items"]],
                         ["submitted", "failed"])
        waiting = self.held("/job?id=a&id=b&until=done&wait=30s")
        self.bide.put(("jobs.a", None))
        gone = self.bide.finish(waiting)
        self.assertEqual((gone.status, gone.json()["missing"]), (404, ["a"]))

    def test_bad_requests_say_what_is_wrong(self):
        self.bide.put(definition("a"))
        many = "&".join(f"id=n{n}" for n in range(257))
        for target, status, words in (
                ("/job?limit=0", 400, "limit is a number from 1 to 100"),
                ("/job?limit=101", 400, "limit is a number from 1 to 100"),
                ("/job?offset=-1", 400, "offset is a number"),
                ("/job?status=done", 400, "status is one of"),
                ("/job?until=done", 400, "until is change here"),
                ("/job/status?until=done", 400, "until is change here"),
                ("/job/status?wait=soon", 400, "wait is a duration"),
                ("/job?id=a&limit=3", 400, "limit is for the list"),
                ("/job?id=a&until=exists", 400, "change, done or succeeded"),
                ("/job?id=a&until=done&expect=2", 400, "expect is for a single job"),
                ("/job?id=a&until=done&match=some", 400, "match is all or any"),
                ("/job?id=a&id=b.c", 400, "id is not a job's"),
                ("/job?id=", 400, "an id is empty"),
                ("/job?id=a,,b", 400, "an id is empty"),
                ("/job?id=a&mtach=any", 400, "the nearest known one is `match`"),
                ("/job/status?until=change&wiat=1s", 400, "the nearest known one is `wait`"),
                ("/job?match=any", 400, "match is for named jobs"),
                ("/job/status/events?until=done", 400, "this one has no end"),
                ("/job/events?until=done&expect=2", 400, "this one has no end"),
                ("/job/status/", 404, "no such resource"),
                ("/job/events/ws", 404, "no such resource"),
                ("/job/", 404, "no such resource"),
                ("/jobs", 404, "no such resource")):
            problem = self.bide.curl(target)
            self.assertEqual(problem.status, status, target)
            self.assertIn(words, problem.json()["detail"], target)
        self.assertEqual(self.bide.curl(f"/job?{many}").status, 400)
        for target in ("/job", "/job/status", "/job/events", "/job?id=a"):
            refused = self.bide.curl(target, "-X", "DELETE")
            allowed = "GET, HEAD, POST" if target.split("?")[0] == "/job" else "GET, HEAD"
            self.assertEqual((refused.status, refused["Allow"]), (405, allowed), target)
        self.assertEqual(self.bide.curl("/job", "-H", "Accept: text/plain").status, 406)
        self.assertEqual(self.bide.curl("/job", "-H", "Accept: text/plain, */*;q=0.1").status, 200)

    def test_head_is_get_without_the_body(self):
        self.bide.put(definition("a"))
        for target in ("/job", "/job/status", "/job?id=a"):
            get = self.bide.curl(target)
            head = self.bide.get(target, method="HEAD")
            self.assertEqual((head.status, head.body), (200, b""))
            for name in ("ETag", "Content-Length", "Content-Type", "Vary"):
                self.assertEqual(head[name], get[name], (target, name))

    def test_the_feed_goes_on_where_a_client_or_a_list_left_off(self):
        self.bide.put(definition("old"), event("old", "completed", nano=1))
        tag = self.bide.curl("/job")["ETag"].strip('"')
        self.bide.put(definition("a"), event("a", "started", nano=2), definition("b"))
        self.bide.put(event("a", "completed", nano=3))
        told = self.feed(f"/job/events?last_event_id={tag}", 2)
        self.assertEqual([(job["id"], job["status"]) for _, job in told],
                         [("b", "submitted"), ("a", "completed")])
        self.assertEqual(self.feed(f"/job/events?last_event_id={told[0][0]}", 1), told[1:])

    def test_the_feed_begins_now_and_tells_what_comes(self):
        self.bide.put(definition("old"))
        curl = self.held("/job/events", "-N", "--max-time", "2")
        self.bide.put(definition("new"))
        out, _ = curl.communicate(timeout=10)
        self.assertEqual([job["id"] for _, job in self.records(out)], ["new"])

    def feed(self, target, records):
        """What the feed tells within half a second; `records` of them, no more."""
        out, _ = self.bide.curl_later(target, "-N", "--max-time", "0.5").communicate(timeout=10)
        told = self.records(out)
        self.assertEqual(len(told), records, out)
        return told

    @staticmethod
    def records(out):
        blocks = [dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
                  for block in out.decode().replace("\r\n", "\n").split("\n\n")]
        return [(block["id"], json.loads(block["data"])) for block in blocks
                if block.get("event") == "job"]


if __name__ == "__main__":
    unittest.main()
