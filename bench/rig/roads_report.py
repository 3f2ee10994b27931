"""Tells what an evaluation found: tables as docs/evaluation.md has them, and charts."""
import os
import re
import statistics
import subprocess

from rig.report import number
from rig.roads import ROADS

MEGA = 1e-6


def spread(values, factor=1.0):
    """The median; with several rounds also the lowest and the highest."""
    values = [value * factor for value in values]
    text = number(statistics.median(values))
    return text if len(values) == 1 else f"{text} ({number(min(values))}–{number(max(values))})"


class Row:
    """One line of a table; its values a road come from `figures`, added up."""

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
    Row("longest ignorance of a finished job, s", "restart_ignorant_s"),
    Row("requests in the first second after it", "restart_first_second"),
    Row("requests in the busiest tenth of a second", "restart_busiest_tenth"),
]
CROWD = [
    Row("change to knowledge, p50, ms", "crowd_latency_p50_ms"),
    Row("p99, ms", "crowd_latency_p99_ms"),
    Row("the last client, ms", "crowd_latency_max_ms"),
    Row("of which the generator was late, p99, ms", "crowd_lag_p99_ms"),
    Row("states read by each", "crowd_news_each"),
    Row("bide, processor, s", "crowd_cpu_s"),
]
MEMORY = [Row("bytes of bide a waiting client", "waiting_bytes")]


def sizes(results):
    found = (re.fullmatch(r"sweep_core_percent_(\d+)", figure) for figure in results.values)
    return sorted(int(match.group(1)) for match in found if match)


def sweep_rows(results):
    rows = [Row(f"{size:,} clients, % of a core", f"sweep_core_percent_{size}") for size in sizes(results)]
    if rows:
        largest = sizes(results)[-1]
        rows += [Row(f"1,000 clients out of {largest:,}, % of a core", f"sweep_core_percent_{largest}",
                     factor=1000 / largest),
                 Row(f"requests a second, {largest:,} clients", f"sweep_requests_per_s_{largest}"),
                 Row(f"event to knowledge, {largest:,} clients, p50, ms", f"sweep_p50_ms_{largest}"),
                 Row("p99, ms", f"sweep_p99_ms_{largest}"),
                 Row("of which the generator was late, p99, ms", f"sweep_lag_p99_ms_{largest}")]
    return rows


def print_tables(results):
    for title, rows in (("The story", STORY), ("A restart in the middle", RESTART), ("Memory", MEMORY), ("Many on one job", CROWD),
                        ("Growth", sweep_rows(results))):
        roads = [road for road in ROADS if any(row.cell(results, road) for row in rows)]
        if not roads:
            continue
        print(f"\n{title}\n\n| | {' | '.join(roads)} |\n|{' --- |' * (len(roads) + 1)}")
        for row in rows:
            print(f"| {row.title} | {' | '.join(row.cell(results, road) for road in roads)} |")


def plot(folder, name, title, body, data):
    path = os.path.join(folder, "evaluation.dat")
    with open(path, "w", encoding="utf-8") as file:
        file.write(data)
    script = f"""
set terminal svg size 760,400 font "sans-serif,12" background "white" noenhanced
set output "evaluation_{name}.svg"
set title "{title}"
set grid ytics
set key top left
{body}
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True, cwd=folder)
    os.remove(path)


def bars(results, folder, name, title, figures, factor=1.0):
    """A group of bars a road, a bar a figure, on a logarithmic scale."""
    roads = [road for road in ROADS if all(results.of(figure, road) for figure, _ in figures)]
    if not roads:
        return
    values = [[results.median(figure, road) * factor for figure, _ in figures] for road in roads]
    data = "".join(f'"{road}" {" ".join(str(value) for value in row)}\n' for road, row in zip(roads, values))
    flat = [value for row in values for value in row if value > 0]
    columns = ", ".join(f'"evaluation.dat" using {index + 2}:xtic(1) title "{words}"'
                        for index, (_, words) in enumerate(figures))
    plot(folder, name, title, f"""
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8
set logscale y
set yrange [{min(flat) / 2}:{max(flat) * 8}]
plot {columns}""", data)


def lines(folder, name, title, axes, series):
    """`series`: name -> [(x, y)]."""
    if not series:
        return
    data = "\n\n".join("\n".join(f"{x} {y}" for x, y in points) for points in series.values()) + "\n"
    columns = ", ".join(f'"evaluation.dat" index {index} with linespoints linewidth 2 title "{words}"'
                        for index, words in enumerate(series))
    plot(folder, name, title, f"{axes}\nplot {columns}", data)


def draw(results, folder):
    bars(results, folder, "latency", "Event to client's knowledge, p99, ms",
         [("jobs_latency_p99_ms", "a job of one's own"), ("dashboards_latency_p99_ms", "dashboard")])
    bars(results, folder, "bytes", "From the server in the story's minute, MB",
         [("jobs_bytes_received", "1,000 jobs"), ("dashboards_bytes_received", "200 dashboards")], MEGA)
    bars(results, folder, "cpu", "Processor time of bide in the story's minute, s", [("cpu_s", "bide")])
    growth = {road: [(size, results.median(f"sweep_core_percent_{size}", road)) for size in sizes(results)]
              for road in ROADS if sizes(results) and results.of(f"sweep_core_percent_{sizes(results)[0]}", road)}
    lines(folder, "growth", "Processor of bide by number of clients, % of a core",
          'set logscale xy\nset xlabel "clients"', growth)
    restarts = {}
    for road in ROADS:
        figures = sorted(figure for figure in results.values if figure.startswith("restart_requests_at_"))
        points = [(int(figure[-3:]), results.of(figure, road)[0]) for figure in figures if results.of(figure, road)]
        if points:
            restarts[road] = points
    lines(folder, "restart", "Requests a second, with a restart in the middle (first round)",
          'set logscale y\nset yrange [0.8:*]\nset key outside right\nset xlabel "second of the story"', restarts)
