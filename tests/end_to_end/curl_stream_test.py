"""Server-sent events as `curl -N` sees them: order, end, resuming, HTTP/1.0, and a slow reader."""
import signal
import unittest

from harness import Bide, definition, event
from streams import CurlStream, is_rising


class CurlStreams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def stream(self, target, *arguments):
        stream = CurlStream(self.bide.url + target, *arguments)
        self.addCleanup(stream.close)
        return stream

    def test_a_job_from_its_definition_to_its_end(self):
        self.bide.put(definition("tale"))
        stream = self.stream("/job/tale/events")
        self.assertEqual(
            [stream.head[name] for name in ("Content-Type", "Cache-Control", "X-Accel-Buffering",
                                            "Transfer-Encoding")],
            ["text/event-stream; charset=utf-8", "no-store, no-transform", "no", "chunked"])
        self.assertEqual(stream.next("hello").data, {"heartbeat_seconds": 15})
        self.assertEqual(stream.parser.retry, 2000)
        told = [stream.next("job")]
        for kind in ("acknowledged", "started", "completed"):
            self.bide.put(event("tale", kind))
            told.append(stream.next("job"))
        self.assertEqual([record.data["status"] for record in told],
                         ["submitted", "processing", "processing", "completed"])
        self.assertTrue(is_rising([record.data["revision"] for record in told]))
        self.assertEqual(stream.next("end").data, {"status": "completed", "final": True})
        self.assertIsNone(stream.next())

        now = self.bide.curl("/job/tale")
        self.assertEqual((now["ETag"], now.json()), (f'"{told[-1].id}"', told[-1].data))
        again = self.stream("/job/tale/events", "-H", f"Last-Event-ID: {told[-1].id}")
        self.assertEqual(again.head.status, 204)
        by_query = self.stream(f"/job/tale/events?last_event_id={told[-1].id}")
        self.assertEqual(by_query.head.status, 204)

    def test_resumes_behind_the_last_event_id(self):
        self.bide.put(definition("resumed"), event("resumed", "acknowledged"))
        first = self.stream("/job/resumed/events")
        first.next("hello")
        known = first.next("job")
        first.close()
        again = self.stream("/job/resumed/events", "-H", f"Last-Event-ID: {known.id}")
        again.next("hello")
        self.bide.put(event("resumed", "started"))
        news = again.next("job")
        self.assertGreater(news.data["revision"], known.data["revision"])
        foreign = self.stream("/job/resumed/events", "-H", "Last-Event-ID: of-another-server")
        foreign.next("hello")
        self.assertEqual(foreign.next("job").id, news.id)

    def test_http_1_0_ends_with_the_connection(self):
        self.bide.put(definition("old"), event("old", "started"))
        stream = self.stream("/job/old/events", "--http1.0")
        self.assertEqual(stream.head["Transfer-Encoding"], "")
        stream.next("hello")
        stream.next("job")
        self.bide.put(event("old", "failed"))
        self.assertEqual([record.event for record in stream.rest()], ["job", "end"])

    def test_until_ends_a_stream_before_the_job_is_final(self):
        self.bide.put(definition("agents", expected_agents=["a", "b"]))
        stream = self.stream("/job/agents/events?until=processing")
        stream.next("hello")
        stream.next("job")
        self.bide.put(event("agents", "started", agent="a"))
        told = stream.rest()
        self.assertEqual([record.event for record in told], ["job", "end"])
        self.assertEqual(told[-1].data, {"status": "processing", "final": False})

    def test_unknown_and_deleted_jobs(self):
        unknown = self.stream("/job/nobody/events")
        self.assertEqual((unknown.head.status, unknown.head["Content-Type"]),
                         (404, "application/problem+json"))
        self.bide.put(definition("doomed"))
        stream = self.stream("/job/doomed/events")
        stream.next("hello")
        stream.next("job")
        self.bide.worker().put(("jobs.doomed", None))
        self.assertEqual(stream.next("gone").data, {"id": "doomed"})
        self.assertIsNone(stream.next())

    def test_a_slow_reader_misses_what_was_overtaken_and_nothing_else(self):
        bulk = "x" * 900_000  # Some of these fill all buffers between bide and a stopped curl.
        self.bide.put(definition("bulky", operation={"text": bulk}, subject="jobs.modify._all"))
        stream = self.stream("/job/bulky/events")
        stream.next("hello")
        stream.next("job")
        stream.process.send_signal(signal.SIGSTOP)
        written = 40
        for n in range(written):
            self.bide.put(event("bulky", "started", agent=f"web-{n:02}"))
        self.bide.put(event("bulky", "acknowledged", agent="last"))
        stream.process.send_signal(signal.SIGCONT)
        told = []
        while not told or "last" not in told[-1]["agent_states"]:
            told.append(stream.next("job").data)
        self.assertLess(len(told), written)
        self.assertTrue(is_rising([data["revision"] for data in told]))

    def test_the_queue_in_numbers(self):
        stream = self.stream("/job/status/events")
        stream.next("hello")
        before = stream.next("status").data
        self.bide.put(definition("counted"), event("counted", "failed"))
        wanted = {"total_jobs": before["total_jobs"] + 1,
                  "failed": before["status_counts"]["failed"] + 1}
        while True:
            now = stream.next("status").data
            if {"total_jobs": now["total_jobs"], "failed": now["status_counts"]["failed"]} == wanted:
                break

    def test_all_jobs(self):
        stream = self.stream("/job/events")
        stream.next("hello")
        self.bide.put(definition("all-1"))
        first = stream.next("job")
        self.assertEqual(first.data["id"], "all-1")
        stream.close()
        self.bide.put(definition("all-2"), event("all-1", "started"), definition("all-3"),
                      event("all-2", "completed"))
        again = self.stream("/job/events", "-H", f"Last-Event-ID: {first.id}")
        again.next("hello")
        told = [again.next("job").data for _ in range(3)]
        self.assertEqual([data["id"] for data in told], ["all-1", "all-3", "all-2"])
        self.assertTrue(is_rising([data["revision"] for data in told]))


if __name__ == "__main__":
    unittest.main()
