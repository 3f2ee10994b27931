"""The rows of the comparison: one function each, called once a round, which yields (server, figure, value)."""
import os
import random
import re
import subprocess
import time
from contextlib import ExitStack

from rig.processes import BUILD, SERVERS, Before, Bide, Nats, WritingFloor

PROBE = os.path.join(BUILD, "bench", "probe", "bide-probe")


class Size:
    """How much is measured. The short mode exists to keep this from rotting, not for its figures."""

    def __init__(self, short, against=False):
        self.against = against  # bide and an earlier build of it, and nobody else.
        self.clients = 300 if short else 10_000
        self.clients_of_threads = 50 if short else 500  # A thread each, and a backlog of 5.
        self.growth = (50, 100) if short else (100, 1_000, 10_000, 18_000)
        self.idle_clients = 100 if short else 18_000
        self.idle_s = 1 if short else 20
        self.samples = 20 if short else 300
        self.wrk_s = 1 if short else 4
        self.churn_s = 1 if short else 4
        self.burst = 500 if short else 5_000
        self.jobs = 2_000 if short else 200_000  # Of five entries each.


def probe(row, *options):
    """Runs bide-probe; its figures as a dict."""
    done = subprocess.run([PROBE, row, *(str(option) for option in options)], capture_output=True, text=True,
                          timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"bide-probe {row}: {done.stderr.strip()}")
    return {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def shuffled(kinds):
    return random.sample(kinds, len(kinds))


def measured(size, kinds):
    """Those of a row, in an order that says nothing."""
    return shuffled(["bide", "before"] if size.against else kinds)


def fresh(kind, row, *options):
    """The figures of a server that nothing else has touched."""
    with ExitStack() as stack:
        server = SERVERS[kind]
        nats = stack.enter_context(Nats()) if server.needs_nats else None
        running = stack.enter_context(server(nats))
        return probe(row, *running.probe_options(), *options)


def answered_all(kind, figures):
    if figures["wrong"] or (figures["lost"] and kind != "threads"):
        raise RuntimeError(f"{kind}: {figures['lost']:.0f} answers lost, {figures['wrong']:.0f} wrong")


def named(kind, clients, size):
    """A server measured with fewer clients than the others says so."""
    return kind if clients == size.clients else f"{kind}, {clients} clients"


def parked(size):
    """Everybody waits for a job of their own: memory while parked, and the storm that wakes them."""
    for kind in measured(size, ["floor", "bide", "nchan", "echo", "threads"]):
        clients = size.clients_of_threads if kind == "threads" else size.clients
        figures = fresh(kind, "wake", "--clients", clients, "--jobs", clients)
        answered_all(kind, figures)
        yield named(kind, clients, size), "parked_bytes", figures["bytes_per_parked"]
        yield named(kind, clients, size), "parked_threads", figures["threads_more"]
        if kind in ("bide", "before", "echo"):
            yield kind, "storm_ms", figures["last_ms"]


def fan_out(size):
    for kind in measured(size, ["floor", "bide", "nchan", "echo", "threads"]):
        clients = size.clients_of_threads if kind == "threads" else size.clients
        figures = fresh(kind, "wake", "--clients", clients, "--jobs", 1)
        answered_all(kind, figures)
        yield named(kind, clients, size), "fan_out_ms", figures["last_ms"]
        yield named(kind, clients, size), "fan_out_lost", figures["lost"]


def notify(size):
    for kind in measured(size, ["bide", "echo"]):
        figures = fresh(kind, "notify", "--clients", size.clients, "--samples", size.samples)
        for name in ("answer", "core", "jetstream"):
            who = kind if name == "answer" else f"nats-{name}-beside-{kind}"
            yield who, "notify_p50_ms", figures[f"{name}_p50_ms"]
            yield who, "notify_p99_ms", figures[f"{name}_p99_ms"]


def report(size):
    """A report over HTTP: until a held answer has it, next to the same event published to NATS; and how many a second."""
    if size.against and not Before.writes:
        return
    kinds = [("bide", "http"), ("before", "http")] if size.against else [("bide", "http"), ("bide", "nats"), ("echo", "http")]
    for kind, over in shuffled(kinds):
        figures = fresh(kind, "notify", "--clients", size.clients, "--samples", size.samples, "--over", over)
        who = kind if over == "http" else f"{kind}, published"
        yield who, "report_p50_ms", figures["answer_p50_ms"]
        yield who, "report_p99_ms", figures["answer_p99_ms"]
    for kind in measured(size, ["bide", "echo", "nats.c", "floor"]):
        with ExitStack() as stack:
            nats = stack.enter_context(Nats())
            if kind in ("nats.c", "floor"):  # Beside them bide follows what is published, as it follows its own writes.
                stack.enter_context(Bide(nats))
            if kind == "nats.c":
                rate = probe("publish", "--nats", nats.url, "--seconds", size.wrk_s)["per_s"]
            else:
                server = stack.enter_context((WritingFloor if kind == "floor" else SERVERS[kind])(nats))
                script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "report.lua")
                rate = wrk(server, 128, size.wrk_s, "/", script=script)
            yield kind, "reports_per_s", rate


