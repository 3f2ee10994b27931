"""Counts the code of each road: lines that are neither empty nor all comment."""
import glob
import os
import re

from rig.processes import ROOT

# Between which marks of examples/follow.mjs a road's client stands.
CLIENTS = {
    "polling": ("poll", "ask"),
    "conditional polling": ("conditional", "ask"),
    "long polling": ("long-poll", "ask"),
    "SSE": ("sse", "ask"),
    "WebSocket": ("ws", "ask"),
}
# Of bide, the files that are there for a road; streams read `until` by those of long polling, too.
BOTH_STREAMS = ("server/http/stream.*", "server/api/stream_*")
HOLDING = ("server/api/hold_query.*", "server/api/hold_time.*")
SERVER = {
    "long polling": HOLDING,
    "SSE": ("server/sse/*",),
    "WebSocket": ("server/websocket/*",),
}


def code_lines(text):
    lines = (line.strip() for line in text.splitlines())
    return sum(1 for line in lines if line and not line.startswith("//"))


def lines_of(patterns):
    total = 0
    for pattern in patterns:
        for path in glob.glob(os.path.join(ROOT, pattern)):
            with open(path, encoding="utf-8") as file:
                total += code_lines(file.read())
    return total


def table():
    with open(os.path.join(ROOT, "examples", "follow.mjs"), encoding="utf-8") as file:
        example = file.read()

    def between(mark):
        return code_lines(re.search(rf"// <{mark}>\n(.*?)// </{mark}>", example, re.DOTALL).group(1))

    own = {road: between(marks[0]) for road, marks in CLIENTS.items()}
    rows = [("client: lines in JavaScript", own, None),
            ("client: shared with the others", {road: between("ask") for road in CLIENTS}, None),
            ("bide: lines of files for this road", {road: lines_of(SERVER.get(road, ())) for road in CLIENTS}, 0)]
    lines = [f"| | {' | '.join(CLIENTS)} |", f"|{' --- |' * (len(CLIENTS) + 1)}"]
    lines += [f"| {title} | {' | '.join('' if value == nothing else str(value) for value in values.values())} |"
              for title, values, nothing in rows]
    lines.append(f"| bide: lines that both streams share | | | | {lines_of(BOTH_STREAMS)} | {lines_of(BOTH_STREAMS)} |")
    return "\n".join(lines)
