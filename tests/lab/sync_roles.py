#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=420
"""Three directors, each Active for one of three virtual addresses and Backup of the others, with one
stream of connections between all of them, by multicast. The scheduler is rr: a connection that a
director has never heard of is refused. One crashes, and whoever comes next for its address goes on
with its connections; it comes back with an empty table, and takes them back. The others' sessions
notice nothing."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Ring, expect, note, run  # noqa: E402

SESSIONS = 60


def judge(what, seen):
    for name in ("v1", "v2", "v3"):
        s = getattr(seen, name)
        note(f"{what}, {name}: {s.alive} of {s.asked} sessions alive, {s.reset} reset, {s.hung} hung")
    expect(all(getattr(seen, n).alive == getattr(seen, n).asked for n in ("v1", "v2", "v3")),
           f"{what}: every session of every address lives")


def main():
    ring = Ring()
    ring.start()
    with ring.all_traffic(SESSIONS) as seen:
        time.sleep(1)
        ring.d1.crash()
        expect(ring.wait_owners("d2", "d2", "d3"), "d1 crashes: d2 has its address, too",
               ring.owners())
        time.sleep(2)
        ring.power_cycle(ring.d1)
        expect(ring.wait_owners("d1", "d2", "d3"), "d1 returns: it takes its address back",
               ring.owners())
        time.sleep(2)
    judge("crash and return", seen)


run(main)
