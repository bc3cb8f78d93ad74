#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=300
"""Hand-overs on purpose, and the connections of every sort: the Active is stopped in the moment when sessions
were opened, is started again and preempts; its priority is lowered and raised by a reload. A fifth of what the
directors tell each other is lost on the way. Before it says that it leaves, the one that stops makes
sure that its peer has everything; and when that does not answer any more, it leaves all the same.

sync_planned.py [--sessions N] [--rounds N]
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ApartPair, expect, run  # noqa: E402

OLD = ("idle", "silent", "half-closed")
DRAINED = "the peers have all connections: handing over"
NOT_DRAINED = "the peers are not known to have all connections: handing over"


class PlannedPair(ApartPair):
    priority = 150

    def _instance(self, node):
        return super()._instance(node).replace("priority 150", f"priority {self.priority}")


def stop(pair):
    pair.d1.daemon.stop()
    expect(pair.wait_active(pair.d2, 10), "stop: d2 takes over", pair.holders())


def stop_and_start(pair, n):
    sessions = pair.held.open(n, OLD + ("fresh",))
    stop(pair)
    expect(DRAINED in pair.d1.daemon.log_text(), "stop: d1 has made sure that d2 has all connections")
    pair.judge("stop", sessions)
    sessions += pair.held.open(n, OLD)
    before = len(pair.d1.daemon.log_text())
    pair.d1.daemon.start()
    expect(pair.wait_active(pair.d1, 45), "start: d1 preempts", pair.holders())
    said = pair.d1.daemon.log_text()[before:]
    expect(0 < said.find("sync runs on port") < said.find("INIT → BACKUP: started") or "starts although" in said,
           "start: VRRP begins when sync is there, which withholds resets", said[:3000])
    pair.judge("start", sessions)
    expect(pair.wait_synced(), "both are synced")


def set_priority(pair, value, node):
    pair.priority = value
    code, said = pair.d1.daemon.reload(pair.config(pair.d1))
    expect(code == 0, f"priority {value}: d1 is reloaded", said)
    expect(pair.wait_active(node, 10), f"priority {value}: {node.name} is Active", pair.holders())


def lower_and_raise(pair, n):
    sessions = pair.held.open(n, OLD)
    time.sleep(0.06)
    set_priority(pair, 50, pair.d2)
    pair.judge("priority 50", sessions)
    set_priority(pair, 150, pair.d1)
    pair.judge("priority 150", sessions)


def deaf_peer(pair):
    """What d2 would answer is lost, as it can't be heard: there is an end to the waiting."""
    pair.held.open(1, ("idle",))
    pair.d2.links["sync0"].netem("loss 100%")
    pair.d1.links["sync0"].netem("loss 100%")
    pair.held.open(1, ("idle",))
    stop(pair)
    said = pair.d1.daemon.log_text()
    expect(NOT_DRAINED in said or "peer 10.0.9.2: left" in said, "d2 does not answer: d1 says so, and leaves")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", default=10, type=int, help="of each sort")
    parser.add_argument("--rounds", default=1, type=int)
    a = parser.parse_args()
    pair = PlannedPair()
    for node in pair.directors:
        node.links["sync0"].netem("loss 10%")  # on each end of each cable
    pair.start()
    expect(pair.wait_synced(), "both are synced")
    for _ in range(a.rounds):
        stop_and_start(pair, a.sessions)
        lower_and_raise(pair, a.sessions)
    deaf_peer(pair)


run(main)
