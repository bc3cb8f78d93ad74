#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120
"""Real servers that the other director loses sight of for a moment, too short to be seen by a look now and then:
connections that are opened meanwhile come into a kernel that lacks their server. Through a tunnel such a connection
goes nowhere, until it is given to the kernel again."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, Pair, expect, held, note, run, wait_for  # noqa: E402

TIMES, SESSIONS = 6, 8


class QuickPair(Pair):
    def _service(self, protocol, port):
        return super()._service(protocol, port).replace("delay_loop 1\n", "delay_loop 0.1\n")


def servers(pair):
    return pair.table(pair.d2).get(("TCP", f"{pair.vip}:{ECHO_PORT}"), {})


def lose_sight(pair, holder):
    """The sessions that are opened meanwhile."""
    known = pair.connections(pair.d2)
    pair.d2.ip(*[f"route add blackhole {a}/32" for a in pair.real_addresses])
    lost = wait_for(lambda: not servers(pair), 10)
    sessions = holder.open(SESSIONS, ["idle"])
    copied = wait_for(lambda: pair.connections(pair.d2) >= known + SESSIONS, 10)
    pair.d2.ip(*[f"route del blackhole {a}/32" for a in pair.real_addresses])
    return sessions if lost and copied and pair.wait_table(pair.d2) else []


def main():
    pair = QuickPair(sync="peer", mode="tun", server="        fall 1\n")
    pair.start()
    holder = held.Held(pair.client, pair.vip, port=ECHO_PORT)
    expect(pair.wait_synced(60), "both are synced")
    sessions = [s for _ in range(TIMES) for s in lose_sight(pair, holder)]
    n = TIMES * SESSIONS
    expect(len(sessions) == n, f"d2 has lost sight of all servers {TIMES} times, and sees them again", len(sessions))
    expect(wait_for(lambda: pair.d2.daemon.ask("sync")["counters"]["rebound"] >= n, 10), "it has given their connections to its kernel again",
           pair.d2.daemon.ask("sync")["counters"])
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 30), "d1 crashes, d2 takes over", pair.holders())
    alive, asked = holder.ask(sessions)["idle"]
    note(f"{alive} of {asked} sessions live")
    expect(alive == asked == n, "every session lives", alive)


run(main)
