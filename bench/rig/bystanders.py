"""Clients that share a server with an attacker: how long they wait, and how often they are refused."""
import multiprocessing
import selectors
import statistics
import time

from rig.nats import Writer

GETS_PER_S = 200
NEW_CONNECTION_EVERY = 10  # Requests of the GETs.
EVENTS_PER_S = 50
JOBS = 20
WRITES_PER_S = 50
SETTLING_S = 0.5  # Of the held ones, before the first event.


def percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def is_refused(answer):
    return answer.status not in (200, 304) or answer["Bide-Outcome"] == "shed"


def even_gets(connect, target, seconds, connections_too=False):
    """The latencies of GETs at an even rate in milliseconds, counted from when they were due; and the refusals."""
    client = connect()
    latencies, refused = [], []
    due = time.monotonic()
    end = due + seconds
    count = 0
    while due < end:
        time.sleep(max(due - time.monotonic(), 0))
        count += 1
        try:
            if connections_too and count % NEW_CONNECTION_EVERY == 0:
                client.close()
                client = connect()
            answer = client.get(target)
            if is_refused(answer):
                refused.append(f"GET: {answer.status}")
        except OSError as error:
            refused.append(f"GET: {type(error).__name__}")
            client = connect()
        latencies.append((time.monotonic() - due) * 1000)
        due += 1 / GETS_PER_S
    client.close()
    return latencies, refused


class Held:
    """Clients that are always held, each for a resource of its own."""

    def __init__(self, connect, targets):
        self.selector = selectors.DefaultSelector()
        self.refused = []
        self.clients = {}
        for target in targets:
            client = self.clients[target] = connect()
            answer = client.get(target)
            if is_refused(answer):
                self.refused.append(f"{target}: {answer.status}")
            self.ask(target, client, answer)
            self.selector.register(client.socket, selectors.EVENT_READ, target)

    @staticmethod
    def ask(target, client, answer):
        sign = "&" if "?" in target else "?"
        client.send(f"{target}{sign}wait=20s", f"If-None-Match: {answer['ETag']}")

    def answers(self, patience_s):
        """Yields (target, answer, when) of those who were answered, and has them held again."""
        for key, _ in self.selector.select(patience_s):
            client = self.clients[key.data]
            answer = client.receive()
            when = time.monotonic()
            if is_refused(answer):
                self.refused.append(f"{key.data}: {answer.status}")
                time.sleep(0.01)  # Not again and again.
            yield key.data, answer, when
            self.ask(key.data, client, answer)


def held(connect, nats_url, seconds):
    """The latencies from writing an event to the answer of the client that was held for it; and the refusals."""
    writer = Writer(nats_url)
    jobs = [f"bystander-{number}" for number in range(JOBS)]
    targets = {f"/job/{job}": job for job in jobs}
    crowd = Held(connect, [*targets, "/job/status", "/job?limit=10"])
    latencies, written = [], {}
    due = time.monotonic() + SETTLING_S
    end = due + seconds
    number = 0
    while True:
        now = time.monotonic()
        if now >= due and due < end:
            job = jobs[number % JOBS]
            written.setdefault(job, due)
            writer.event(job, "started", "web-1", time.time_ns())
            number += 1
            due += 1 / EVENTS_PER_S
            continue
        if due >= end and (not written or now > end + 30):
            break
        for target, _, when in crowd.answers(max(min(due - now, 0.1), 0)):
            if job := targets.get(target):
                if job in written:
                    latencies.append((when - written.pop(job)) * 1000)
    crowd.refused += [f"{job}: not told" for job in written]
    writer.close()
    return latencies, crowd.refused


def writing(connect, seconds):
    """The latencies from when a report was due to its 201, in milliseconds; and the refusals."""
    client = connect()
    latencies, refused = [], []
    due = time.monotonic()
    end = due + seconds
    while due < end:
        time.sleep(max(due - time.monotonic(), 0))
        try:
            answer = client.post(f"/job/written-{len(latencies) % JOBS}/events", b"started&agent=web-1")
            if answer.status != 201:
                refused.append(f"POST: {answer.status} {answer.body[:200].decode()}")
        except OSError as error:
            refused.append(f"POST: {type(error).__name__}")
            client = connect()
        latencies.append((time.monotonic() - due) * 1000)
        due += 1 / WRITES_PER_S
    client.close()
    return latencies, refused


def in_process(function, *arguments):
    """Starts it in a process of its own; call what is returned for its result."""
    receiving, sending = multiprocessing.Pipe(duplex=False)

    def run():
        sending.send(function(*arguments))

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    sending.close()

    def result():
        try:
            return receiving.recv()
        except EOFError:
            raise RuntimeError(f"{function.__name__} failed") from None
        finally:
            process.join()

    return result


def define(writer):
    """The jobs that bystanders ask and wait for, and report."""
    writer.define("small")
    for number in range(JOBS):
        writer.define(f"bystander-{number}")
        writer.define(f"written-{number}")
    writer.flush()


def watch(connect, nats_url, seconds):
    """All at once. Figures in milliseconds, and what was refused."""
    results = {"held": in_process(held, connect, nats_url, seconds),
               "GET": in_process(even_gets, connect, "/job/small", seconds, True),
               "write": in_process(writing, connect, seconds)}
    figures, refused = {}, []
    for name, result in results.items():
        latencies, more = result()
        figures |= {f"{name} p50": percentile(latencies, 0.5), f"{name} p99": percentile(latencies, 0.99)}
        refused += more
    return figures, refused


def median_ratio(pairs):
    return statistics.median(there / here for here, there in pairs)
