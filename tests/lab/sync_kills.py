#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240
"""tandem-sync is killed again and again, on either director, while sessions come and go, and what the
directors tell each other is lost, doubled and out of order. Some of those sessions are opened while the
Active's program is not there, and nobody hears of them but its kernel. Then the Active crashes, and comes
back with an empty kernel: nothing is lost.

sync_kills.py [--kills N] [--seed N]     3 kills; a hundred take some minutes: lab/run -t 1200 … --kills 100
"""

import argparse
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, ApartPair, Sessions, expect, note, run, wait_for  # noqa: E402

SORTS = ("idle", "silent", "half-closed")
WEATHER = "delay 2ms 2ms loss 20% duplicate 5% reorder 25%"


def kill(node):
    pid = node.daemon.roles().get("tandem-sync")
    if pid:
        os.kill(pid, signal.SIGKILL)


def kill_on(pair, kills, chance):
    """The sessions that were opened meanwhile; the last of them when nobody is killed any more."""
    sessions = []
    for _ in range(kills):
        sessions += pair.held.open(3, SORTS)
        kill(chance.choice(pair.directors))
        time.sleep(chance.uniform(0.2, 3))
    return sessions


def settled(pair):
    """The kernels' lists have been read, and the peers have what was found there."""
    for node in pair.directors:
        sync = node.daemon.ask("sync")
        if not sync["counters"]["audits"] or any(p["out"]["lag"] for p in sync["peers"]):
            return False
    return pair.wait_synced(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", default=3, type=int)
    parser.add_argument("--seed", default=random.randrange(1000000), type=int)
    a = parser.parse_args()
    note(f"seed {a.seed}")
    pair, chance = ApartPair(), random.Random(a.seed)
    pair.d2.links["sync0"].netem(WEATHER)
    pair.start()
    expect(pair.wait_synced(60), "both are synced")
    busy = Sessions(pair.client, pair.vip, ECHO_PORT, 50, 15000, 500)
    sessions = pair.held.open(30, SORTS) + kill_on(pair, a.kills, chance)
    expect(wait_for(lambda: settled(pair), 60, 0.2), f"{a.kills} kills: both are synced")
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 60), "crash: d2 takes over", pair.holders())
    half, rest = sessions[::2], sessions[1::2]
    pair.judge("crash", half)
    pair.power_cycle(pair.d1)
    expect(pair.wait_active(pair.d1, 60), "return: d1 preempts", pair.holders())
    pair.judge("return", half + rest)
    busy.end()
    seen = busy.result()
    expect(seen.alive == seen.asked, "every busy session lives", f"{seen.alive} of {seen.asked}")


run(main)
