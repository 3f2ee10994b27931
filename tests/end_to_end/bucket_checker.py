"""Reads a bucket afresh and compares every job that bide tells of with it.

  tests/end_to_end/bucket_checker.py --bide http://127.0.0.1:8080 --nats nats://127.0.0.1:4222

Prints a line for each difference; exits with 1 if there is one. The fold in here is written from what
docs/workers.md promises of entries, a second time and by itself: it shares nothing with bide's.
"""
import argparse
import base64
import collections
import json
import re
import sys
import urllib.parse

import xxhash

from harness import Site
from jetstream import JetStream, Unavailable

RANKS = {"submitted": 0, "acknowledged": 1, "started": 2, "failed": 3, "skipped": 3, "completed": 4, "retried": 4}
DONE = ("failed", "skipped", "completed", "retried")
ID = r"([A-Za-z0-9_-]{1,128})"
AGENT = r"([A-Za-z0-9_=/-]+)"
KEYS = [re.compile(rf"jobs\.{ID}"),
        re.compile(rf"status\.{ID}\.({'|'.join(RANKS)})\.{AGENT}\.(\d+)"),
        re.compile(rf"responses\.{ID}\.{AGENT}\.(\d+)"),
        re.compile(rf"status\.{ID}\.progress\.{AGENT}")]
JOB, STATUS, RESPONSE, PROGRESS = range(4)
VALUE_BYTES_MAX = 1 << 20

# The entries of one job that count; `revision`: of the newest, marks of deletion included.
Material = collections.namedtuple("Material", "definition events responses progress revision")


def take_key(key):
    """(family, job, the rest's parts), or None."""
    for family, form in enumerate(KEYS):
        match = form.fullmatch(key)
        if match and match[1] not in ("status", "events"):
            return family, match[1], match.groups()[1:]
    return None


def take_value(stored, job, agent=None):
    """The object that was written, out of its envelope; None: not to be understood, or of another agent."""
    try:
        value = json.loads(stored.value)
        if isinstance(value, dict) and all(isinstance(value.get(name), str) for name in ("payload", "signature")):
            value = json.loads(base64.b64decode(value["payload"], validate=True))
    except ValueError:
        return None
    if not isinstance(value, dict) or len(stored.value) > VALUE_BYTES_MAX:
        return None
    name = value.get("hostname")
    if agent is not None and name and agent not in (segment(name), segment(name.encode())):
        return None
    return value if value.get("job_id", job) == job else None


def segment(name):
    """The agent's part of a key: characters (or bytes) outside A-Z a-z 0-9 _ - become _."""
    if isinstance(name, bytes):
        return re.sub(rb"[^A-Za-z0-9_-]", b"_", name).decode()
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def gather(entries):
    """Material by job, of the newest entry of every key."""
    jobs = {}
    for stored in sorted(entries):
        if (parts := take_key(stored.key)) is None:
            continue
        family, job, rest = parts
        definition, events, responses, progress, _ = jobs.get(job, Material(None, (), (), (), 0))
        agent = {JOB: None, STATUS: 1, RESPONSE: 0, PROGRESS: 0}[family]
        value = None if stored.deleted else take_value(stored, job, None if agent is None else rest[agent])
        if family == PROGRESS and value is not None:
            data = value.get("data") or {}
            if not 0 <= data.get("percent", 0) <= 100:
                continue
        if value is None and not stored.deleted:
            continue
        if family == JOB:
            definition = None if stored.deleted else value
        elif family == STATUS and value is not None:
            events += ((stored.revision, value.get("unix_nano", int(rest[2])), rest[0], value),)
        elif family == RESPONSE and value is not None:
            responses += ((value.get("hostname") or rest[0], value),)
        elif family == PROGRESS and value is not None:
            progress += ((value["hostname"], full(**{name: data.get(name) for name in ("percent", "message", "log")})),)
        jobs[job] = Material(definition, events, responses, progress, stored.revision)
    return jobs


def is_for_one(subject):
    words = subject.split(".")
    if not subject or words[-1].endswith("_any"):
        return True
    return len(words) > 1 and words[-2] == "host" and "label" not in words[:-2]


