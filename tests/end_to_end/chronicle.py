"""What a bucket has held, and when: to tell afterwards whether somebody was told what never was.

Whoever does something to the bucket notes it here, with the times between which it happened.
"""
import collections
import contextlib
import json
import time

from bucket_checker import fold, gather, take_key
from jetstream import PURGE, Stored
from judge import FOREVER, Was

# `change(contents)`: what happened to the entries by key, at a moment between these.
Turn = collections.namedtuple("Turn", "since until change")

EXPIRY_SLACK_S = 2.0  # How late nats-server may let an entry go, and bide find out the moment.


class Note:
    """Of something that changes nothing, unless `change` is set."""

    def change(self, contents):
        pass


class Chronicle:
    """One thread notes, and reads when all is over."""

    def __init__(self, max_age_s=0.0):
        self.turns = []
        self.max_age_s = max_age_s
        self.jobs = set()  # Ids of all that ever were written of.
        self.stored = []  # (since, until, entry)

    @contextlib.contextmanager
    def happening(self):
        """Notes `note.change`, set within the block."""
        since = time.monotonic()
        note = Note()
        yield note
        self.turns.append(Turn(since, time.monotonic(), note.change))

    def note_stored(self, since, entries, revisions):
        """`entries` have been stored one after the other; an entry expires by itself if entries do."""
        until = time.monotonic()
        for (key, value), revision in zip(entries, revisions):
            parts = take_key(key)
            if parts:
                self.jobs.add(parts[1])
            deleted = value is None or value is PURGE
            data = b"" if deleted else value if isinstance(value, bytes) else json.dumps(value).encode()
            stored = Stored(revision, key, data, deleted, 0)
            self.turns.append(Turn(since, until, lambda contents, stored=stored: contents.update({stored.key: stored})))
            self.stored.append((since, until, stored))
            if self.max_age_s:
                self._expire(since + self.max_age_s, until + self.max_age_s, stored)

    def note_max_age(self, since, max_age_s):
        """From `since` on entries have been kept for so long only, also those that there are."""
        self.max_age_s = max_age_s
        for stored_since, stored_until, stored in self.stored:
            self._expire(max(since, stored_since + max_age_s), max(time.monotonic(), stored_until + max_age_s), stored)

    def _expire(self, since, until, stored):
        self.turns.append(Turn(since, until + EXPIRY_SLACK_S, lambda contents: leave(contents, stored)))

    def histories(self):
        """Was-es by job, in order."""
        contents, was = {}, {job: [Was(0.0, FOREVER, None)] for job in self.jobs}
        for turn in self._past():
            before = dict(contents)
            turn.change(contents)
            moved = {parts[1] for key in {*before, *contents} if before.get(key) != contents.get(key)
                     and (parts := take_key(key))}
            materials = gather(stored for stored in contents.values() if take_key(stored.key)[1] in moved)
            for job in moved:
                state = fold(job, materials[job]) if job in materials else None
                *earlier, last = was[job]
                was[job] = [*earlier, last._replace(until=turn.until), Was(turn.since, FOREVER, state)]
        return was

    def contents(self):
        """The entries by key, as they must be now."""
        contents = {}
        for turn in self._past():
            turn.change(contents)
        return contents

    def _past(self):
        now = time.monotonic()
        return sorted((turn for turn in self.turns if turn.since <= now), key=lambda turn: turn.since)


def leave(contents, stored):
    if contents.get(stored.key) is stored:
        del contents[stored.key]


def remove(contents, of):
    """Those entries that `of` holds for."""
    for key in [key for key, stored in contents.items() if of(stored)]:
        del contents[key]


def restore(contents, copy):
    contents.clear()
    contents.update(copy)
