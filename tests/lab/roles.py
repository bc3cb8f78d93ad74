#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120
"""A dead process is a non-event: kill -9 of each role of the active director, of all of them, and
of the supervisor as well, under traffic."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, expect, figures, note, now_us, run, wait_for  # noqa: E402

ROLES = ("tandem-vrrp", "tandem-check", "tandem-ipvs")


def kill_roles(pair, names):
    """Kill these roles of d1; returns when there are new ones."""
    daemon = pair.d1.daemon
    old = daemon.roles()
    for name in names:
        os.kill(old[name], signal.SIGKILL)
    for name in names:
        expect(daemon.wait_role(name, old[name]), f"{name} is started again", daemon.roles())


def kill_supervisor(pair):
    """Its roles go on by themselves; the next supervisor finds them."""
    pair.d1.daemon.proc.kill()
    pair.d1.daemon.proc.wait()
    time.sleep(0.5)
    pair.d1.daemon.start()


def kill_all(pair):
    pair.d1.daemon.kill()
    time.sleep(0.2)
    pair.d1.daemon.start()


def expect_undisturbed(pair, what, table, seen):
    saw = figures(seen)
    note(f"{what}: {saw}")
    expect(seen.probe.lost == 0, f"{what}: no probe is lost", saw)
    expect(seen.sessions.alive == seen.sessions.asked, f"{what}: no session is lost", saw)
    moves = pair.watch.moves_since(seen.at_us, pair.vip)
    expect(not moves, f"{what}: the address stays", moves)
    senders = {a.source for a in pair.watch.adverts if a.at_us >= seen.at_us}
    expect(senders == {"10.0.0.1"}, f"{what}: only d1 advertises", senders)
    found = pair.table(pair.d1)
    expect(found == table, f"{what}: the IPVS table is as before", found)


def under_traffic(pair, act):
    with pair.traffic() as seen:
        time.sleep(0.5)
        seen.at_us = now_us()
        act()
        time.sleep(2)
    return seen


def main():
    pair = Pair(advert_s=0.1)
    pair.start()
    table = pair.table(pair.d1)
    for names in [(role,) for role in ROLES] + [ROLES]:
        what = "kill -9 of " + (names[0] if len(names) == 1 else "all roles")
        seen = under_traffic(pair, lambda: kill_roles(pair, names))
        expect_undisturbed(pair, what, table, seen)

    what = "kill -9 of the supervisor, start again"
    expect_undisturbed(pair, what, table, under_traffic(pair, lambda: kill_supervisor(pair)))

    what = "kill -9 of the supervisor and all roles, start again"
    seen = under_traffic(pair, lambda: kill_all(pair))
    note(f"{what}: {figures(seen)}")
    limit_ms = pair.takeover_limit_ms()
    expect(seen.probe.outage_ms <= limit_ms, f"{what}: back in {limit_ms:.0f} ms", figures(seen))
    expect(seen.sessions.alive == seen.sessions.asked, f"{what}: no session is lost", figures(seen))
    expect(pair.wait_active(pair.d1, 5), f"{what}: d1 is active in the end", pair.holders())
    expect(wait_for(lambda: pair.table(pair.d1) == table, 10),
           f"{what}: the IPVS table is as before", pair.table(pair.d1))


run(main)
