"""The npm packages eventsource and ws as clients: they get every state, and come back by themselves."""
import signal
import unittest

from harness import Bide, definition, event
from streams import Script, is_rising


class NodeClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()
        cls.bide.listen_port = cls.bide.port

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def run_script(self, name, *arguments):
        script = Script(name, *arguments)
        self.addCleanup(script.close)
        return script


class EventSource(NodeClients):
    def watch(self, job):
        return self.run_script("eventsource.mjs", f"{self.bide.url}/job/{job}/events")

    def check_told(self, script, statuses):
        told = [record["data"] for record in script.records()]
        self.assertEqual([data["status"] for data in told], statuses)
        self.assertTrue(is_rising([data["revision"] for data in told]), told)

    def test_comes_back_after_restarts_and_a_kill_of_nats_and_ends_by_itself(self):
        self.bide.put(definition("es", expected_agents=["web-01", "web-02"]))
        script = self.watch("es")
        script.wait_for(event="job")
        self.bide.put(event("es", "acknowledged"))
        script.wait_for(event="job")

        self.assertEqual(self.bide.terminate(), 0)
        script.wait_for(said="reconnecting")
        self.bide.forget_worker()
        self.bide.start()
        self.bide.put(event("es", "started"))
        script.wait_for(event="job")

        self.bide.kill()
        script.wait_for(said="reconnecting")
        self.bide.forget_worker()
        self.bide.start()
        self.bide.put(event("es", "started", agent="web-02"))
        script.wait_for(event="job")

        self.bide.restart_nats()
        self.bide.put(event("es", "completed"))
        script.wait_for(event="job")
        self.bide.put(event("es", "completed", agent="web-02"))
        script.wait_for(event="end")
        script.wait_for(said="over", code=204)
        self.assertEqual(script.process.wait(10), 0)
        self.check_told(script, ["submitted", *["processing"] * 3, "processing", "completed"])

    def test_unknown_job_is_given_up(self):
        self.watch("nobody").wait_for(said="over", code=404)


class WebSocket(NodeClients):
    def watch(self, path, *protocols):
        return self.run_script("websocket.mjs", f"ws://127.0.0.1:{self.bide.port}{path}", self.bide.url, *protocols)

    def open(self, job):
        self.bide.put(definition(job))
        script = self.watch(f"/job/{job}/ws")
        script.wait_for(event="job")
        return script

    def test_a_job_to_its_end(self):
        self.bide.put(definition("ws"))
        script = self.watch("/job/ws/ws", "bide.v1", "other")
        self.assertEqual(script.wait_for(said="connected")["protocol"], "bide.v1")
        self.assertEqual(script.wait_for(event="hello")["data"], {"heartbeat_seconds": 25})
        script.wait_for(event="job")
        self.bide.put(event("ws", "started"))
        script.wait_for(event="job")
        self.bide.put(event("ws", "completed"))
        last = script.wait_for(event="job")
        self.assertEqual(script.wait_for(event="end")["data"], {"status": "completed", "final": True})
        script.wait_for(said="closed", code=1000)
        now = self.bide.curl("/job/ws")
        self.assertEqual((now["ETag"], now.json()), (f'"{last["id"]}"', last["data"]))
        self.assertFalse(any(line.get("binary") for line in script.said))

        again = self.watch(f"/job/ws/ws?last_event_id={last['id']}")
        again.wait_for(said="closed", code=1000)
        self.assertEqual([line["event"] for line in again.said if "event" in line], ["hello", "end"])

    def test_pings_are_answered(self):
        script = self.open("pinged")
        script.tell(ping="are you there?")
        script.wait_for(said="pong", text="are you there?")
        script.tell(close=1000)
        script.wait_for(said="closed", code=1000)

    def test_a_token_is_taken_and_ignored(self):
        script = self.open("token")
        script.tell(send='{"auth":"a token"}')
        self.bide.put(event("token", "started"))
        self.assertEqual(script.wait_for(event="job")["data"]["status"], "processing")

    def test_messages_that_bide_does_not_know(self):
        script = self.open("unknown")
        script.tell(send="hello")
        script.wait_for(said="closed", code=1008)

    def test_messages_over_64_kib(self):
        script = self.open("large")
        script.tell(bytes=64 * 1024 + 1)
        script.wait_for(said="closed", code=1009)

    def test_drain(self):
        script = self.open("drained")
        self.bide.process.send_signal(signal.SIGTERM)
        script.wait_for(said="closed", code=1001)
        self.assertEqual(self.bide.process.wait(20), 0)
        self.bide.forget_worker()
        self.bide.start()

    def test_a_deleted_job(self):
        script = self.open("doomed")
        self.bide.worker().put(("jobs.doomed", None))
        self.assertEqual(script.wait_for(event="gone")["data"], {"id": "doomed"})
        script.wait_for(said="closed", code=1000)

    def test_unknown_job_is_refused_before_the_upgrade(self):
        self.watch("/job/nobody/ws").wait_for(said="refused", status=404)

    def test_the_queue_in_numbers(self):
        script = self.watch("/job/status/ws")
        total = script.wait_for(event="status")["data"]["total_jobs"]
        self.bide.put(definition("counted"))
        while script.wait_for(event="status")["data"]["total_jobs"] != total + 1:
            pass


if __name__ == "__main__":
    unittest.main()
