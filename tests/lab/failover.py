#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240
# also: --mode nat --version 2 --advert 1 --faults crash,stop
# also: --advert 0.01 --faults crash,stop
# also: --family 6 --faults crash,stop
"""The main job: the active director goes, the other takes over; it comes back, and takes over
again. With open sessions and a probe every millisecond.

failover.py [--daemon tandem|keepalived] [--mode dr|nat] [--version 2|3] [--advert S]
            [--family 4|6]
            [--trials N] [--sessions N] [--faults crash,stop,link]

At 0.01 s a director whose dead link is back preempts before its checks have found the real servers
again, if neither preempt_delay nor a sync block keeps it (tandem.conf(5)): ./check leaves that out.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import FAULTS, KINDS, Pair, change, expect, figures, note, run  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", default="tandem", choices=KINDS)
    parser.add_argument("--mode", default="dr", choices=("dr", "nat"))
    parser.add_argument("--version", default=3, type=int)
    parser.add_argument("--advert", default=0.1, type=float)
    parser.add_argument("--family", default=4, type=int, choices=(4, 6))
    parser.add_argument("--trials", default=1, type=int)
    parser.add_argument("--sessions", default=200, type=int)
    # The link last: real servers that a check took out come back in another order, and mh then
    # picks another one for a session in a hundred, until the daemon starts again.
    parser.add_argument("--faults", default="crash,stop,link")
    return parser.parse_args()


def judge(pair, what, seen, to, gentle):
    """A gentle change loses nothing; any other lasts no longer than the protocol needs."""
    saw, limit_ms = figures(seen), pair.takeover_limit_ms()
    note(f"{what}: {saw}")
    if not expect(seen.moved, f"{what}: {to.name} takes over", f"address held by {pair.holders()}"):
        pair.explain()
        return
    if not gentle:
        expect(seen.probe.outage_ms <= limit_ms, f"{what}: back in {limit_ms:.0f} ms", saw)
    elif pair.mode == "nat":
        # An answer on its way meets the other director, which has not seen the question.
        expect(seen.probe.lost <= 2, f"{what}: no probe is lost but those in flight", saw)
    else:
        expect(seen.probe.lost == 0, f"{what}: no probe is lost", saw)
    expect(seen.sessions.alive == seen.sessions.asked, f"{what}: no session is lost", saw)


def main():
    a = arguments()
    pair = Pair((a.daemon, a.daemon), mode=a.mode, version=a.version, advert_s=a.advert,
                family=a.family)
    note(f"{a.daemon}, {a.mode.upper()}, IPv{a.family}, VRRPv{a.version},"
         f" an advertisement every {a.advert:g} s")
    pair.start()
    promised = pair.d1.daemon.gentle
    for fault in a.faults.split(",") * a.trials:
        act, heal = FAULTS[fault]
        seen = change(pair, act, pair.d2, a.sessions)
        judge(pair, fault, seen, pair.d2, promised and fault == "stop")
        seen = change(pair, heal, pair.d1, a.sessions)
        judge(pair, f"{fault}, hand-back", seen, pair.d1, promised)
        pair.wait_table(pair.d1)


run(main)