def judge(agents, newest, expected, one):
    """The status and finality of a job whose agents' highest and newest words are these."""
    done = [name for name, kind in agents.items() if kind in DONE]
    complete = all(name in done for name in expected) if isinstance(expected, list) else len(done) >= (expected or 0)
    if len(done) < len(agents) or not complete:
        return "processing", False
    kinds = set(agents.values())
    good = kinds & {"completed", "retried"}
    if "failed" in kinds:
        status = "partial_failure" if good else "failed"
    else:
        status = "completed" if good else "skipped"
    return status, (one or bool(expected)) and not {"acknowledged", "started"} & set(newest.values())


def fold(job, material):
    """What bide has to say of the job, without empty members; None: there is no such job."""
    definition, events, responses, progress, revision = material
    if definition is None:
        return None
    one, expected = is_for_one(definition.get("subject", "")), definition.get("expected_agents")
    status, final = "submitted", False
    # For one agent all are one, unless the definition expects several or one by its name.
    as_one = one and (not expected or expected == 1)
    agents, newest, told_by, started, ended, last = {}, {}, {}, {}, {}, {}
    for _, nano, kind, event in sorted(events, key=lambda event: event[0]):
        name = event["hostname"]
        if name == "_api":
            continue
        if as_one:
            name = ""
        newest[name] = kind
        if kind == "submitted":
            continue
        if RANKS[kind] >= RANKS[agents.get(name, "submitted")]:
            agents[name], told_by[name] = kind, event
        if kind == "started":
            started[name] = min(nano, started.get(name, nano))
        if kind in DONE:
            ended[name] = max(nano, ended.get(name, nano))
            last = event
    if agents:
        status, final = judge(agents, newest, expected, one)
    states = {told_by[name]["hostname"]: full(status=kind, error=error_of(told_by[name]),
                         duration=ended[name] - started[name]
                         if name in started and ended.get(name, -1) >= started[name] else None)
              for name, kind in agents.items()}
    # The newest of each agent; one for all if all are one.
    for name, told in progress[-1:] if as_one else progress:
        states.setdefault(next(iter(states), name) if as_one else name, {})["progress"] = told
    timeline = [full(timestamp=event["timestamp"], event=kind, hostname=event["hostname"],
                     message=message(kind, event), error=error_of(event))
                for _, _, kind, event in sorted(events, key=lambda event: (event[1], event[0]))]
    answers = dict(responses)  # Of each agent the latest.
    says = [value["changed"] for value in answers.values() if "changed" in value]
    return full(
        id=job, status=status, final=final, created=definition.get("created"),
        labels=definition.get("labels") or None,
        updated_at=timeline[-1]["timestamp"] if timeline else None, hostname=last.get("hostname"),
        error=error_of(last), changed=any(says) if says else None, operation=definition.get("operation"),
        result=next(iter(answers.values())).get("data") if len(answers) == 1 else None,
        responses={name: full(status=value.get("status"), data=value.get("data"), changed=value.get("changed"),
                              error=value.get("error"), hostname=name) for name, value in answers.items()} or None,
        agent_states=states or None, timeline=timeline or None, revision=revision)


def full(**members):
    return {name: value for name, value in members.items() if value is not None and value != ""}


def error_of(event):
    data = event.get("data")
    return data.get("error") if isinstance(data, dict) and isinstance(data.get("error"), str) else None


def message(kind, event):
    if kind == "acknowledged":
        return f"acknowledged by {event['hostname']}"
    if kind == "retried":
        new = (event.get("data") or {}).get("new_job_id")
        return f"retried as {new}" if new else kind
    return kind if kind == "submitted" else f"{kind} on {event['hostname']}"


UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "µs": 10**3, "us": 10**3, "ns": 1}


def understood(body):
    """What bide says, with durations as nanoseconds."""
    told = json.loads(body)
    for state in told.get("agent_states", {}).values():
        if "duration" in state:
            state["duration"] = sum(round(float(number) * UNITS[unit]) for number, unit in
                                    re.findall(r"([\d.]+)(h|ms|m|s|µs|us|ns)", state["duration"]))
    return told


