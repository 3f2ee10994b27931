"""The evaluation's parts: each follows the same jobs by every road, on a bide started for the purpose.

Each yields (road, figure, value); bench/evaluate calls it once a round.
"""
import json
import os
import random
import statistics
import subprocess
import time

from rig.processes import BUILD, EmbeddedBide
from rig.watch import Watch

LOAD = os.path.join(BUILD, "bench", "load", "bide-load")
PATIENCE_S = 180

# What bide-load is told; a poll's period in seconds.
ROADS = {
    "polling 2 s": ("plain-poll", 2.0),
    "polling 5 s": ("plain-poll", 5.0),
    "conditional 2 s": ("poll", 2.0),
    "conditional 5 s": ("poll", 5.0),
    "long polling": ("long-poll", 0),
    "SSE": ("sse", 0),
    "SSE, patches": ("sse-patches", 0),
    "SSE, every 2 s": ("sse-every", 2.0),
    "WebSocket": ("ws", 0),
}
NOT_IN_THE_STORY = ("conditional 5 s",)  # It differs from 2 s as polling 5 s does.
# Conditional polling differs from polling as it does every 2 s; a WebSocket costs what SSE does; and where each client
# has a job of two events, there is little to leave out.
NOT_IN_THE_SWEEP = ("conditional 5 s", "WebSocket", "SSE, patches", "SSE, every 2 s")
WAIT_S = 25.0  # How long a request is held.


class Size:
    """How much happens. The short mode exists to keep this from rotting, not for its figures."""

    def __init__(self, short):
        self.short = short
        self.clients = 100 if short else 1_000
        self.dashboards = 20 if short else 200
        self.agents = 10 if short else 100
        self.story_s = 1 if short else 60
        self.restart_story_s = 2 if short else 30
        self.speed = 10 if short else 1  # Of the polls' periods.
        self.memory_clients = 200 if short else 10_000
        self.crowd_clients = 200 if short else 10_000
        self.crowd_s = 1 if short else 20
        self.sweep_clients = (100,) if short else (100, 1_000, 3_000, 10_000)
        self.sweep_poll_s = 1 if short else 10
        self.sweep_held_s = 1 if short else 28  # Longer than a request is held.

    def some(self, roads, kept):
        """The roads of a part; in short mode not all of them."""
        return [road for road in roads if not self.short or road in kept] or roads[:1]


def shuffled(roads):
    return random.sample(roads, len(roads))


def options_of(road, size):
    name, period = ROADS[road]
    options = ["--road", name, "--wait", f"{WAIT_S / size.speed:.0f}s"]
    return options + (["--every", f"{period / size.speed * 1000:.0f}ms"] if period else [])


