"""Attacks by one client that may write over HTTP, on the others of a bide. As those of attacks.py."""
from rig.attacks import Agents, Attack, Connections, Crowd, Tokens
from rig.http import split_response, write

BODY_BYTES = 1 << 20  # The largest that bide takes.
PATIENCE_S = 2.0


class Flood(Attack):
    """Connections of one client that each send requests, and the next ones after their answers."""
    connections = 100
    at_once = 1  # Requests in what ask() returns.
    reads = True  # The answers.
    expected = (201,)
    per_fill = 10

    def ask(self, number, turn):
        """The bytes of a connection's next requests. `turn` counts those of all connections."""
        raise NotImplementedError

    def run(self, address, nats_url, stop):
        turn = 0
        raw, awaited = {}, {}

        def push(connection, number):
            nonlocal turn
            raw[number], awaited[number] = b"", self.at_once
            connection.settimeout(PATIENCE_S)
            try:
                connection.sendall(self.ask(number, turn))
            except TimeoutError:
                pass  # bide does not read on. Neither does this client.
            connection.setblocking(False)
            turn += 1

        crowd = Crowd(address, self.some(self.connections), push, receive_bytes=0 if self.reads else 2048)
        while not stop.is_set():
            crowd.fill(self.per_fill)
            if not self.reads:
                stop.wait(0.05)
                continue
            for connection, number, chunk in crowd.news(0.02):
                answer, raw[number] = split_response(raw[number] + chunk)
                while answer:
                    if answer.status not in self.expected:
                        raise RuntimeError(f"{answer.status} {answer.body[:300]!r}")
                    awaited[number] -= 1
                    answer, raw[number] = split_response(raw[number])
                if awaited[number] > 0:
                    continue
                try:
                    push(connection, number)
                except OSError:
                    crowd.drop(connection)


class Reports(Flood):
    sentence = "200 connections of a client report events of one job as fast as they are answered"
    connections = 200
    expected = (201, 429)

    def ask(self, number, turn):
        return write("POST", "/job/own/events", b"started", "Prefer: return=minimal")


class Progress(Flood):
    sentence = "200 connections of a client report progress of one job, of 10 kB each, as fast as they are answered"
    connections = 200
    expected = (201, 429)

    def ask(self, number, turn):
        return write("POST", "/job/own/events", b"progress=%d&log=%s" % (turn % 100, b"x" * 10_000))


class Keys(Flood):
    sentence = "200 connections of a client report with an Idempotency-Key, by turns a new one and the same"
    connections = 200
    expected = (201, 429)

    def ask(self, number, turn):
        key = f"key-{turn}" if turn % 2 else "always"
        return write("POST", "/job/own/events", b"progress=1", f"Idempotency-Key: {key}")


class Pipelines(Flood):
    sentence = "100 connections of a client each send 100 reports at a time without waiting for answers"
    at_once = 100
    expected = (201, 429, 503)

    def ask(self, number, turn):
        return write("POST", f"/job/own-{number}/events", b"progress=1", "Prefer: return=minimal") * self.at_once


class Large(Flood):
    sentence = "50 connections of a client report events of a job with 19,900 agents, and get the whole job each time"
    connections = 50
    expected = (201, 429)

    prepare = Agents.prepare

    def ask(self, number, turn):
        return write("POST", "/job/own/events", b"started&agent=web-%d" % (turn % self.agents))


class Bodies(Flood):
    sentence = "100 connections of a client report progress with bodies of 1 MiB"
    expected = (201, 413, 429)
    body = b"progress=1&log=" + b"x" * (BODY_BYTES - 1000)

    def ask(self, number, turn):
        return write("POST", f"/job/own-{number % 4}/events", self.body, "Prefer: return=minimal")


class Definitions(Flood):
    sentence = "100 connections of a client define one job by PUT with bodies of 1 MiB, of which all but the first are refused"
    expected = (201, 409, 429)

    def ask(self, number, turn):
        return write("PUT", "/job/own", {"operation": {"do": "x" * (BODY_BYTES - 1000), "turn": turn}})


