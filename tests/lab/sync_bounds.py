#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=400
"""What keeps the table of connections right, and bounded: a kernel that has lost connections gets
them back, on the Active director and on the other one; a full table goes on with what it has, and says so."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import held  # noqa: E402
from lab import ECHO_PORT, Pair, Sessions, expect, note, run, wait_for  # noqa: E402

BOUND = 1000


class BoundsPair(Pair):
    bound = 0

    def _sync(self, node):
        bound = f"    max_connections {self.bound}\n" if self.bound else ""
        return super()._sync(node).removesuffix("}\n") + bound + "}\n"


def counters(node):
    return node.daemon.ask("sync")["counters"]


def check_repair(pair, node, n):
    """Somebody clears the kernel's table; tandem-ipvs brings the services back, the audit the rest."""
    before = counters(node)
    with node.daemon.paused("tandem-ipvs", "tandem-sync"):  # the kernel clears it in the background: else who is first?
        pair.flush_ipvs(node)
    expect(wait_for(lambda: pair.connections(node) >= n, 120, 0.5), f"{node.name}: it knows them again", pair.connections(node))
    after = counters(node)
    gained = {k: after[k] - before[k] for k in ("repairs", "rebound", "audits")}
    expect(gained["repairs"] + gained["rebound"] > n // 3, f"{node.name}: that is counted", gained)


def check_audit(pair, n=60):
    idle = held.Held(pair.client, pair.vip, port=ECHO_PORT)
    sessions = idle.open(n, ["idle"])
    expect(wait_for(lambda: all(pair.connections(node) >= n for node in pair.directors), 60, 0.2),
           "both kernels know all connections", [pair.connections(node) for node in pair.directors])
    check_repair(pair, pair.d2, n)
    check_repair(pair, pair.d1, n)
    expect("has lost" in pair.d1.daemon.log_text(), "d1: the log says so")
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 60), "d2 takes over", pair.holders())
    expect(idle.ask(sessions)["idle"] == (n, n), "and every session lives", len(sessions))
    pair.d1.boot()
    pair.d1.daemon.boot()
    expect(pair.wait_active(pair.d1, 90), "d1 is back", pair.holders())


def check_bound(pair):
    pair.bound = BOUND
    for node in pair.directors:
        code, said = node.daemon.reload(pair.config(node))
        expect(code == 0, f"{node.name}: a bound of {BOUND}", said)
    expect("not synced" not in pair.d1.daemon.ctl("sync")[1], "a reload of the bound interrupts nothing")
    first = Sessions(pair.client, pair.vip, ECHO_PORT, BOUND - 400, 15000, 60000)
    time.sleep(0.5)
    more = Sessions(pair.client, pair.vip, ECHO_PORT, 800, 15000, 60000)
    for node in pair.directors:
        expect(wait_for(lambda: "the table is full" in node.daemon.log_text(), 60, 0.2),
               f"{node.name}: the log says that the table is full", node.daemon.log_text()[-300:])
    count = counters(pair.d1)["table_refused"]
    expect(count > 0, "d1: what is not taken is counted", count)
    note(pair.d1.daemon.ctl("sync")[1])
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 60), "d2 takes over", pair.holders())
    for sessions in (first, more):
        sessions.end()
    seen = first.result()
    expect(seen.alive == seen.asked, "every session from before lives", f"{seen.alive} of {seen.asked}")
    seen = more.result()
    note(f"of those that came when it was full {seen.alive} of {seen.asked} live")


def main():
    pair = BoundsPair(sync="peer")
    pair.start()
    expect(pair.wait_synced(60), "both are synced")
    check_audit(pair)
    check_bound(pair)


run(main)
