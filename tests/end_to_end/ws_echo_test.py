"""ws_echo: the cases of the Autobahn suite's sections 1 to 7, 9 and 10, by hand: Debian has no Autobahn.

Every case is sent in one piece, and where it is short also byte by byte.
"""
import asyncio
import os
import select
import signal
import subprocess
import unittest

import websockets

from harness import PATIENCE_S
from raw_web_socket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawWebSocket, Said,
                            close, fragments, frame)
from utf8_samples import BAD_TEXTS, GOOD_TEXTS

WS_ECHO = os.path.abspath(os.environ.get("TESTED_WS_ECHO", "build/release/tests/ws_echo"))
SIZES = (0, 125, 126, 127, 128, 65535, 65536)
BYTEWISE_MAX = 1000
MIB = 1 << 20


class Echo:
    def __enter__(self):
        self.process = subprocess.Popen([WS_ECHO, "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rpartition(":")[2])
        return self

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def __exit__(self, *_):
        try:
            if self.process.poll() is None:
                code = self.terminate()
                assert code == 0, f"ws_echo ended with {code}"
        finally:
            self.process.kill()
            self.process.wait(PATIENCE_S)
            self.process.stdout.close()


class WsEcho(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.echo = cls.enterClassContext(Echo())

    def talk(self, sent, piece_bytes=None):
        """All that is said to it, up to the end of the connection."""
        with RawWebSocket(self.echo.port) as socket:
            socket.send(sent, piece_bytes)
            return socket.rest()

    def check(self, sent, *said, pieces=None):
        """`sent` is answered with this; a close of ours ends it if nothing else does."""
        expected = [Said(*one) for one in said]
        if not expected or expected[-1].opcode != CLOSE:
            sent += close(1000)
            expected.append(Said(CLOSE, 1000))
        for piece_bytes in pieces or (None, 1)[:1 + (len(sent) < BYTEWISE_MAX)]:
            with self.subTest(sent=sent[:60], bytes=len(sent), piece_bytes=piece_bytes):
                self.assertEqual(self.talk(sent, piece_bytes), expected)

    def check_fails(self, sent, code, *said_before):
        """What comes behind is not heard any more."""
        self.check(sent + frame(TEXT, b"late") + frame(PING), *said_before, (CLOSE, code))

    def test_1_messages_of_every_size(self):
        for opcode, byte in ((TEXT, b"*"), (BINARY, b"\xfe")):
            for size in SIZES:
                self.check(frame(opcode, byte * size), (opcode, byte * size))
            self.check(frame(opcode, byte * 65536), (opcode, byte * 65536), pieces=(997,))
        self.check(frame(TEXT, b"a") + frame(BINARY, b"b") + frame(TEXT),
                   (TEXT, b"a"), (BINARY, b"b"), (TEXT, b""))

    def test_2_pings_and_pongs(self):
        for payload in (b"", b"Hello, world!", b"\0\xff\xfe\xfd\xfc\xfb\0\xff", b"\xfe" * 125):
            self.check(frame(PING, payload), (PONG, payload))
        for size in range(126):
            self.check(frame(PING, b"x" * size), (PONG, b"x" * size), pieces=(None,))
        for size in (126, 127, 65536):
            self.check_fails(frame(PING, b"\xfe" * size), 1002)
            self.check_fails(frame(PONG, b"\xfe" * size), 1002)
        self.check(frame(PONG) + frame(PONG, b"unsolicited") + frame(PING, b"p"), (PONG, b"p"))
        payloads = [b"payload-%d" % n for n in range(10)]
        self.check(b"".join(frame(PING, payload) for payload in payloads),
                   *[(PONG, payload) for payload in payloads])

    def test_3_reserved_bits(self):
        for reserved in range(1, 8):
            for opcode in (TEXT, BINARY, PING, PONG, CLOSE):
                self.check_fails(frame(TEXT, b"good") + frame(opcode, b"\x03\xe8", reserved=reserved),
                                 1002, (TEXT, b"good"))
            self.check_fails(frame(TEXT, b"a", fin=False)
                             + frame(CONTINUATION, b"b", reserved=reserved), 1002)

    def test_4_reserved_opcodes(self):
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            for payload in (b"", b"x"):
                self.check_fails(frame(TEXT, b"good") + frame(opcode, payload), 1002, (TEXT, b"good"))

    def test_5_fragments(self):
        for opcode in (TEXT, BINARY):
            self.check(fragments(opcode, b"frag", b"ment"), (opcode, b"fragment"))
            self.check(fragments(opcode, b"", b"", b""), (opcode, b""))
            self.check(fragments(opcode, b"", b"x", b"", b"y", b""), (opcode, b"xy"))
            self.check(frame(opcode, b"a", fin=False) + frame(PING, b"1")
                       + frame(CONTINUATION, b"b", fin=False) + frame(PING, b"2") + frame(PONG, b"3")
                       + frame(CONTINUATION, b"c") + frame(PING, b"4"),
                       (PONG, b"1"), (PONG, b"2"), (opcode, b"abc"), (PONG, b"4"))
            self.check_fails(frame(TEXT, b"a", fin=False) + frame(opcode, b"b"), 1002)
            self.check_fails(frame(opcode, b"a") + frame(CONTINUATION, b"b"), 1002, (opcode, b"a"))
        for fin in (True, False):
            self.check_fails(frame(CONTINUATION, b"x", fin=fin), 1002)
            self.check_fails(frame(CONTINUATION, b"", fin=fin), 1002)
            self.check_fails(fragments(TEXT, b"a", b"b") + frame(CONTINUATION, b"c", fin=fin), 1002,
                             (TEXT, b"ab"))
        for opcode in (PING, PONG, CLOSE):
            self.check_fails(frame(opcode, b"\x03\xe8", fin=False), 1002)

    def test_6_utf_8(self):
        for text in [good.encode() for good in GOOD_TEXTS]:
            for n in range(len(text) + 1):
                self.check(fragments(TEXT, text[:n], text[n:]), (TEXT, text), pieces=(None,))
            self.check(fragments(TEXT, *[bytes([byte]) for byte in text]), (TEXT, text))
        for text in BAD_TEXTS:
            self.check_fails(frame(TEXT, "κόσμε".encode() + text + b"x"), 1007)
            self.check_fails(frame(TEXT, text), 1007)
            for n in range(len(text) + 1):
                self.check_fails(fragments(TEXT, text[:n], text[n:]), 1007)
            self.check(frame(BINARY, text), (BINARY, text))

    def test_6_what_cannot_become_utf_8_fails_at_once(self):
        good = "κόσμε".encode()
        whole = frame(TEXT, good + b"\xf4\x90" + b"x" * 50)
        begun = frame(TEXT, good, fin=False)
        unfinished = begun + frame(CONTINUATION, b"\xed\xa0", fin=False)
        for sent in (whole[:-50], unfinished,
                     begun + frame(CONTINUATION, b"\xff" + b"x" * 100)[:-100]):
            self.check(sent, (CLOSE, 1007))
        # But no sooner.
        with RawWebSocket(self.echo.port) as socket:
            socket.send(begun + frame(CONTINUATION, b"\xed", fin=False) + frame(PING, b"still here"))
            self.assertEqual(socket.next(), (PONG, b"still here"))
            socket.send(frame(CONTINUATION, b"\x9f\xbf"))
            self.assertEqual(socket.next(), (TEXT, good + b"\xed\x9f\xbf"))

    def test_7_closing(self):
        for late in (b"", close(1000), frame(PING), frame(TEXT, b"late"), frame(3)):
            self.check(frame(TEXT, b"a") + close(1000) + late, (TEXT, b"a"), (CLOSE, 1000))
        self.check(frame(TEXT, b"begun", fin=False) + close(1000) + frame(CONTINUATION, b"late"),
                   (CLOSE, 1000))
        large = b"x" * (256 << 10)
        self.check(frame(TEXT, large) + close(1001) + frame(PING), (TEXT, large), (CLOSE, 1001))
        self.check(frame(CLOSE), (CLOSE, None))
        self.check(frame(CLOSE, b"\x03"), (CLOSE, 1002))
        for reason in (b"Hello World!", "wegen Überfüllung 😀".encode(), b"x" * 123):
            self.check(close(1000, reason), (CLOSE, 1000))
        self.check(close(1000, b"x" * 124), (CLOSE, 1002))
        for reason in BAD_TEXTS:
            self.check(close(1000, reason), (CLOSE, 1007))
            self.check(close(1000, b"xx" + reason + b"x"), (CLOSE, 1007))

    def test_7_close_codes(self):
        # 1012 to 1014 are in IANA's registry; RFC 6455 left them to come.
        for code in (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999):
            self.check(close(code), (CLOSE, code))
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
            self.check(close(code), (CLOSE, 1002))
            self.check(close(code, b"reason"), (CLOSE, 1002))

    def test_9_large_messages(self):
        for opcode in (TEXT, BINARY):
            for size in (64 << 10, 256 << 10, MIB, 4 * MIB, 8 * MIB, 16 * MIB):
                self.check(frame(opcode, b"*" * size), (opcode, b"*" * size))
        message = os.urandom(MIB)
        for step in (64, 1 << 10, 16 << 10, MIB):
            parts = [message[at:at + step] for at in range(0, MIB, step)]
            self.check(fragments(BINARY, *parts), (BINARY, message))
        for piece_bytes in (64, 997, 2048):
            self.check(frame(BINARY, message), (BINARY, message), pieces=(piece_bytes,))
        self.check(frame(BINARY, b"*" * (16 * MIB + 1)), (CLOSE, 1009))
        self.check(frame(TEXT, b"*", fin=False) + frame(CONTINUATION, b"*" * (16 * MIB)), (CLOSE, 1009))

    def test_9_many_messages(self):
        for size in (0, 16, 64, 1024):
            message = os.urandom(size)
            self.check(frame(BINARY, message) * 1000, *[(BINARY, message)] * 1000)

    def test_10_fragments_of_1300_bytes(self):
        message = b"*" * 65536
        parts = [message[at:at + 1300] for at in range(0, len(message), 1300)]
        self.check(fragments(TEXT, *parts), (TEXT, message))

    def test_masks_and_lengths(self):
        for opcode in (TEXT, BINARY, PING, PONG, CLOSE):
            self.check_fails(frame(opcode, b"\x03\xe8", masked=False), 1002)
        for opcode, size, form in ((TEXT, 5, 16), (TEXT, 5, 64), (TEXT, 125, 16), (TEXT, 126, 64),
                                   (BINARY, 65535, 64), (PING, 5, 16), (PING, 125, 64)):
            self.check_fails(frame(opcode, b"x" * size, length_form=form), 1002)

    def test_who_does_not_read_is_not_read_from(self):
        with RawWebSocket(self.echo.port) as socket:
            message, sent = frame(BINARY, b"x" * MIB), 0
            while select.select([], [socket.socket], [], 0.5)[1]:
                sent += socket.socket.send(message[sent % len(message):])
                self.assertLess(sent, 64 * MIB)  # What the kernel's buffers hold, and a message.
            socket.send(message[sent % len(message):] + close(1000))
            said = socket.rest()
            self.assertEqual({one.opcode for one in said[:-1]}, {BINARY})
            self.assertEqual([len(one.payload) for one in said[:-1]], [MIB] * (sent // len(message) + 1))
            self.assertEqual(said[-1], (CLOSE, 1000))

    async def test_debians_python_websockets(self):
        async with websockets.connect(self.echo.url, max_size=None) as socket:
            self.assertEqual(getattr(socket, "protocol", socket).extensions, [])  # It offers compression.
            for size in SIZES + (16 * MIB,):
                for message in ("ö" * (size // 2), os.urandom(size)):
                    await socket.send(message)
                    self.assertEqual(await socket.recv(), message)
            await socket.send(["in ", "", "pieces"])
            self.assertEqual(await socket.recv(), "in pieces")
            await asyncio.wait_for(await socket.ping(os.urandom(125)), PATIENCE_S)
            await socket.close(4000, "enough")
            self.assertEqual(socket.close_code, 4000)

    async def test_sigterm_says_goodbye(self):
        with Echo() as echo:
            async with websockets.connect(echo.url) as socket:
                await socket.send("x")
                await socket.recv()
                ended = asyncio.get_running_loop().run_in_executor(None, echo.terminate)
                with self.assertRaises(websockets.ConnectionClosed):
                    await asyncio.wait_for(socket.recv(), PATIENCE_S)
                self.assertEqual((socket.close_code, await ended), (1001, 0))


if __name__ == "__main__":
    unittest.main()
