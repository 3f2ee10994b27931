"""Keeps every value by figure, server and round; computes medians, spreads and ratios, and judges the targets."""
import csv
import statistics
from dataclasses import dataclass


class Results:
    def __init__(self):
        self.values = {}  # figure -> server -> one value a round

    def add(self, figure, server, value):
        self.values.setdefault(figure, {}).setdefault(server, []).append(value)

    def of(self, figure, server):
        return self.values.get(figure, {}).get(server, [])

    def median(self, figure, server):
        return statistics.median(self.of(figure, server))

    def ratio(self, figure, server, other, other_figure=None):
        """The median of the rounds' ratios; None where one of the two was not measured."""
        pairs = list(zip(self.of(figure, server), self.of(other_figure or figure, other)))
        return statistics.median(a / b for a, b in pairs) if pairs and all(b for _, b in pairs) else None

    @staticmethod
    def read_csv(path):
        """What write_csv() wrote: the values, and the lines about the machine."""
        results = Results()
        with open(path, encoding="utf-8", newline="") as file:
            lines = file.readlines()
        for row in csv.DictReader(line for line in lines if not line.startswith("# ")):
            results.add(row["figure"], row["server"], float(row["value"]))
        return results, [line[2:].rstrip() for line in lines if line.startswith("# ")]

    def write_csv(self, path, machine):
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.writelines(f"# {line}\n" for line in machine)
            out = csv.writer(file)
            out.writerow(["figure", "server", "round", "value"])
            for figure, servers in self.values.items():
                for server, values in servers.items():
                    for number, value in enumerate(values):
                        out.writerow([figure, server, number + 1, f"{value:.6g}"])


@dataclass
class Target:
    row: str
    claim: str
    value: float | None
    limit: float
    at_most: bool

    @property
    def met(self):
        return self.value is not None and (self.value <= self.limit if self.at_most else self.value >= self.limit)


LOSS_MAX = 1.03  # Of an earlier build's figure.
MORE_IS_BETTER = "_per_s"


def targets_against(results):
    """No figure is worse than that of the build before."""
    found = []
    for figure, servers in results.values.items():
        for now in servers:
            before = now.replace("bide", "before", 1)
            if before == now or not any(results.of(figure, before)):
                continue
            better, worse = (before, now) if figure.endswith(MORE_IS_BETTER) else (now, before)
            found.append(Target(figure, f"times worse than before ({now})", results.ratio(figure, better, worse), LOSS_MAX, True))
    return found


def targets(results):
    """The rows of the promise. A value is None where its row was not measured."""
    found = []

    def at_most(row, claim, value, limit):
        found.append(Target(row, claim, value, limit, True))

    def at_least(row, claim, value, limit):
        found.append(Target(row, claim, value, limit, False))

    def best_peer(figure):
        peers = [kind for kind in ("nchan", "echo") if results.of(figure, kind)]
        return min(peers, key=lambda kind: results.median(figure, kind)) if peers else None

    if results.of("parked_bytes", "bide"):
        at_most("parked memory", "bytes a parked request", results.median("parked_bytes", "bide"), 512)
        for peer in ("nchan", "echo"):
            at_most("parked memory", f"of {peer}'s", results.ratio("parked_bytes", "bide", peer), 1 / 20)
        at_most("storm", "of echo's time", results.ratio("storm_ms", "bide", "echo"), 0.5)
    if results.of("fan_out_ms", "bide"):
        at_most("fan-out", "of the floor's time", results.ratio("fan_out_ms", "bide", "floor"), 1.2)
        peer = best_peer("fan_out_ms")
        at_most("fan-out", f"of {peer}'s time, the best peer", results.ratio("fan_out_ms", "bide", peer), 0.6)
    if results.of("notify_p50_ms", "bide"):
        for quantile in ("p50", "p99"):
            figure = f"notify_{quantile}_ms"
            at_most("notify", f"{quantile}, of a bare JetStream subscriber's",
                    results.ratio(figure, "bide", "nats-jetstream-beside-bide"), 1.5)
            at_most("notify", f"{quantile}, of a bare core subscriber's",
                    results.ratio(figure, "bide", "nats-core-beside-bide"), 1.5)
        at_most("notify", "p99, of echo's", results.ratio("notify_p99_ms", "bide", "echo"), 0.5)
    if results.of("report_p50_ms", "bide"):
        for quantile in ("p50", "p99"):
            figure = f"report_{quantile}_ms"
            at_most("report", f"{quantile}, of the same event's published to NATS",
                    results.ratio(figure, "bide", "bide, published"), 1.3)
        at_least("report", "a second, of a bare asynchronous nats.c publisher's",
                 results.ratio("reports_per_s", "bide", "nats.c"), 0.7)
        # Of the target: no server that is loaded by wrk on the same cores comes to it.
        at_least("report", "a second, of the floor's", results.ratio("reports_per_s", "bide", "floor"), 0.7)
    sizes = sorted((server for server in results.values.get("growth_p50_ms", {}) if server.startswith("bide-")),
                   key=lambda server: int(server.split("-")[1]))
    for server in sizes[1:]:
        at_most("growth", f"p50 with {server.split('-')[1]} parked, of that with {sizes[0].split('-')[1]}",
                results.ratio("growth_p50_ms", server, sizes[0]), 1.2)
    for connections in (32, 128):
        figure = f"get_{connections}_per_s"
        if results.of(figure, "bide"):
            at_least("plain GET", f"{connections} connections, of the floor's rate",
                     results.ratio(figure, "bide", "floor"), 0.85)
            at_least("plain GET", f"{connections} connections, of nginx's `return 200`",
                     results.ratio(figure, "bide", "nchan"), 1)
            at_least("conditional GET", f"{connections} connections, of the floor's rate",
                     results.ratio(f"not_modified_{connections}_per_s", "bide", "floor"), 0.85)
    if results.of("cold_start_s", "bide"):
        at_least("cold start", "of the speed of a bare consumer of all entries",
                 results.ratio("cold_start_s", "nats.c ordered, all", "bide"), 0.7)
        # A million jobs in 3 s, a fifth of that here.
        at_most("warm start", "of a full read of the bucket",
                results.ratio("cold_start_s", "bide, from its snapshot", "bide"), 0.2)
        at_most("table memory", "of the entries' raw bytes", results.ratio("table_bytes", "bide", "entries, raw"), 1.2)
    if results.of("idle_percent", "bide"):
        at_most("idle", "percent of a core", results.median("idle_percent", "bide"), 1)
    if results.of("churn_per_s", "bide"):
        at_least("connection churn", "answered at once, of echo's rate", results.ratio("churn_per_s", "bide", "echo"), 1)
        at_least("connection churn", "parked, of echo's rate", results.ratio("churn_parked_per_s", "bide", "echo"), 1)
        at_most("connection churn", "SYN retries in a burst", max(results.of("burst_syn_retries", "bide")), 0)
    return found
