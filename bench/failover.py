#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=1500
"""What clients see of a failover and of the hand-back: crash of the active director, its link down,
its stop on purpose. The longest run of unanswered probes (one a millisecond), and, where
nothing should be felt, the probes lost and the slowest answer; the sessions lost of 200."""

import argparse

from common import KINDS, Figures, note
from lab import FAULTS, Pair, change
from lab import figures as seen_figures


def trial(pair, kind, case, fault, figures):
    for act, to, what in zip(FAULTS[fault], pair.directors[::-1], (fault, f"{fault}_back")):
        seen = change(pair, act, to)
        note(f"{case} {kind}, {what}: {seen_figures(seen)}")
        name = f"failover_{case}_{what}"
        if not seen.moved:
            pair.explain()
            raise SystemExit(f"{kind}: {to.name} did not take over")
        figures.add(f"{name}_outage", "ms", kind, round(seen.probe.outage_ms, 1))
        if what not in ("crash", "link"):  # what is done on purpose should not be felt at all
            figures.add(f"{name}_lost", "probes", kind, seen.probe.lost)
        if what == "stop":  # at a start the one CPU of a guest is busy: that is not the hand-back
            figures.add(f"{name}_slowest", "ms", kind, round(seen.probe.rtt_max_ms, 1))
        figures.add(f"{name}_sessions", "lost", kind, seen.sessions.asked - seen.sessions.alive)
    pair.wait_table(pair.d1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", nargs="?", default=5, type=int)
    parser.add_argument("--mode", default="dr", choices=("dr", "nat"))
    parser.add_argument("--advert", default=0.1, type=float, help="1 is VRRPv2, below is v3")
    parser.add_argument("--faults", default="crash,stop,link")
    a = parser.parse_args()
    version, figures = 2 if a.advert >= 1 else 3, Figures()
    case = f"{a.mode}_v{version}_{a.advert:g}"
    pair = Pair((KINDS[0],) * 2, mode=a.mode, version=version, advert_s=a.advert)
    for n in range(a.trials):
        for kind in KINDS:
            pair.employ(kind, kind)
            pair.start()
            for fault in a.faults.split(","):
                trial(pair, kind, case, fault, figures)
    figures.tell()


main()
