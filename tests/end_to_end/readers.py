"""Readers of one job, on asyncio: restless, forgetful of nothing but their connection, sometimes slow.

A reader changes between long polling, server-sent events and WebSocket as it likes, and carries the id of
what it was told last from one to the other. It goes on until it knows that the job is final.
"""
import asyncio
import json
import time

import websockets

from harness import Response, request
from judge import Told
from streams import EventParser, SocketRefused, refused_with

# What the next attempt may find mended: not there yet, away, or overloaded.
PASSING = (404, 429, 503)


class Http:
    """A connection that is kept from one request to the next. An async context manager."""

    def __init__(self, port):
        self.port = port

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    async def ask(self, target, *fields):
        """The status; the body is still to be read. Of the field lines those that are not empty are sent."""
        self.writer.write(request(target, *filter(None, fields)))
        head = Response(await self.reader.readuntil(b"\r\n\r\n"))
        self.fields = head.fields
        return head.status

    async def body(self):
        return await self.reader.readexactly(int(self.fields.get("content-length", 0)))

    async def chunks(self):
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)


class Reader:
    def __init__(self, port, job, dice):
        self.port = port
        self.job = job
        self.dice = dice
        self.roads = dice.sample([self.poll, self.events, self.socket], dice.randint(1, 3))
        self.slow = dice.random() < 0.2
        self.told = []
        self.known = ""  # The id of what it was told last.
        self.over = False

    async def run(self, starts_after_s):
        await asyncio.sleep(starts_after_s)
        while not self.over:
            try:
                # Some drop their connection in the middle of whatever it is.
                restless = self.dice.random() < 0.5
                async with asyncio.timeout(self.dice.uniform(0.2, 3.0) if restless else 30.0):
                    await self.dice.choice(self.roads)()
            except (OSError, EOFError, TimeoutError, websockets.InvalidHandshake,
                    websockets.InvalidMessage):
                pass
            if not self.over:
                await asyncio.sleep(self.dice.uniform(0.05, 0.5))

    async def take(self, tag, data):
        self.told.append(Told("reader", self.job, time.monotonic(), 200, data))
        self.known = tag
        if self.slow:
            await asyncio.sleep(self.dice.uniform(0.2, 1.0))

    def conclude(self):
        assert self.told and self.told[-1].state["final"], f"{self.job} is over, they say: {self.told}"
        self.over = True

    async def poll(self):
        async with Http(self.port) as http:
            for _ in range(self.dice.randint(1, 5)):
                condition = "" if self.told else "&until=exists"
                status = await http.ask(f"/job/{self.job}?wait={self.dice.randint(1, 8)}s{condition}",
                                        self.known and f'If-None-Match: "{self.known}"')
                body = await http.body() if status != 304 else b""
                if status == 200:
                    await self.take(http.fields["etag"].strip('"'), json.loads(body))
                elif status in PASSING:
                    return
                else:
                    assert status == 304, (status, body)
                if http.fields["bide-final"] == "true":
                    return self.conclude()
                if http.fields.get("connection") == "close":
                    return

    async def events(self):
        async with Http(self.port) as http:
            status = await http.ask(f"/job/{self.job}/events", self.known and f"Last-Event-ID: {self.known}")
            if status == 204:
                return self.conclude()
            if status in PASSING:
                return
            assert status == 200, status
            parser = EventParser()
            async for chunk in http.chunks():
                for record in parser.feed(chunk):
                    if record.event == "job":
                        await self.take(record.id, record.data)
                    elif record.event == "end":
                        self.conclude()

    async def socket(self):
        resume = self.known and f"?last_event_id={self.known}"
        url = f"ws://127.0.0.1:{self.port}/job/{self.job}/ws{resume}"
        try:
            async with websockets.connect(url, close_timeout=1, compression=None) as socket:
                async for message in socket:
                    record = json.loads(message)
                    if record["event"] == "job":
                        await self.take(record["id"], record["data"])
                    elif record["event"] == "end":
                        self.conclude()
        except SocketRefused as refused:
            assert refused_with(refused) in PASSING, refused
        except websockets.ConnectionClosedError as closed:
            assert closed.rcvd is None or closed.rcvd.code in (1001, 1013), closed
