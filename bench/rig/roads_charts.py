"""The evaluation's charts, as docs/evaluation.md shows them."""
import os
import subprocess

from rig.roads import ROADS
from rig.roads_report import MEGA, sizes


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
    """A group of bars for each road, a bar for each figure, on a logarithmic scale."""
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
    """`series`: name -> [(x, y)]; one with less than two points makes no line."""
    # On a logarithmic scale nought has no place.
    series = {name: [point for point in points if point[1] > 0] for name, points in series.items()}
    series = {name: points for name, points in series.items() if len(points) > 1}
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
    bars(results, folder, "crowd", "10,000 on one job: one change until the last client knows, ms",
         [("crowd_last_ms", "last client")])
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
