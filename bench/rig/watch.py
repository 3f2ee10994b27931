"""Samples the processor time, memory and threads of a bide and its nats-server while they run."""
import bisect
import os
import re
import threading
import time

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SAMPLE_S = 0.05
MEMORY_EVERY = 4  # Samples: the kernel walks all pages for it.


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def pss_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"Pss:\s+(\d+) kB", file.read()).group(1)) * 1024


def thread_count(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(re.search(r"Threads:\s+(\d+)", file.read()).group(1))


class Series:
    """Values by time."""

    def __init__(self):
        self.times = []
        self.values = []

    def add(self, when, value):
        self.times.append(when)
        self.values.append(value)

    def at(self, when):
        """The last value not later than that."""
        return self.values[max(bisect.bisect_right(self.times, when) - 1, 0)]

    def grown(self, begin, end):
        return self.at(end) - self.at(begin)

    def peak(self, begin, end):
        return max(value for when, value in zip(self.times, self.values) if begin <= when <= end)


class Watch(threading.Thread):
    """A context manager: samples from entering to leaving. Of one process of bide: a restart ends it."""

    def __init__(self, bide):
        super().__init__(daemon=True)
        self.pid = bide.child.pid
        self.nats_pid = bide.nats_pid()
        self.cpu = Series()
        self.nats_cpu = Series()
        self.memory = Series()
        self.threads = Series()
        self.over = threading.Event()

    def run(self):
        number = 0
        while not self.over.wait(SAMPLE_S):
            try:
                now = time.monotonic()
                self.cpu.add(now, cpu_s(self.pid))
                self.nats_cpu.add(now, cpu_s(self.nats_pid))
                if number % MEMORY_EVERY == 0:
                    self.memory.add(now, pss_bytes(self.pid))
                    self.threads.add(now, thread_count(self.pid))
            except (OSError, AttributeError):
                return  # It has been restarted.
            number += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
