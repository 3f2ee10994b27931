"""A WebSocket client that may do anything wrong, and takes nothing wrong from the server.

Every wait in here is bounded, as in harness.py.
"""
import collections
import os
import select
import socket
import struct
import time

from harness import PATIENCE_S

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

# What the server has said. Of a close frame `payload` is its code, None where it has none.
Said = collections.namedtuple("Said", "opcode payload")


def frame(opcode, payload=b"", fin=True, reserved=0, masked=True, length_form=None):
    """`length_form`: 7, 16 or 64 bits; the shortest by default."""
    size = len(payload)
    form = length_form or (7 if size < 126 else 16 if size < 65536 else 64)
    head = bytes([fin << 7 | reserved << 4 | opcode])
    mask_bit = masked << 7
    if form == 7:
        head += bytes([mask_bit | size])
    elif form == 16:
        head += struct.pack("!BH", mask_bit | 126, size)
    else:
        head += struct.pack("!BQ", mask_bit | 127, size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(payload, key)


def mask(payload, key):
    size = len(payload)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(size, "big")


def fragments(opcode, *pieces):
    last = len(pieces) - 1
    return b"".join(frame(opcode if n == 0 else CONTINUATION, piece, fin=n == last)
                    for n, piece in enumerate(pieces))


def close(code, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)


class RawWebSocket:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        self.unread = bytearray()
        self.ended = False
        while b"\r\n\r\n" not in self.unread:
            assert self._receive(), "no answer to the handshake"
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head, head

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, piece_bytes=None):
        """Reads meanwhile, for an echo is not read from while it has things to say."""
        end = time.monotonic() + PATIENCE_S
        step = piece_bytes or len(data)
        for at in range(0, len(data), step):
            rest = memoryview(data)[at:at + step]
            while rest and not self.ended:
                assert time.monotonic() < end, "the server does not read"
                readable, writable, _ = select.select([self.socket], [self.socket], [], 1.0)
                if readable:
                    self._receive()
                if writable:
                    rest = rest[self.socket.send(rest[:1 << 16]):]

    def next(self):
        """What the server says next; None where it has closed the connection, without a reset."""
        while not (said := self._take()):
            if self.ended or not self._receive():
                assert not self.unread, "the last frame is not whole"
                return None
        return said

    def rest(self):
        said = []
        while one := self.next():
            said.append(one)
        return said

    def _receive(self):
        chunk = self.socket.recv(1 << 20)
        self.ended = not chunk
        self.unread += chunk
        return not self.ended

    def _take(self):
        if len(self.unread) < 2:
            return None
        first, size = self.unread[0], self.unread[1]
        assert first & 0xF0 == 0x80 and size < 128, "a fragment, reserved bits or a mask from the server"
        begin = 2
        if size > 125:
            begin = 4 if size == 126 else 10
            if len(self.unread) < begin:
                return None
            size = int.from_bytes(self.unread[2:begin], "big")
            assert size > (125 if begin == 4 else 65535), "a length not in its shortest form"
        if len(self.unread) < begin + size:
            return None
        payload = bytes(self.unread[begin:begin + size])
        del self.unread[:begin + size]
        opcode = first & 0x0F
        if opcode == CLOSE:
            return Said(CLOSE, int.from_bytes(payload[:2], "big") if payload else None)
        return Said(opcode, payload)
