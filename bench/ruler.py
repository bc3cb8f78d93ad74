# SPDX-License-Identifier: Apache-2.0
"""What this machine can do at all: a process that wakes up at a steady interval, and how late it was
each time. What it measures of itself no daemon beside it can do better, whatever the scheduler had
in hand. As a program: `ruler.py INTERVAL_MS [PRIORITY]`, until it is ended; it prints nanoseconds."""

import os
import signal
import subprocess
import sys
import time


class Ruler:
    def __init__(self, interval_ms, rt=0):
        self.proc = subprocess.Popen([sys.executable, __file__, str(interval_ms), str(rt)],
                                     stdout=subprocess.PIPE, text=True)

    def stop(self):
        """The spacings of its wake-ups, in ms."""
        self.proc.send_signal(signal.SIGTERM)
        at_ns = [int(line) for line in self.proc.communicate()[0].split()]
        return [(b - a) / 1e6 for a, b in zip(at_ns, at_ns[1:])]


def main(interval_ms, rt):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    if rt:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(rt))
    at_ns, due_ns = [], time.monotonic_ns()
    try:
        while True:
            due_ns += interval_ms * 1_000_000
            time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
            at_ns.append(time.monotonic_ns())
    finally:
        print("\n".join(map(str, at_ns)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
