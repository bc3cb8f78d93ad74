#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240
"""A director that has just come back lacks connections, and the Active's advertisements are late, as on a machine
that is busy. It waits, as the segment between the two tells that the Active lives: no session is broken. It does not
wait when the Active is at fault, is dead, or when that segment is silent as well.

Advertisements are sent every 0.1 s, and the segment is slow, so that the copying takes some seconds.

sync_late.py [--sessions N]
"""

import argparse
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, ApartPair, Sessions, expect, note, run, wait_for  # noqa: E402

WAITS = "in time: waiting for connections that the Active may have"
SLOW = "rate 64kbit limit 4"


def sync(node):
    status = node.daemon.status()
    return status["sync"] if status and status["sync"] else {"synced": False, "peers": 0}


def come_back(pair, what):
    """d1 is started, and has met d2, but not heard all that it knows."""
    before = len(pair.d1.daemon.log_text())
    pair.d1.links["sync0"].netem(SLOW)
    pair.d1.daemon.start()
    met = wait_for(lambda: "peer 10.0.9.2: following" in pair.d1.daemon.log_text()[before:], 20, 0.01)
    started = wait_for(lambda: "INIT → BACKUP: started" in pair.d1.daemon.log_text()[before:], 20, 0.01)
    expect(met and started and not sync(pair.d1)["synced"], f"{what}: d1 has met d2, and lacks connections")
    return before


def stopped(node):
    """What its advertisements come from does not run: its kernel does."""
    return node.daemon.roles()["tandem-vrrp"]


def late(pair, n):
    """Both ways: not Active for want of a few advertisements, and Active when it knows all."""
    talking = Sessions(pair.client, pair.vip, ECHO_PORT, n, 12000, 50)
    before = come_back(pair, "late")
    vrrp = stopped(pair.d2)
    os.kill(vrrp, signal.SIGSTOP)
    time.sleep(1.2)
    holders, lacks = pair.holders(), not sync(pair.d1)["synced"]
    os.kill(vrrp, signal.SIGCONT)
    said = pair.d1.daemon.log_text()[before:]
    expect(lacks and holders == ["d2"], "late: d1 lacks connections, and has not taken over", f"{holders}\n{said}")
    expect(said.count(WAITS) == 1, "late: and says once for whom it waits", said[-2000:])
    pair.d1.links["sync0"].netem()
    expect(pair.wait_active(pair.d1, 40), "late: d1 preempts when it knows all", pair.holders())
    time.sleep(0.5)
    talking.end()
    seen = talking.result()
    expect(seen.alive == seen.asked, "late: every session that talks lives", f"{seen.alive} of {seen.asked}")


def leave_to_d2(pair):
    pair.d1.links["sync0"].netem()
    expect(pair.wait_synced(), "both are synced")
    pair.d1.daemon.stop()
    expect(pair.wait_active(pair.d2, 10), "d2 is Active", pair.holders())


def takes_over(pair, what, limit_s):
    start = time.monotonic()
    taken = wait_for(lambda: "d1" in pair.holders(), 10, 0.01)
    taken_s = time.monotonic() - start
    note(f"{what}: d1 is Active after {1000 * taken_s:.0f} ms")
    expect(taken and taken_s < limit_s, f"{what}: d1 takes over within {limit_s} s", f"{taken_s:.3f}")


def fault(pair):
    """It can't say so where it matters; between the directors it can."""
    come_back(pair, "fault")
    pair.d2.links["eth0"].down()
    takes_over(pair, "fault", 1)
    pair.d2.links["eth0"].up()


def partition(pair):
    """Nothing comes from d2, on neither way: it may as well be dead."""
    come_back(pair, "silence")
    vrrp = stopped(pair.d2)
    pair.d2.links["sync0"].cut()
    os.kill(vrrp, signal.SIGSTOP)
    takes_over(pair, "silence", 2)
    os.kill(vrrp, signal.SIGCONT)
    pair.d2.links["sync0"].join()


def crash(pair):
    come_back(pair, "crash")
    pair.d2.crash()
    takes_over(pair, "crash", 2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", default=400, type=int)
    a = parser.parse_args()
    pair = ApartPair(advert_s=0.1)
    pair.start()
    expect(pair.wait_synced() and all(pair.wait_table(node) for node in pair.directors), "both are synced and serve")
    idle = pair.held.open(a.sessions, ("idle", "silent"))
    leave_to_d2(pair)
    late(pair, 20)
    pair.judge("late", idle)
    leave_to_d2(pair)
    fault(pair)
    leave_to_d2(pair)
    partition(pair)
    leave_to_d2(pair)
    crash(pair)


run(main)