def growth(size):
    """The floor beside it, told by POST: what the kernel's own growth is."""
    for clients in shuffled(list(size.growth)):
        for kind in measured(size, ["bide", "floor"]):
            figures = fresh(kind, "notify", "--clients", clients, "--samples", size.samples)
            yield f"{kind}-{clients}", "growth_p50_ms", figures["answer_p50_ms"]


def wrk(server, connections, seconds, path, fields=(), script=None):
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", server.url(path)]
    if script:
        command += ["-s", script]
    for field in fields:
        command += ["-H", field]
    text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    if "Non-2xx" in text and not fields:
        raise RuntimeError(f"{server.kind} does not answer 200: {text}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))


def get(size):
    """Plain and conditional GETs. All servers run all the time: an idle one costs the others nothing."""
    kinds = measured(size, ["floor", "bide", "nchan", "echo", "threads"])
    with ExitStack() as stack:
        nats = stack.enter_context(Nats())
        servers = {kind: stack.enter_context(SERVERS[kind](nats)) for kind in kinds}
        # One event, so that the job looks like those of the other rows.
        for kind in kinds:
            answered_all(kind, probe("wake", *servers[kind].probe_options(), "--clients", 1, "--jobs", 1,
                                     "--prefix", "plain-"))
        for connections in (32, 128):
            for kind in shuffled(kinds):
                path = servers[kind].plain_path("plain-0")
                yield kind, f"get_{connections}_per_s", wrk(servers[kind], connections, size.wrk_s, path)
            for kind in shuffled([kind for kind in kinds if kind != "nchan"]):
                tag = tag_of(servers[kind])
                yield kind, f"not_modified_{connections}_per_s", wrk(
                    servers[kind], connections, size.wrk_s, "/job/plain-0", [f"If-None-Match: {tag}"])


def tag_of(server):
    head = subprocess.run(["curl", "-s", "-o", "/dev/null", "-D", "-", server.url("/job/plain-0")],
                          capture_output=True, text=True, check=True).stdout
    return re.search(r"(?im)^etag: *(.*?)\r?$", head).group(1)


def cold_start(size):
    """A large bucket: until bide is ready, and what its table takes, next to a consumer that only reads."""
    with Nats() as nats:
        filled = probe("fill", "--nats", nats.url, "--jobs", size.jobs)
        bare = probe("drain", "--nats", nats.url)
        yield "nats.c ordered, all", "cold_start_s", bare["all_seconds"]
        yield "nats.c ordered, last per subject", "cold_start_s", bare["last_per_subject_seconds"]
        yield "entries, raw", "table_bytes", filled["bytes"] / size.jobs
        for kind in measured(size, ["bide"]):
            start = time.monotonic()
            with SERVERS[kind](nats) as bide:
                yield kind, "cold_start_s", time.monotonic() - start
                yield kind, "table_bytes", pss_of(bide) / size.jobs
                if kind == "bide":
                    stop_s, start_s = bide.start_warm()
                    yield "bide, from its snapshot", "cold_start_s", start_s
                    yield "bide, writing it when it ends", "cold_start_s", stop_s
                    yield "bide, from its snapshot", "table_bytes", pss_of(bide) / size.jobs


def pss_of(server):
    with open(f"/proc/{server.child.pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"Pss:\s+(\d+) kB", file.read()).group(1)) * 1024


def idle(size):
    for kind in measured(size, ["bide", "echo", "nchan"]):
        figures = fresh(kind, "idle", "--clients", size.idle_clients, "--seconds", size.idle_s)
        yield kind, "idle_percent", figures["cpu_percent"]


def churn(size):
    for kind in measured(size, ["floor", "bide", "echo"]):
        figures = fresh(kind, "churn", "--seconds", size.churn_s)
        yield kind, "churn_per_s", figures["per_second"]
    # Not the floor: it judges no tags, so an event that overtakes the request would not be told.
    for kind in measured(size, ["bide", "echo"]):
        figures = fresh(kind, "churn", "--seconds", size.churn_s, "--parked", 1)
        yield kind, "churn_parked_per_s", figures["per_second"]
    for kind in measured(size, ["floor", "bide", "echo"]):
        figures = fresh(kind, "burst", "--clients", size.burst)
        yield kind, "burst_syn_retries", figures["syn_retries"]
        yield kind, "burst_ms", figures["last_ms"]


ROWS = {row.__name__: row for row in (parked, fan_out, notify, report, growth, get, cold_start, idle, churn)}