def fold_bucket(entries):
    """What bide has to say of every job there is."""
    told = ((job, fold(job, material)) for job, material in gather(entries).items())
    return {job: state for job, state in told if state is not None}


def listed(bide, label=None):
    """The ids that bide lists, page by page. `label`: only those that have it, `name=value`."""
    ids, query = [], "limit=100" + (f"&label={urllib.parse.quote(label)}" if label else "")
    cursor = ""
    while True:
        page = bide.get(f"/job?{query}{cursor}")
        if page.status != 200:
            return [f"(the list: {page.status})"]
        ids += [item["id"] for item in page.json()["items"]]
        if "next" not in page.json():
            return ids
        cursor = f"&cursor={page.json()['next']}"


def compare_labels(bide, states):
    """A line for every label whose jobs are listed or counted otherwise than in the bucket."""
    jobs, wrong = collections.defaultdict(set), []
    for job, state in states.items():
        for name, value in state.get("labels", {}).items():
            jobs[f"{name}={value}"].add(job)
    for label, ids in sorted(jobs.items()):
        told = listed(bide, label)
        if sorted(told) != sorted(ids):
            wrong.append(f"label {label}: lists {sorted(told)[:9]}, the bucket has {sorted(ids)[:9]}")
        counts = bide.get(f"/job/status?label={urllib.parse.quote(label)}")
        expected = collections.Counter(states[job]["status"] for job in ids)
        if counts.status != 200 or +collections.Counter(counts.json()["status_counts"]) != expected:
            wrong.append(f"label {label}: expected {dict(expected)}, {counts.status} {counts.body.decode()[:200]}")
    return wrong


def compare(bide, created, states, ids=()):
    """A line for every difference. `ids`: of jobs that ever were, to be asked for as well."""
    wrong = []
    ids_listed = listed(bide)
    if sorted(ids_listed) != sorted(states):
        wrong.append(f"listed but not in the bucket: {sorted(set(ids_listed) - set(states))[:9]}, "
                     f"in the bucket but not listed: {sorted(set(states) - set(ids_listed))[:9]}")
    counts = bide.get("/job/status")
    expected = collections.Counter(state["status"] for state in states.values())
    if counts.status != 200 or +collections.Counter(counts.json()["status_counts"]) != expected:
        wrong.append(f"/job/status: expected {dict(expected)}, {counts.status} {counts.body.decode()[:200]}")
    wrong += compare_labels(bide, states)
    for job in sorted({*states, *ids}):
        answer = bide.get(f"/job/{job}")
        state = states.get(job)
        if answer.status != (404 if state is None else 200):
            wrong.append(f"{job}: {answer.status} {answer.body.decode()[:200]}, the bucket says {state}")
        elif state is not None and (told := understood(answer.body)) != state:
            wrong.append(f"{job}: " + "; ".join(
                f"{name} is {told.get(name)}, expected {state.get(name)}"
                for name in sorted({*state, *told}) if state.get(name) != told.get(name)))
        elif state is not None:
            tag = f'"{created:x}-{state["revision"]}-{xxhash.xxh3_64_hexdigest(answer.body)}"'
            if answer["ETag"] != tag:
                wrong.append(f"{job}: ETag is {answer['ETag']}, expected {tag}")
    return wrong


def check(bide, nats_url, ids=(), bucket="job-queue"):
    """A line for every difference between bide and the bucket."""
    try:
        with JetStream(nats_url, bucket) as nats:
            created, entries = nats.read()
    except Unavailable as error:
        return [f"the bucket cannot be read: {error}"]
    return compare(bide, created, fold_bucket(entries), ids)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bide", required=True, metavar="URL", help="of a bide on 127.0.0.1")
    parser.add_argument("--nats", required=True, metavar="URL")
    parser.add_argument("--bucket", default="job-queue")
    options = parser.parse_args(arguments)
    bide = Site()
    bide.port = int(options.bide.rstrip("/").rpartition(":")[2])
    wrong = check(bide, options.nats, bucket=options.bucket)
    print("\n".join(wrong) if wrong else "no difference")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
