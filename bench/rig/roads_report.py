"""Reports an evaluation, in the tables of docs/evaluation.md.

There each table is between two marks, `<!-- story -->` and `<!-- /story -->`.
"""
import re
import statistics

from rig import code_lines
from rig.report import number
from rig.results import Target
from rig.roads import ROADS, WRONG

MEGA = 1e-6


def spread(values, factor=1.0):
    """The median; with several rounds also the lowest and the highest."""
    values = [value * factor for value in values]
    text = number(statistics.median(values))
    return text if len(values) == 1 else f"{text} ({number(min(values))}–{number(max(values))})"


class Row:
    """One line of a table. The value of a road is the sum of its `figures`."""

    def __init__(self, title, *figures, factor=1.0):
        self.title = title
        self.figures = figures
        self.factor = factor

    def cell(self, results, road):
        rounds = [results.of(figure, road) for figure in self.figures]
        if not all(rounds):
            return ""
        return spread([sum(values) for values in zip(*rounds)], self.factor)


STORY = [
    Row("job: event to knowledge, p50, ms", "jobs_latency_p50_ms"),
    Row("job: p99, ms", "jobs_latency_p99_ms"),
    Row("dashboard: event to knowledge, p50, ms", "dashboards_latency_p50_ms"),
    Row("dashboard: p99, ms", "dashboards_latency_p99_ms"),
    Row("dashboard: states read by each, of 300", "dashboards_news_each"),
    Row("requests after each client's first, jobs", "jobs_requests"),
    Row("requests, dashboards", "dashboards_requests"),
    Row("connections opened after the first", "jobs_connects", "dashboards_connects"),
    Row("to the server, MB", "jobs_bytes_sent", "dashboards_bytes_sent", factor=MEGA),
    Row("from the server, jobs, MB", "jobs_bytes_received", factor=MEGA),
    Row("from the server, dashboards, MB", "dashboards_bytes_received", factor=MEGA),
    Row("bide, processor, s", "cpu_s"),
    Row("its nats-server, processor, s", "nats_cpu_s"),
    Row("bide, memory at its peak, MB", "peak_mb"),
    Row("errors seen by clients", "jobs_trouble", "dashboards_trouble"),
]
RESTART = [
    Row("SIGTERM to ready again, s", "down_s"),
    Row("connections refused", "restart_refused"),
    Row("connections reset", "restart_reset"),
    Row("answered 503, or the stream ended", "restart_unavailable"),
    Row("not answered in time", "restart_timeout"),
    Row("connections opened", "restart_connects"),
    Row("ready again to knowing what happened meanwhile, job, p50, s", "restart_jobs_known_p50_s"),
    Row("the last job, s", "restart_jobs_known_max_s"),
    Row("the last dashboard, s", "restart_dashboards_known_max_s"),
    Row("longest ignorance of a finished job, s", "restart_ignorant_s"),
    Row("changes that somebody was never told of", "restart_never_told"),
    Row("answers older than the one before", "restart_backwards"),
    Row("states sent to a client that had them", "restart_duplicates"),
    Row("requests in the first second after it", "restart_first_second"),
    Row("requests in the busiest tenth of a second", "restart_busiest_tenth"),
]
CROWD = [
    Row("bytes of bide a waiting client", "crowd_waiting_bytes"),
    Row("threads more while all wait", "crowd_threads"),
    Row("one change until the last client knows, ms", "crowd_last_ms"),
    Row("change to knowledge, p50, ms", "crowd_latency_p50_ms"),
    Row("p99, ms", "crowd_latency_p99_ms"),
    Row("the slowest of all, ms", "crowd_latency_max_ms"),
    Row("of which the generator was late, p99, ms", "crowd_lag_p99_ms"),
    Row("states read by each", "crowd_news_each"),
    Row("bide, processor, s", "crowd_cpu_s"),
]
MEMORY = [
    Row("bytes of bide a waiting client", "waiting_bytes"),
    Row("threads more while all wait", "waiting_threads"),
]


