"""Clients of several bides on one bucket, as fast as they can: a program of its own, for replicas_freshness_test.py.

    tag_clients.py BOARD SLOT SEED PORT...

It asks all bides at the same time, each over a few connections and with some requests behind each other on each, and
opens streams that it leaves after the first record. It sends with each request the tag that it was told last, by
whichever bide. It judges every answer by what was sent with
the request, and by what was known to be stored then. The first line that is wrong ends it, and is its output; else its
output is how many answers of which kind there were.
"""
import collections
import json
import mmap
import os
import random
import re
import select
import socket
import sys
import time

CONNECTIONS = 4  # To each bide.
REQUESTS = 12  # Behind each other.
HOT = 40  # Jobs that are written to.
PATIENCE_S = 20.0  # Longer than a bide is paused.


class Board:
    """What the test tells its clients, in a file that all have mapped."""

    JOBS_MAX = 1 << 18
    SLOTS = 8
    HEAD = 2 + SLOTS  # To stop; how many jobs there are; how many answers but 503 each client has had.

    def __init__(self, path):
        size = 8 * (self.HEAD + 2 * self.JOBS_MAX)
        with open(path, "a+b") as file:
            if os.fstat(file.fileno()).st_size < size:
                file.truncate(size)
            self.map = mmap.mmap(file.fileno(), size)
        self.words = memoryview(self.map).cast("Q")

    @property
    def stopped(self):
        return self.words[0] != 0

    def stop(self):
        self.words[0] = 1

    @property
    def jobs(self):
        """Those below are stored."""
        return self.words[1]

    @jobs.setter
    def jobs(self, number):
        self.words[1] = number

    def answers(self):
        return sum(self.words[2:2 + self.SLOTS])

    def count(self, slot, answers):
        self.words[2 + slot] = answers

    def stored(self, job):
        """The job's newest entry that is known to be stored."""
        return self.words[self.HEAD + 2 * job]

    def store(self, job, revision):
        self.words[self.HEAD + 2 * job] = revision

    KEPT, BEING_DELETED, DELETED = range(3)

    def fate(self, job):
        return self.words[self.HEAD + 2 * job + 1]

    def set_fate(self, job, fate):
        self.words[self.HEAD + 2 * job + 1] = fate


class Wrong(Exception):
    """Of an answer."""


# `tag`: what was sent; `floor`: the revision that the answer must have; `deleted`: the job was then.
Asked = collections.namedtuple("Asked", "target jobs kind tag revision floor deleted")
HEAD = re.compile(rb"HTTP/1\.1 (\d+) ")
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.I)
TAG = re.compile(rb'\r\nETag: "([^"]*)"', re.I)
RECORD = re.compile(rb"\nid: (\S+)\ndata: .*\n\n")
NO_NEWS_S = 0.2  # A stream that was opened, and says nothing more for so long, has no news.


def revision_of(tag):
    return int(tag.split(b"-")[1])


class Client:
    def __init__(self, board, slot, seed):
        self.board, self.slot = board, slot
        self.dice = random.Random(seed)
        self.known = {}  # By target: revision and tag.
        self.tags = {}  # By target and revision: the tag that it was told by whoever came first.
        self.counts = collections.Counter()
        self.answers = 0

    def next_request(self):
        dice, newest = self.dice, self.board.jobs - 1
        job = max(newest - int(dice.expovariate(0.1)), 0) if dice.random() < 0.9 else dice.randint(0, newest)
        deleted = self.board.fate(job) == Board.DELETED
        target, jobs, kind, query, fields, floor = f"/job/job-{job}", [job], "plain", "", "", 0
        chance = dice.random()
        if chance < 0.05:
            kind, query = "held", "?wait=50ms"
        elif chance < 0.15:
            kind, fields, floor = "no-cache", "Cache-Control: no-cache\r\n", self.board.stored(job)
        elif chance < 0.18:
            other = max(job - dice.randrange(1, 9), 0)
            if other != job and self.board.fate(job) == self.board.fate(other) == Board.KEPT:
                target, jobs, kind = f"/job?id=job-{job}&id=job-{other}", [job, other], "set"
        elif chance < 0.20:
            target, jobs, kind = "/job/status", [], "statistics"
        revision, tag = self.known.get(target, (0, b""))
        if tag and kind == "plain" and dice.random() < 0.1:
            revision, tag, kind = 0, b"", "without a tag"
        if tag:
            fields += f'If-None-Match: "{tag.decode()}"\r\n'
        return Asked(target, jobs, kind, tag, revision, floor, deleted), \
