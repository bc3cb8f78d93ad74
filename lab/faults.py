# SPDX-License-Identifier: Apache-2.0
"""The ways a director goes and comes back, and what the clients see meanwhile.

FAULTS names pairs of functions: one makes the pair's first director go, the other brings it back.
"""

import time

from .watch import now_us


def crash(pair):
    pair.d1.crash()


def crash_heal(pair):
    pair.d1.boot()
    pair.d1.daemon.boot()


def link(pair):
    for cable in pair.d1.links.values():
        cable.down()


def link_heal(pair):
    for cable in pair.d1.links.values():
        cable.up()


def stop(pair):
    pair.d1.daemon.stop()


def stop_heal(pair):
    pair.d1.daemon.start()


FAULTS = {"crash": (crash, crash_heal), "link": (link, link_heal), "stop": (stop, stop_heal)}


def change(pair, act, to, sessions=200, http=False, settle_s=0.5):
    """Let act() happen under traffic. Returns what the clients saw, with the time of the act as
    at_us and whether `to` took over as moved."""
    with pair.traffic(sessions, http) as seen:
        time.sleep(0.5)
        pair.watch.wait_advert(2 * pair.advert_s)  # always at the same moment of its interval
        seen.at_us = now_us()
        act(pair)
        seen.moved = bool(pair.wait_active(to, 20 * pair.advert_s + 30))
        time.sleep(settle_s + pair.advert_s)
    return seen


def figures(seen):
    """One line of what the clients saw."""
    s = seen.sessions
    lost = [f"{n} {how}" for n, how in ((s.reset, "reset"), (s.hung, "hung"),
                                        (s.failed, "never opened")) if n]
    return (f"outage {seen.probe.outage_ms:.0f} ms, {seen.probe.lost} of {seen.probe.sent} probes"
            f" lost, slowest answer {seen.probe.rtt_max_ms:.0f} ms,"
            f" {s.alive} of {s.asked} sessions alive{': ' * bool(lost)}{', '.join(lost)}")
