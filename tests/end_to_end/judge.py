"""Was everybody told, in time, and never back? What clients were told of jobs, held against what the bucket held.

- Nobody is told a state that the job never had, or that no job is there while it is.
- What is told was so a given time ago at the latest, also where the answer is that nothing is new.
- Nobody is told an older state than before.
- Nobody is refused without a reason.
- A follower that goes on to the end of its job is told of it.

bench/load/book.h has the same rules for revisions, at the speed of a generator of load.
"""
import collections
import json
import time

from bucket_checker import fold, gather, understood

# Of one job: it was told of so from `since` at the earliest to `until` at the latest. `state`: None while
# there was no such job.
Was = collections.namedtuple("Was", "since until state")

FOREVER = float("inf")


class Told:
    """One answer. `known`: the state that the client had, for a 304; `kind`: how it asked. `excused`: NATS was
    away, or had just come back."""

    def __init__(self, kind, job, asked, status, state, fields=(), known=None, excused=False):
        self.kind, self.job, self.asked, self.answered = kind, job, asked, time.monotonic()
        self.status, self.state, self.fields, self.known, self.excused = status, state, fields, known, excused

    def __repr__(self):
        return f"{self.kind} {self.job}: {self.status} {self.state} asked {self.asked:.2f} answered {self.answered:.2f}"


class Judge:
    """Of jobs whose entries only become more. Others say what else may be, and what is too late."""

    absent_s = FOREVER  # So long after its definition a job may be told not to be there.

    def earliest(self, one):
        """A state that ceased before this moment is told too late."""
        return -FOREVER

    def judge(self, told, was, to_the_end=False):
        """A line for all that is wrong. `told`: to one client, of one job, in order; `was`: the job."""
        wrong, newest = [], {"revision": 0, "final": False}
        states = {canonical(state.state) for state in was}
        for one in told:
            wrong += self.judge_one(one, was, states)
            if one.status == 200:
                if one.state["revision"] <= newest["revision"]:
                    wrong.append(f"told again or back, after {newest['revision']}: {one}")
                newest = one.state
        if to_the_end and not newest["final"]:
            wrong.append(f"never told of the end: {told[-1:]}")
        return wrong

    def judge_one(self, one, was, states):
        if one.status == 503:
            return self.judge_refused(one)
        if one.status == 404:
            return self.judge_absent(one, was)
        if one.status not in (200, 304, 409, 204):
            return [f"what is this: {one} {one.fields}"]
        if one.status == 204:
            return []
        state = read({304: one.known, 409: (one.state or {}).get("job")}.get(one.status, one.state))
        if canonical(state) not in states:
            return [f"it never was so: {one}; but {dated(was, one)}"]
        if state and state["final"]:
            return []
        current = {canonical(state.state) for state in was
                   if state.until >= self.earliest(one) and state.since <= one.answered}
        return [] if canonical(state) in current else [f"it was so too long ago: {one}"]

    def judge_refused(self, one):
        return [] if one.excused else [f"refused for nothing: {one}"]

    def judge_absent(self, one, was):
        absent = not was or any(state.state is None and state.until >= one.asked - self.absent_s and
                                state.since <= one.answered for state in was)
        return [] if absent else [f"it was there all the time: {one}"]


def growing(job, notes):
    """The Was-es of a job whose entries only become more. `notes`: (since, until, entry), in any order."""
    was, entries = [Was(0.0, FOREVER, None)], []
    for since, until, stored in sorted(notes, key=lambda note: note[2].revision):
        entries.append(stored)
        was[-1] = was[-1]._replace(until=until)
        was.append(Was(since, FOREVER, fold(job, gather(entries)[job])))
    return was


def canonical(state):
    return json.dumps(state, sort_keys=True)


def read(state):
    """As the checker folds it."""
    return understood(canonical(state)) if state else None


def dated(was, one):
    """The states of the time when it was told."""
    return [f"{state.since:.2f}-{state.until:.2f}: {state.state}" for state in was
            if state.until >= one.asked - 5.0 and state.since <= one.answered]


def first_of_each(lines):
    """The first of those that begin alike, and how many there are."""
    kinds = {}
    for line in lines:
        kinds.setdefault(line.split(" {")[0].split(" asked ")[0], []).append(line)
    return [f"{len(alike)} x, the last {alike[-1][-40:]}: {alike[0]}" if len(alike) > 1 else alike[0]
            for alike in kinds.values()]