def sizes(results):
    found = (re.fullmatch(r"sweep_core_percent_(\d+)", figure) for figure in results.values)
    return sorted(int(match.group(1)) for match in found if match)


def sweep_rows(results):
    rows = []
    for size in sizes(results):
        rows += [Row(f"{size:,} clients, % of a core", f"sweep_core_percent_{size}"),
                 Row("requests a second", f"sweep_requests_per_s_{size}"),
                 Row("event to knowledge, p50, ms", f"sweep_p50_ms_{size}"),
                 Row("p99, ms", f"sweep_p99_ms_{size}")]
    if rows:
        largest = sizes(results)[-1]
        rows += [Row("of which the generator was late, p99, ms", f"sweep_lag_p99_ms_{largest}"),
                 Row(f"1,000 clients out of {largest:,}, % of a core", f"sweep_core_percent_{largest}",
                     factor=1000 / largest)]
    return rows


STREAM_BYTES_MAX = 4096  # More than a held request's.


def targets(results):
    """That streams are parked requests, as well served as those that are held."""
    held = "long polling"
    found = []
    for road in ("SSE", "WebSocket"):
        for figure, where in (("waiting_bytes", "a job each"), ("crowd_waiting_bytes", "one job")):
            pairs = list(zip(results.of(figure, road), results.of(figure, held)))
            if pairs:
                more = statistics.median(stream - request for stream, request in pairs)
                found.append(Target(road, f"bytes more than a held request, {where}", more, STREAM_BYTES_MAX, True))
        if results.of("crowd_threads", road):
            found.append(Target(road, "threads more while all wait", max(results.of("crowd_threads", road)), 0, True))
        if results.of("crowd_last_ms", road) and results.of("crowd_last_ms", held):
            found.append(Target(road, "of a held crowd's time until the last knows of one change",
                                results.ratio("crowd_last_ms", road, held), 1.2, True))
    for figure, what, limit in (("dashboards_bytes_received", "bytes", 1 / 50), ("cpu_s", "processor time", 1 / 3)):
        if results.of(figure, "SSE") and results.of(figure, "SSE, patches"):
            found.append(Target("SSE, patches", f"of the {what} of SSE, in the story",
                                results.ratio(figure, "SSE, patches", "SSE"), limit, True))
    return found


def table(results, rows):
    roads = [road for road in ROADS if any(row.cell(results, road) for row in rows)]
    lines = [f"| | {' | '.join(roads)} |", f"|{' --- |' * (len(roads) + 1)}"]
    cells = [(row.title, [row.cell(results, road) for road in roads]) for row in rows]
    lines += [f"| {title} | {' | '.join(values)} |" for title, values in cells if any(values)]
    return "\n".join(lines) if roads else ""


def target_table(found):
    lines = ["| road | target | is | |", "| --- | --- | --- | --- |"]
    lines += [f"| {target.row} | ≤ {number(target.limit)} {target.claim} | {number(target.value)} | "
              f"{'' if target.met else 'missed'} |" for target in found]
    return "\n".join(lines) if found else ""


def tables(results, machine):
    """By the names of their marks; empty where nothing was measured."""
    return {
        "machine": "\n".join(f"- {line}" for line in machine),
        "story": table(results, STORY),
        "restart": table(results, RESTART),
        "memory": table(results, MEMORY),
        "crowd": table(results, CROWD),
        "targets": target_table(targets(results)),
        "sweep": table(results, sweep_rows(results)),
        "code": code_lines.table(),
    }


def wrong(results):
    """The faults that were found, one line each."""
    return [f"{road}: {figure} is {max(values):.0f}" for figure, roads in results.values.items()
            if figure.endswith(WRONG) for road, values in roads.items() if max(values) > 0]


def filled(page, texts):
    """The page with each table between its marks; one that was not measured is left as it is."""
    for name, text in texts.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not marks.search(page):
            raise ValueError(f"the page has no place for {name}: <!-- {name} --> and <!-- /{name} -->")
        if text:
            page = marks.sub(lambda found, text=text: f"{found.group(1)}{text}\n{found.group(2)}", page)
    return page
