"""Reports a comparison: a table for the terminal, a chart for each figure."""
import os
import platform
import re
import statistics
import subprocess
import textwrap

# Figures in the order of the rows, with what stands above their table.
TITLES = {
    "parked_bytes": "User memory a parked request, bytes",
    "parked_threads": "Threads more while all are parked",
    "fan_out_ms": "Fan-out: all wait for one job, event to last answer, ms",
    "fan_out_lost": "Fan-out: clients that got no answer",
    "storm_ms": "Storm: each waits for its own job, all change through NATS, first event to last answer, ms",
    "notify_p50_ms": "Notify: one update among all parked, NATS publish to HTTP answer, median, ms",
    "notify_p99_ms": "Notify: the same, 99th percentile, ms",
    "growth_p50_ms": "Growth: notify median by number of parked requests, ms",
    "report_p50_ms": "Report over HTTP, or to NATS: until a held answer has it, p50, ms",
    "report_p99_ms": "Report over HTTP, or to NATS: until a held answer has it, p99, ms",
    "reports_per_s": "Reports over HTTP, 128 connections, next to a bare nats.c publisher, a second",
    "get_32_per_s": "Plain GET, 32 keep-alive connections, requests a second",
    "get_128_per_s": "Plain GET, 128 keep-alive connections, requests a second",
    "not_modified_32_per_s": "Conditional GET (304), 32 keep-alive connections, requests a second",
    "not_modified_128_per_s": "Conditional GET (304), 128 keep-alive connections, requests a second",
    "cold_start_s": "Cold start: until every entry of the bucket is taken in, s",
    "table_bytes": "Table: bytes of the process a job, next to the raw bytes of its five entries",
    "idle_percent": "Idle: processor while all are parked and nothing happens, percent of a core",
    "churn_per_s": "Churn: a new connection for every request, answered at once, a second",
    "churn_parked_per_s": "Churn: a new connection for every request, parked and woken, a second",
    "burst_syn_retries": "Burst of connects: SYNs that had to be sent again",
    "burst_ms": "Burst of connects: until the last is answered, ms",
}


def output_of(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        return (done.stdout + done.stderr).strip()
    except OSError:
        return "?"


def machine(size_name, rounds, turns="servers"):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    packages = ["libcpp-httplib-dev", "libnats-dev", "nats-server", "nginx", "libnginx-mod-nchan",
                "golang-github-labstack-echo-dev", "golang-github-nats-io-go-nats-dev", "golang-go", "g++", "wrk"]
    versions = dict(line.split("=", 1) for line in output_of(
        "dpkg-query", "-W", "-f", "${Package}=${Version}\n", *packages).splitlines() if "=" in line)
    return [
        f"{os.cpu_count()} cores of {model.group(1) if model else 'an unknown processor'}, Linux {platform.release()}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"{size_name}, {rounds} round{'s' if rounds != 1 else ''}, {turns} in random order within each; median (lowest to highest)",
    ]


def number(value):
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def print_table(results, found):
    for figure, title in TITLES.items():
        if figure not in results.values:
            continue
        print(f"\n{title}")
        for server, values in sorted(results.values[figure].items(), key=lambda item: statistics.median(item[1])):
            spread = f"({number(min(values))} to {number(max(values))})" if len(values) > 1 else ""
            print(f"  {server:34} {number(statistics.median(values)):>12}  {spread}")
    if found:
        print("\nTargets")
    for target in found:
        value = "-" if target.value is None else number(target.value)
        sign = "<=" if target.at_most else ">="
        print(f"  {'met   ' if target.met else 'MISSED'}  {target.row:17} {value:>8} {sign} {number(target.limit):<6} "
              f"{target.claim}")


def draw(results, folder, machine_lines):
    """A bar a server, with whiskers from the lowest to the highest value."""
    for figure, title in TITLES.items():
        servers = results.values.get(figure)
        if not servers:
            continue
        path = os.path.join(folder, figure)
        with open(path + ".dat", "w", encoding="utf-8") as file:
            for index, (server, values) in enumerate(servers.items()):
                file.write(f'{index} "{server}" {statistics.median(values)} {min(values)} {max(values)}\n')
        lines = [part.replace('"', "'") for line in machine_lines for part in textwrap.wrap(line, 130)]
        labels = "\n".join(f'set label "{line}" at screen 0.02, {0.03 * (len(lines) - row)} font ",8"'
                           for row, line in enumerate(lines))
        script = f"""
set terminal svg size 760,460 font "sans-serif,12" background "white" noenhanced
set output "{figure}.svg"
set title "{title}"
{labels}
set bmargin {3 + len(lines)}
set style fill solid 0.8
set boxwidth 0.6
set yrange [0:{max(max(values) for values in servers.values()) * 1.1 or 1}]
set grid ytics
unset key
plot "{figure}.dat" using 1:3:xtic(2) with boxes linecolor rgb "#4878a8", \
     "" using 1:3:4:5 with yerrorbars linecolor rgb "#303030" pointtype 7 pointsize 0.4
"""
        subprocess.run(["gnuplot"], input=script, text=True, check=True, cwd=folder)
        os.remove(path + ".dat")