class Invalid(Flood):
    sentence = "100 connections of a client send bodies of 1 MiB that are wrong at their end"
    expected = (400, 429)
    bodies = (b'{"event":"started","data":' + b'{"a":' * 100 + b"[" + b"1," * 500_000 + b"1" + b"}" * 10,
              b'{"event":"started","data":{' + b",".join(b'"%06d":0' % number for number in range(95_000)),
              b"started&log=" + b"%41" * 349_000 + b"&log=x", b"&" * 1_000_000)

    def ask(self, number, turn):
        return write("POST", "/job/own/events", self.bodies[turn % len(self.bodies)])


class Labels(Flood):
    sentence = "100 connections of a client define jobs with 16 labels of 190 bytes and delete them, again and again"
    expected = (201, 204, 404, 409, 412, 429)

    def ask(self, number, turn):
        target = f"/job/labelled-{number}"
        if turn // self.some(self.connections) % 2:
            return write("DELETE", target)
        labels = {f"{n}-{turn}-".ljust(63, "n"): "v" * 127 for n in range(16)}
        return write("PUT", target, {"labels": labels}, "Prefer: return=minimal")


class Deletions(Flood):
    sentence = "20 connections of a client each report 100 agents of a job at a time, delete the job, and again"
    connections = 20
    at_once = 101
    expected = (201, 204, 429)

    def ask(self, number, turn):
        reports = (write("POST", f"/job/own-{number}/events", b"started&agent=web-%d" % agent, "Prefer: return=minimal")
                   for agent in range(self.at_once - 1))
        return b"".join(reports) + write("DELETE", f"/job/own-{number}")


class Unread(Flood):
    sentence = "200 connections of a client report events of jobs of 1 MB, by pipelines, and read no answer"
    connections = 200
    reads = False

    def prepare(self, writer):
        for number in range(20):
            writer.define(f"large-{number}", operation={"do": "x" * 1_000_000})

    def ask(self, number, turn):
        return write("POST", f"/job/large-{number % 20}/events", b"progress=1") * 20


class Unfinished(Flood):
    sentence = "1,000 connections of a client send a body of 1 MiB but for its last byte"
    connections = 1_000
    expected = (408, 429)

    def ask(self, number, turn):
        return write("POST", "/job/own/events", Bodies.body)[:-1]


class Trickles(Attack):
    sentence = "2,000 connections of a client send the heads and bodies of reports byte by byte"

    def run(self, address, nats_url, stop):
        text = write("POST", "/job/own/events", b"started&log=" + b"x" * 2_000)
        open_ones = {}

        def greet(connection, number):
            connection.send(text[:1 + number % 160])
            open_ones[connection] = 1 + number % 160

        crowd = Crowd(address, self.some(2_000), greet)
        while not stop.is_set():
            crowd.fill(20)
            for _ in crowd.news(0.02):
                pass
            for connection, sent in list(open_ones.items())[:200]:
                del open_ones[connection]
                if connection.fileno() < 0 or sent == len(text):
                    continue
                try:
                    connection.send(text[sent:sent + 1])
                    open_ones[connection] = sent + 1
                except OSError:
                    pass


class Creations(Flood):
    sentence = "1,000 connections of a client create a job each and ask to be held until it is done"
    connections = 1_000

    def ask(self, number, turn):
        return write("PUT", f"/job/own-{number}?until=done&wait=50s")


class Newcomers(Connections):
    sentence = "a client opens connections until there are no more descriptors, and reports one event on each"

    def greet(self, connection, number):
        connection.send(write("POST", "/job/own/events", b"progress=1", "Prefer: return=minimal"))


class Forgeries(Tokens):
    sentence = "a client presents 2,000 forged tokens a second with reports"

    def ask(self, client, field):
        client.socket.sendall(write("POST", "/job/small/events", b"started", field))
        return client.receive()


WRITE_ATTACKS = {attack.__name__.lower(): attack for attack in (
    Reports, Progress, Keys, Pipelines, Large, Bodies, Definitions, Invalid, Labels, Deletions, Unread, Unfinished,
    Trickles, Creations, Newcomers, Forgeries)}
