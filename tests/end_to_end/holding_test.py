"""What is held, what wakes it, and what it is answered: beyond the rows of the table."""
import base64
import json
import socket
import struct
import unittest

from harness import Bide, definition, event, receive_all, wait_until


class Holding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off", "--wait-jitter", "0").start()

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def held(self, target, *arguments):
        before = self.bide.metric("bide_requests_parked_total")
        curl = self.bide.curl_later(target, *arguments)
        wait_until(lambda: self.bide.metric("bide_requests_parked_total") > before, "parked")
        return curl

    def test_row_6_an_intermediate_change_does_not_wake(self):
        self.bide.put(definition("mid"), event("mid", "acknowledged"))
        tag = self.bide.curl("/job/mid")["ETag"]
        parked = self.bide.metric("bide_parked")
        curl = self.held("/job/mid?wait=30s&until=done", "-H", f"If-None-Match: {tag}")
        self.bide.put(event("mid", "started", nano=2))
        self.assertNotEqual(self.bide.curl("/job/mid")["ETag"], tag)
        self.assertEqual(self.bide.metric("bide_parked"), parked + 1)
        self.assertIsNone(curl.poll())
        self.bide.put(event("mid", "completed", nano=3))
        self.assertEqual(self.bide.finish(curl)["Bide-Outcome"], "done")

    def test_row_8_partly_failed(self):
        self.bide.put(definition("part", expected_agents=["a", "b"]),
                      event("part", "completed", agent="a"))
        curl = self.held("/job/part?until=succeeded&wait=30s")
        self.bide.put(event("part", "failed", agent="b"))
        response = self.bide.finish(curl)
        self.assertEqual((response.status, response.json()["job"]["status"]), (409, "partial_failure"))
        self.assertEqual(response["Content-Type"], "application/problem+json")

    def test_row_8_succeeds(self):
        self.bide.put(definition("ok"))
        curl = self.held("/job/ok?until=succeeded&wait=30s")
        self.bide.put(event("ok", "completed"))
        self.assertEqual(self.bide.finish(curl).status, 200)

    def test_head_by_curl_held(self):
        self.bide.put(definition("hd"))
        curl = self.held("/job/hd?until=done&wait=30s", "--head")
        self.bide.put(event("hd", "completed"))
        response = self.bide.finish(curl)
        self.assertEqual((response.status, response.body), (200, b""))
        self.assertGreater(int(response["Content-Length"]), 10)

    def test_status_list(self):
        self.bide.put(definition("sl"))
        curl = self.held("/job/sl?until=processing,failed&wait=30s")
        self.bide.put(event("sl", "started"))
        self.assertEqual(self.bide.finish(curl).json()["status"], "processing")

    def test_query_wins_over_prefer(self):
        self.bide.put(definition("pf"))
        response = self.bide.curl("/job/pf?until=done&wait=200ms", "-H", "Prefer: wait=30")
        self.assertEqual((response.status, response["Preference-Applied"]), (200, ""))

    def test_responses_result_and_bytes(self):
        self.bide.put(definition("res", operation={"b": 1, "a": [1.50]}))
        raw = b'{"job_id":"res","status":"completed","hostname":"w","data":{ "z":1.50,"a":"\\u00e9" },"changed":true}'
        self.bide.put(("responses.res.w.5", raw), event("res", "completed", agent="w"))
        response = self.bide.curl("/job/res")
        self.assertIn(b'"result":{ "z":1.50,"a":"\\u00e9" }', response.body)
        self.assertEqual(response.json()["changed"], True)
        self.assertEqual(list(response.json()), [k for k in (
            "id status final created updated_at hostname error changed operation result responses "
            "agent_states timeline revision").split() if k in response.json()])

    def test_broadcast_settles(self):
        self.bide.put(definition("bc", subject="jobs.query._all"))
        curl = self.held("/job/bc?until=done&wait=30s")
        self.bide.put(event("bc", "completed"))
        response = self.bide.finish(curl)
        self.assertEqual((response["Bide-Outcome"], response["Bide-Final"]), ("done", "false"))
        self.assertGreaterEqual(float(response["Bide-Waited"]), 2.0)

    def test_envelope_rejected_and_unwrapped(self):
        before = self.bide.metric('bide_entries_rejected_total{reason="envelope"}')
        inner = base64.b64encode(json.dumps(definition("env")[1]).encode()).decode()
        self.bide.worker().put(("jobs.envbad", {"payload": "*", "signature": "x", "fingerprint": "f"}))
        self.bide.put(("jobs.env", {"payload": inner, "signature": "eA==", "fingerprint": "f"}))
        self.assertEqual(self.bide.curl("/job/env").status, 200)
        self.assertEqual(self.bide.metric('bide_entries_rejected_total{reason="envelope"}'), before + 1)

    def test_garbage_replacing_a_definition_is_as_good_as_its_deletion(self):
        self.bide.put(definition("lost"), event("lost", "started"))
        curl = self.held("/job/lost?until=done&wait=30s")
        self.bide.worker().put(("jobs.lost", b"\x00\xff{"))
        self.assertEqual(self.bide.finish(curl).status, 404)

    def test_events_before_the_definition(self):
        self.bide.put(event("early", "completed"))
        self.assertEqual(self.bide.curl("/job/early").status, 404)
        curl = self.held("/job/early?until=exists&wait=30s")
        self.bide.put(definition("early"))
        self.assertEqual(self.bide.finish(curl).json()["status"], "completed")

    def test_reset_client_right_after_the_request_is_unparked(self):
        self.bide.put(definition("rst"))
        gone = self.bide.metric("bide_clients_gone_total")
        for _ in range(50):
            s = socket.create_connection(("127.0.0.1", self.bide.port))
            s.sendall(b"GET /job/rst?until=done&wait=50s HTTP/1.1\r\nHost: localhost\r\n\r\n")
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        wait_until(lambda: self.bide.metric("bide_parked") == 0, "resets unpark", 2)

    def test_keep_alive_after_held_answer(self):
        self.bide.put(definition("ka"))
        s = socket.create_connection(("127.0.0.1", self.bide.port), timeout=20)
        before = self.bide.metric("bide_requests_parked_total")
        s.sendall(b"GET /job/ka?until=done&wait=30s HTTP/1.1\r\nHost: localhost\r\n\r\n"
                  b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        wait_until(lambda: self.bide.metric("bide_requests_parked_total") > before, "parked")
        self.bide.put(event("ka", "completed"))
        raw = receive_all(s)
        self.assertEqual(raw.count(b"HTTP/1.1 200 OK"), 2, raw)


if __name__ == "__main__":
    unittest.main()
