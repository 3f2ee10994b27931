"""Labels: what workers write in definitions, and what clients select by it, asked by curl."""
import json
import re
import unittest

from harness import Bide, definition, event, wait_until


class Labels(unittest.TestCase):
    def setUp(self):
        self.bide = Bide("--access-log", "off", "--stats-interval", "50ms").start()
        self.addCleanup(self.bide.__exit__)

    def job(self, name, **labels):
        return definition(name, labels=labels)

    def ids(self, target):
        return [job["id"] for job in self.bide.curl(target).json()["items"]]

    def held(self, target, *arguments):
        before = self.bide.metric("bide_parked")
        curl = self.bide.curl_later(target, *arguments)
        self.bide.wait_metric("bide_parked", before + 1)
        return curl

    def test_a_job_shows_its_labels_and_is_listed_by_them(self):
        self.bide.put(self.job("a", release="42", team="ci"), self.job("b", release="42", team="web"),
                      self.job("c", release="43", team="ci"), definition("d"),
                      self.job("e", **{"a/b.c": "grün & gut"}))
        self.assertEqual(self.bide.curl("/job/a").json()["labels"], {"release": "42", "team": "ci"})
        self.assertNotIn("labels", self.bide.curl("/job/d").json())
        self.bide.put(event("a", "failed", nano=1))
        self.assertEqual(self.ids("/job?label=release=42"), ["b", "a"])
        self.assertEqual(self.ids("/job?label=release=42&label=team=ci"), ["a"])
        self.assertEqual(self.ids("/job?label=release=42&status=submitted"), ["b"])
        self.assertEqual(self.ids("/job?label=team=none"), [])
        self.assertEqual(self.ids("/job?label=a/b.c=gr%C3%BCn+%26+gut"), ["e"])
        page = self.bide.curl("/job?label=team=ci&limit=1").json()
        self.assertEqual((page["total_items"], page["status_counts"]["failed"]), (2, 1))
        self.assertEqual([job["id"] for job in page["items"]], ["c"])
        counts = self.bide.curl("/job/status?label=team=ci&label=release=42").json()
        self.assertEqual((counts["total_jobs"], counts["status_counts"]["failed"]), (1, 1))

    def test_a_held_page_wakes_for_its_labels(self):
        self.bide.put(self.job("a", team="ci"), self.job("b", team="web"))
        page = self.bide.curl("/job?label=team=ci")
        numbers = self.bide.curl("/job/status?label=team=ci")
        same = self.bide.curl("/job?label=team=ci", "-H", f"If-None-Match: {page['ETag']}")
        self.assertEqual(same.status, 304)
        held = self.held("/job?label=team=ci&wait=30s", "-H", f"If-None-Match: {page['ETag']}")
        counts = self.held("/job/status?label=team=ci&wait=30s", "-H", f"If-None-Match: {numbers['ETag']}")
        self.bide.put(event("b", "started", nano=1))  # It is on neither.
        self.bide.put(event("a", "started", nano=2))
        answer = self.bide.finish(held)
        self.assertEqual((answer.status, answer["Bide-Outcome"]), (200, "changed"))
        self.assertEqual(answer.json()["items"][0]["status"], "processing")
        self.assertEqual(self.bide.finish(counts).json()["status_counts"]["processing"], 1)

    def test_every_job_is_on_one_page_while_jobs_are_added(self):
        for query in ("", "&label=team=ci", "&q=old", "&status=submitted", "&label=team=ci&q=ld"):
            names = [f"old{query.count('=')}-{len(query)}-{n}" for n in range(10)]
            self.bide.put(*(self.job(name, team="ci") for name in names))
            seen, target = [], f"/job?limit=4{query}"
            while target:
                page = self.bide.curl(target)
                seen += [job["id"] for job in page.json()["items"]]
                self.bide.put(self.job(f"new-{len(seen)}-{len(query)}-old", team="ci"))
                link = re.fullmatch(r'<(\?[^>]+)>; rel="next"', page["Link"])
                self.assertEqual(bool(link), "next" in page.json())
                if link:
                    self.assertIn(f"cursor={page.json()['next']}", link[1])
                target = link and "/job" + link[1]
            self.assertEqual([name for name in seen if name in names], names[::-1], query)
            self.assertEqual(len(seen), len(set(seen)), query)

    def test_a_part_of_an_id_finds_it(self):
        self.bide.put(self.job("build-7-linux", team="ci"), self.job("build-8-linux"), definition("test-7"))
        self.assertEqual(self.ids("/job?q=linux"), ["build-8-linux", "build-7-linux"])
        self.assertEqual(self.ids("/job?q=-7"), ["test-7", "build-7-linux"])
        self.assertEqual(self.ids("/job?q=-7&label=team=ci"), ["build-7-linux"])
        self.assertEqual(self.bide.curl("/job?q=-7").json()["total_items"], 2)
        self.assertEqual(self.ids("/job?q=Linux"), [])

    def test_one_request_waits_for_a_whole_release(self):
        self.bide.put(self.job("a", release="42"), self.job("b", release="42"), self.job("x", release="41"))
        done = self.held("/job?label=release=42&until=done&wait=30s")
        first = self.held("/job?label=release=42&until=done&match=any&wait=30s")
        failed = self.held("/job?label=release=42&until=succeeded&wait=30s")
        self.bide.put(event("x", "failed", nano=1), event("a", "completed", nano=2))
        self.assertEqual(self.bide.finish(first)["Bide-Outcome"], "done")
        self.bide.put(self.job("c", release="42"))  # It comes while the others wait.
        self.bide.put(event("b", "completed", nano=3))
        self.assertIsNone(done.poll())
        self.bide.put(event("c", "failed", nano=4))
        answer = self.bide.finish(done)
        self.assertEqual((answer.status, answer["Bide-Status"], answer["Bide-Final"]),
                         (200, "partial_failure", "true"))
        self.assertEqual([job["id"] for job in answer.json()["items"]], ["c", "b", "a"])
        self.assertEqual((self.bide.finish(failed).status, failed.returncode), (409, 0))
        again = self.bide.curl("/job?label=release=42&until=done&wait=30s", "-H",
                               f"If-None-Match: {answer['ETag']}")
        self.assertEqual(again.status, 304)

    def test_a_release_without_jobs_is_waited_for_or_not(self):
        waiting = self.held("/job?label=release=42&until=done&wait=30s")
        at_once = self.bide.curl("/job?label=release=42&until=done&wait=30s&missing=fail")
        self.assertEqual((at_once.status, at_once.json()["type"]), (404, "urn:bide:problem:job-not-found"))
        self.assertEqual(self.bide.curl("/job?label=release=42&until=done").status, 404)
        self.assertEqual(self.bide.curl("/job?label=release=42&until=done&wait=200ms").status, 404)
        self.bide.put(self.job("a", release="42"))
        self.assertIsNone(waiting.poll())
        self.bide.put(event("a", "completed", nano=1))
        self.assertEqual(self.bide.finish(waiting).json()["items"][0]["id"], "a")

    def test_a_selection_of_too_many_jobs_says_so(self):
        self.bide.put(*(self.job(f"j{n}", release="42") for n in range(257)))
        for wait in ("", "&wait=10s"):
            answer = self.bide.curl(f"/job?label=release=42&until=done{wait}")
            self.assertEqual((answer.status, answer.json()["type"]),
                             (422, "urn:bide:problem:selection-too-large"))
        self.assertEqual(self.bide.curl("/job?label=release=42").json()["total_items"], 257)

    def test_the_feed_tells_only_the_selected_jobs(self):
        self.bide.put(self.job("old", team="ci"))
        curl = self.held("/job/events?label=team=ci&label=arch=arm64", "-N", "--max-time", "2")
        self.bide.put(self.job("no", team="ci"), self.job("yes", team="ci", arch="arm64"),
                      self.job("neither", arch="arm64"), event("old", "completed", nano=1))
        out, _ = curl.communicate(timeout=10)
        self.assertEqual(re.findall(rb'data: \{"id":"([^"]*)"', out), [b"yes"])

    def test_statistics_of_a_label_are_streamed(self):
        self.bide.put(self.job("a", team="ci"), definition("b"))
        out, _ = self.bide.curl_later("/job/status/events?label=team=ci", "-N", "--max-time",
                                      "0.5").communicate(timeout=10)
        told = [json.loads(data) for data in re.findall(rb'data: (\{"total_jobs".*)', out)]
        self.assertEqual([numbers["total_jobs"] for numbers in told], [1])

    def test_labels_outside_the_limits_are_rejected_and_counted(self):
        reason = 'bide_entries_rejected_total{reason="labels"}'
        bad = [{"Team": "ci"}, {"team": 5}, {"team": "x" * 129}, {f"n{n}": "v" for n in range(17)}, ["team"]]
        self.bide.worker().put(*(definition(f"bad{n}", labels=labels) for n, labels in enumerate(bad)))
        wait_until(lambda: self.bide.metric(reason) == len(bad), "all are rejected")
        self.bide.put(self.job("good", **{f"n{n}": "x" * 128 for n in range(16)}))
        self.assertEqual(self.bide.curl("/job").json()["total_items"], 1)

    def test_a_job_that_is_put_by_http_has_its_labels(self):
        def put(name, labels):
            return self.bide.curl(f"/job/{name}", "-X", "PUT", "-H", "Content-Type: application/json",
                                  "-d", json.dumps({"labels": labels}))
        self.assertEqual(put("a", {"team": "ci"}).status, 201)
        self.assertEqual(self.ids("/job?label=team=ci"), ["a"])
        self.assertEqual(put("a", {"team": "ci"}).status, 200)
        self.assertEqual(put("a", {"team": "web"}).status, 409)  # Another definition.
        refused = put("b", {"Team": "ci"})
        self.assertEqual(refused.status, 400)
        self.assertIn("labels: expected names", refused.json()["detail"])

    def test_bad_requests_say_what_is_wrong(self):
        for target, words in (
                ("/job?label=team", "label is name=value"),
                ("/job?label=Team=ci", "label is name=value, with"),
                ("/job?label=team=%FF", "UTF-8"),
                ("/job?" + "&".join(f"label=n{n}=v" for n in range(17)), "at most 16 labels"),
                ("/job?label=a=b&until=exists&wait=1s", "change, done or succeeded"),
                ("/job?label=a=b&until=done&limit=3", "limit is for the list"),
                ("/job?label=a=b&id=x", "a request with id has none"),
                ("/job?label=a=b&until=done&missing=maybe", "missing is wait or fail"),
                ("/job?label=a=b&match=any", "match is for named jobs"),
                ("/job?q=", "q is a part of an id"),
                ("/job?q=a.b", "q is a part of an id"),
                ("/job?cursor=x", "cursor is not"),
                ("/job?cursor=5&offset=1", "a request with cursor has none"),
                ("/job?lable=a=b", "the nearest known one is `label`"),
                ("/job/status?q=a", "unknown parameter"),
                ("/job/events?label=a", "label is name=value")):
            problem = self.bide.curl(target)
            self.assertEqual(problem.status, 400, target)
            self.assertIn(words, problem.json()["detail"], target)


if __name__ == "__main__":
    unittest.main()