class Load:
    """bide-load, running."""

    def __init__(self, bide, road, size, *options):
        command = [LOAD, "--json", "--server", bide.address, "--nats-url-file", bide.nats_url_file,
                   *options_of(road, size), *options]
        self.road = road
        self.child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True)

    def report(self):
        out, err = self.child.communicate(timeout=PATIENCE_S)
        if self.child.returncode not in (0, 3):
            raise RuntimeError(f"{self.road}: {err.strip()}")
        return json.loads(out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.communicate()


class Story(Load):
    """Its scenario with a beginning and an end."""

    def __init__(self, bide, road, size, clients, dashboards, story_s, agents=None):
        super().__init__(bide, road, size, "--scenario", "story", "--clients", clients, "--dashboards", dashboards,
                         "--agents", agents or size.agents, "--duration", f"{story_s}s")

    def wait_begin(self):
        line = self.child.stdout.readline()
        if not line.startswith("begin "):
            raise RuntimeError(f"{self.road}: {self.child.communicate(timeout=PATIENCE_S)[1].strip()}")
        return float(line.split()[1])

    def report(self):
        """Of both crowds."""
        report = super().report()
        return report | {"jobs": report}


# The report's words for faults that no road may have, and the evaluation's.
WRONGS = {"missed": "never_told", "never_stored": "never_stored", "backwards": "backwards"}
WRONG = tuple(WRONGS.values())


def wrongs(part, road, report):
    """Counts of faults that no road may have. They do not end the run, but make bench/evaluate fail."""
    for word, wrong in WRONGS.items():
        yield road, f"{part}_{wrong}", of_both(report, word)


def of_both(report, figure):
    return sum(report[crowd][figure] for crowd in ("jobs", "dashboards"))


def trouble(crowd):
    """Nobody has asked for something that changes nothing, so all that is no answer is trouble."""
    return sum(value for figure, value in crowd.items() if figure.startswith("trouble_"))


def story(size, roads):
    """Nothing goes wrong: the cost of each road, and how soon its clients know."""
    for road in shuffled([road for road in roads if road not in NOT_IN_THE_STORY]):
        with EmbeddedBide() as bide, Watch(bide) as watch:
            with Story(bide, road, size, size.clients, size.dashboards, size.story_s) as running:
                running.wait_begin()
                report = running.report()
        yield from wrongs("story", road, report)
        for crowd in ("jobs", "dashboards"):
            found = report[crowd]
            for figure in ("latency_p50_ms", "latency_p99_ms", "latency_max_ms", "requests", "connects"):
                yield road, f"{crowd}_{figure}", found[figure]
            yield road, f"{crowd}_bytes_sent", found["sent_bytes"]
            yield road, f"{crowd}_bytes_received", found["received_bytes"]
            yield road, f"{crowd}_trouble", trouble(found)
            yield road, f"{crowd}_lag_p99_ms", found["loop_lag_p99_ms"]
            yield road, f"{crowd}_news_each", found["news"] / found["clients"]
        begin, end = report["began_at_s"], report["ended_at_s"]
        yield road, "cpu_s", watch.cpu.grown(begin, end)
        yield road, "nats_cpu_s", watch.nats_cpu.grown(begin, end)
        yield road, "peak_mb", watch.memory.peak(begin, end) / 1e6
        yield road, "story_s", end - begin


def restart(size, roads):
    """The same, shorter, and in its middle bide is stopped and started again."""
    for road in shuffled(size.some([road for road in roads if road not in NOT_IN_THE_STORY],
                                   ("long polling", "SSE"))):
        with EmbeddedBide() as bide:
            with Story(bide, road, size, size.clients, size.dashboards, size.restart_story_s) as running:
                begin = running.wait_begin()
                time.sleep(max(begin + size.restart_story_s / 2 - time.monotonic(), 0))
                told, ready = bide.restart()
                report = running.report()
        yield from wrongs("restart", road, report)
        yield road, "down_s", ready - told
        for crowd in ("jobs", "dashboards"):
            for name, value in knowledge_after(report[crowd], told, ready).items():
                yield road, f"restart_{crowd}_{name}", value
        for figure, word in (("duplicates", "duplicates"), ("refused", "trouble_connect"), ("reset", "trouble_reset"),
                             ("timeout", "trouble_timeout"), ("unavailable", "trouble_503"),
                             ("early", "trouble_early"), ("connects", "connects")):
            yield road, f"restart_{figure}", of_both(report, word)
        yield road, "restart_ignorant_s", max(report[crowd]["finish_max_ms"] for crowd in ("jobs", "dashboards")) / 1e3
        ticks = requests_by_tick(report)
        for second in range(0, len(ticks), TICKS):
            yield road, f"restart_requests_at_{second // TICKS:03}", sum(ticks[second:second + TICKS])
        down, up = (int((when - begin) * TICKS) for when in (told, ready))
        yield road, "restart_first_second", sum(ticks[up:up + TICKS])
        yield road, "restart_busiest_tenth", max(ticks[down:], default=0)


def knowledge_after(crowd, told, ready):
    """From bide's being ready again to when all know what happened while it was away."""
    waits = [last - ready for due, last in crowd["told_at"] if told <= due <= ready]
    if not waits:
        return {}
    return {"known_p50_s": max(statistics.median(waits), 0), "known_max_s": max(waits + [0])}


TICKS = 10  # A second; as bide-load counts.


def requests_by_tick(report):
    """Of both crowds."""
    crowds = [report[crowd]["requests_by_tick"] for crowd in ("jobs", "dashboards")]
    so_far = [sum(requests) for requests in zip(*crowds)]
    return [later - before for before, later in zip([0] + so_far, so_far)]


def memory(size, roads):
    """Everybody waits for a job of their own, and nothing happens."""
    for road in shuffled(size.some(list(roads), ("long polling", "SSE"))):
        if road in ("polling 5 s", "conditional 5 s"):
            continue  # The connections are those of 2 s.
        with EmbeddedBide() as bide, Watch(bide) as watch:
            with Story(bide, road, size, size.memory_clients, 0, 1) as running:
                running.wait_begin()
                report = running.report()
        before, waiting = report["defined_at_s"], report["waiting_at_s"]
        yield road, "waiting_bytes", watch.memory.grown(before, waiting) / size.memory_clients
        yield road, "waiting_threads", watch.threads.grown(before, waiting)


def crowd(size, roads):
    """Everybody watches one job, and is told of each of its changes: one by one, who hears last?"""
    for road in shuffled(size.some([road for road in roads if not ROADS[road][1]], ("long polling", "SSE"))):
        with EmbeddedBide() as bide, Watch(bide) as watch:
            with Story(bide, road, size, 1, size.crowd_clients, size.crowd_s, agents=3) as running:
                running.wait_begin()
                report = running.report()
        yield from wrongs("crowd", road, report)
        told = report["dashboards"]["told_at"]
        if not told:
            continue
        before, waiting = report["defined_at_s"], report["waiting_at_s"]
        yield road, "crowd_waiting_bytes", watch.memory.grown(before, waiting) / size.crowd_clients
        yield road, "crowd_threads", watch.threads.grown(before, waiting)
        for figure in ("latency_p50_ms", "latency_p99_ms", "latency_max_ms"):
            yield road, f"crowd_{figure}", report["dashboards"][figure]
        yield road, "crowd_lag_p99_ms", report["dashboards"]["loop_lag_p99_ms"]
        yield road, "crowd_last_ms", statistics.median(last - due for due, last in told) * 1e3
        yield road, "crowd_cpu_s", watch.cpu.grown(report["began_at_s"], report["ended_at_s"])
        yield road, "crowd_news_each", report["dashboards"]["news"] / size.crowd_clients


def sweep(size, roads):
    """Growing crowds whose jobs change all the time: the processor that a client takes."""
    swept = [road for road in roads if road not in NOT_IN_THE_SWEEP]
    for road in shuffled(size.some(swept, ("conditional 2 s", "SSE"))):
        for clients in shuffled(list(size.sweep_clients)):
            seconds = size.sweep_poll_s if ROADS[road][1] else size.sweep_held_s
            rate = max(clients // 30, 1)  # As in the story: two events a minute for each.
            with EmbeddedBide() as bide, Watch(bide) as watch:
                with Load(bide, road, size, "--clients", clients, "--rate", rate, "--duration", f"{seconds}s") as load:
                    report = load.report()
            yield road, "sweep_never_told", report["missed"]
            yield road, "sweep_backwards", report["backwards"]
            begin = report["began_at_s"]
            used = watch.cpu.grown(begin, begin + seconds)
            yield road, f"sweep_core_percent_{clients}", 100 * used / seconds
            yield road, f"sweep_requests_per_s_{clients}", report["requests_per_s"]
            yield road, f"sweep_p50_ms_{clients}", report["latency_p50_ms"]
            yield road, f"sweep_p99_ms_{clients}", report["latency_p99_ms"]
            yield road, f"sweep_lag_p99_ms_{clients}", report["loop_lag_p99_ms"]


PARTS = {part.__name__: part for part in (story, restart, memory, crowd, sweep)}