f"GET {target}{query} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode()

    def next_stream(self):
        newest = self.board.jobs - 1
        job = max(newest - self.dice.randrange(HOT), 0)
        revision, tag = self.known.get(f"/job/job-{job}", (0, b""))
        fields = f"Last-Event-ID: {tag.decode()}\r\n" if tag else ""
        return Asked(f"/job/job-{job}", [job], "stream", tag, revision, 0, False), \
            f"GET /job/job-{job}/events HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode()

    def judge(self, asked, status, head, body):
        if status == 503:
            self.counts["503 " + json.loads(body)["detail"]] += 1
            return
        self.answers += 1
        self.counts[f"{asked.kind} {status}"] += 1
        if status == 404:
            self.known.pop(asked.target, None)
            if all(self.board.fate(job) == Board.KEPT for job in asked.jobs):
                raise Wrong("a job that is stored is not found")
            return
        if status not in (200, 304):
            raise Wrong("an answer that nobody expects")
        tag = TAG.search(head)[1]
        self.judge_tag(asked, status, tag)
        if len(asked.jobs) == 1 and self.answers % 16 == 0 and status == 200 and \
                json.loads(body)["revision"] != revision_of(tag):
            raise Wrong("the tag is not of the job's revision")

    def judge_tag(self, asked, status, tag):
        revision = revision_of(tag)
        if asked.kind == "no-cache" and asked.deleted:
            raise Wrong("a job that was deleted before is served as new")
        if revision < asked.revision:
            raise Wrong("older than what was known")
        if revision < asked.floor:
            raise Wrong(f"older than what was stored: {asked.floor}")
        if (status == 304) != (tag == asked.tag):
            raise Wrong("the status does not fit the tag")
        if status == 304:
            return
        if len(asked.jobs) == 1 and self.tags.setdefault((asked.target, revision), tag) != tag:
            raise Wrong("two tags of one revision: " + self.tags[asked.target, revision].decode())
        if revision >= self.known.get(asked.target, (0,))[0]:  # Another may have brought a newer one meanwhile.
            self.known[asked.target] = (revision, tag)


class Connection:
    """To one bide. One that is lost is made anew; what was asked over it is asked no more."""

    def __init__(self, client, port, poll):
        self.client, self.port, self.poll = client, port, poll
        self.socket = None
        self.not_before = 0.0
        self.asked = collections.deque()
        self.raw = b""
        self.since = 0.0

    def connect(self):
        try:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        except OSError:
            self.not_before = time.monotonic() + 0.05
            return
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.poll.register(self.socket, select.EPOLLIN)
        self.raw = b""

    def lose(self):
        self.client.counts["connections lost"] += 1
        self.close()

    def close(self):
        self.poll.unregister(self.socket)
        self.socket.close()
        self.socket = None
        self.asked.clear()

    def ask(self):
        batch = [self.client.next_request() for _ in range(self.client.dice.randint(1, REQUESTS))]
        try:
            # It fits: there is nothing else on the way.
            self.socket.sendall(b"".join(raw for _, raw in batch))
        except OSError:
            return self.lose()
        self.asked.extend(asked for asked, _ in batch)
        self.since = time.monotonic()
        return None

    def on_readable(self):
        try:
            chunk = self.socket.recv(1 << 18)
        except OSError:
            chunk = b""
        if not chunk:
            return self.lose()
        raw, at = self.raw + chunk, 0
        while (end := raw.find(b"\r\n\r\n", at)) >= 0:
            head = raw[at:end + 2]
            status = int(HEAD.match(head)[1])
            length = LENGTH.search(head)
            body_end = end + 4 + (int(length[1]) if length and status != 304 else 0)
            if body_end > len(raw):
                break
            asked = self.asked.popleft()
            if status == 503:
                self.not_before = time.monotonic() + 0.01
            try:
                self.client.judge(asked, status, head, raw[end + 4:body_end])
            except Wrong as wrong:
                raise Wrong(f"{wrong}\nport {self.port}, {time.monotonic() - self.since:.3f} s after {asked}\n"
                            f"{raw[at:body_end].decode()}") from None
            at = body_end
        self.raw = raw[at:]
        return None


class Stream(Connection):
    """One stream after the other, each over a connection of its own, and left after its first record."""

    def ask(self):
        asked, raw = self.client.next_stream()
        self.asked.append(asked)
        self.since = time.monotonic()
        self.socket.sendall(raw)

    def on_readable(self):
        try:
            chunk = self.socket.recv(1 << 18)
        except OSError:
            chunk = b""
        if not chunk:
            return self.close()
        self.raw += chunk
        head_end = self.raw.find(b"\r\n\r\n")
        if head_end < 0:
            return None
        status, asked = int(HEAD.match(self.raw)[1]), self.asked[0]
        record = RECORD.search(self.raw)
        try:
            if status == 200 and record:
                self.client.answers += 1
                self.client.counts["stream 200"] += 1
                self.client.judge_tag(asked, status, record[1])
            elif status == 404:
                self.client.judge(asked, status, b"", b"")
            elif status == 200:
                self.not_before = time.monotonic() + NO_NEWS_S
                return None
        except Wrong as wrong:
            raise Wrong(f"{wrong}\nport {self.port}, {time.monotonic() - self.since:.3f} s after {asked}\n"
                        f"{self.raw.decode()}") from None
        return self.close()

    def close_if_quiet(self, now):
        if self.asked and self.raw and now > self.not_before:
            self.close()


def main(path, slot, seed, *ports):
    board = Board(path)
    client = Client(board, int(slot), seed)
    poll = select.epoll()
    streams = [Stream(client, int(port), poll) for port in ports]
    connections = streams + [Connection(client, int(port), poll) for port in ports for _ in range(CONNECTIONS)]
    while not board.stopped:
        now = time.monotonic()
        for stream in streams:
            stream.close_if_quiet(now)
        for connection in connections:
            if connection.socket is None and now > connection.not_before:
                connection.connect()
            if connection.socket and not connection.asked and now > connection.not_before:
                connection.ask()
            elif connection.asked and now - connection.since > PATIENCE_S:
                raise Wrong(f"port {connection.port} does not answer {connection.asked[0]}")
        by_fd = {connection.socket.fileno(): connection for connection in connections if connection.socket}
        for fd, _ in poll.poll(0.01):
            by_fd[fd].on_readable()
        board.count(client.slot, client.answers)
    print(json.dumps(client.counts))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Wrong as wrong_answer:
        sys.exit(str(wrong_answer))
