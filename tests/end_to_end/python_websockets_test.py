"""Debian's python3-websockets as a client: records, fragments, resuming, and every close code."""
import asyncio
import json
import unittest

import websockets

from harness import PATIENCE_S, Bide, definition, event
from streams import FIELDS_OPTION, SocketRefused, is_rising, refused_with


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE_S)


class PythonWebSockets(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    async def open(self, path, **options):
        url = f"ws://127.0.0.1:{self.bide.port}{path}"
        socket = await soon(websockets.connect(url, close_timeout=5, **options))
        self.addAsyncCleanup(socket.close)
        return socket

    async def open_job(self, job):
        self.bide.put(definition(job))
        socket = await self.open(f"/job/{job}/ws")
        await self.next(socket, "hello")
        await self.next(socket, "job")
        return socket

    async def next(self, socket, kind):
        record = json.loads(await soon(socket.recv()))
        self.assertEqual(record["event"], kind)
        return record

    async def check_closed(self, socket, code):
        with self.assertRaises(websockets.ConnectionClosed):
            while True:
                await soon(socket.recv())
        self.assertEqual(socket.close_code, code)

    async def test_a_job_to_its_end_resumed_in_the_middle(self):
        self.bide.put(definition("tale"))
        socket = await self.open("/job/tale/ws", subprotocols=["bide.v1"])
        self.assertEqual(socket.subprotocol, "bide.v1")
        await self.next(socket, "hello")
        told = [await self.next(socket, "job")]
        self.bide.put(event("tale", "acknowledged"))
        told.append(await self.next(socket, "job"))
        await socket.close()
        self.bide.put(event("tale", "started"))
        socket = await self.open(f"/job/tale/ws?last_event_id={told[-1]['id']}")
        await self.next(socket, "hello")
        told.append(await self.next(socket, "job"))
        await socket.close()
        socket = await self.open("/job/tale/ws", **{FIELDS_OPTION: {"Last-Event-ID": told[-1]["id"]}})
        await self.next(socket, "hello")
        self.bide.put(event("tale", "completed"))
        told.append(await self.next(socket, "job"))
        self.assertEqual((await self.next(socket, "end"))["data"], {"status": "completed", "final": True})
        await self.check_closed(socket, 1000)
        self.assertEqual([record["data"]["status"] for record in told],
                         ["submitted", "processing", "processing", "completed"])
        self.assertTrue(is_rising([record["data"]["revision"] for record in told]))

    async def test_a_fragmented_message_is_one_message(self):
        socket = await self.open_job("pieces")
        await soon(socket.send(['{"auth":', '"a ', 'token"}']))
        await soon(await socket.ping())
        self.bide.put(event("pieces", "started"))
        await self.next(socket, "job")
        await soon(socket.send(["hel", "lo"]))
        await self.check_closed(socket, 1008)

    async def test_what_clients_may_not_send(self):
        for n, (message, code) in enumerate([("hello", 1008), (b"\x00", 1008), ("[]", 1008),
                                             ("x" * (64 * 1024 + 1), 1009),
                                             (["x" * 40_000, "x" * 40_000], 1009)]):
            with self.subTest(message=str(message)[:20], code=code):
                socket = await self.open_job(f"rude-{n}")
                try:
                    await soon(socket.send(message))
                except websockets.ConnectionClosed:
                    pass  # Refused before it was all sent.
                await self.check_closed(socket, code)

    async def test_foreign_origins_and_unknown_jobs_are_refused(self):
        self.bide.put(definition("guarded"))
        own = f"http://127.0.0.1:{self.bide.port}"
        for path, origin, status in (("/job/guarded/ws", "http://evil.example", 403),
                                     ("/job/guarded/ws", "http://127.0.0.1:1", 403),
                                     ("/job/guarded/ws", "null", 403),
                                     ("/job/nobody/ws", own, 404)):
            with self.subTest(path=path, origin=origin):
                with self.assertRaises(SocketRefused) as refused:
                    await self.open(path, origin=origin)
                self.assertEqual(refused_with(refused.exception), status)
        await self.open("/job/guarded/ws", origin=own)

    async def test_drain(self):
        with Bide("--access-log", "off") as bide:
            bide.put(definition("drained"))
            async with websockets.connect(f"ws://127.0.0.1:{bide.port}/job/drained/ws") as socket:
                await self.next(socket, "hello")
                ended = asyncio.get_running_loop().run_in_executor(None, bide.terminate)
                await self.check_closed(socket, 1001)
                self.assertEqual(await ended, 0)


if __name__ == "__main__":
    unittest.main()
