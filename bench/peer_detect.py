#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=900 ip_vs=no
"""How long clients are without an answer when the Active crashes: tandem with heartbeats every 5 ms
beside advertisements of a second, keepalived with its fastest advertisements, of 0.01 s. Each
director answers by itself, so that no kernel with IPVS is needed and the times are this kernel's."""

import argparse

from common import KINDS, Figures, note
from lab import Pair, change, wait_for
from lab.faults import crash, crash_heal


class DetectPair(Pair):
    """The means that each has to notice a death soon."""

    def employ(self, *kinds):
        self.kind = kinds[0]
        self.advert_s = 1 if self.kind == "tandem" else 0.01
        super().employ(*kinds)

    def config(self, node):
        text = super().config(node)
        if self.kind == "tandem":
            text += (f"sync {{\n    interface eth0\n    key hex:{'5a' * 32}\n    sync_wait 0\n"
                     "    peer_detect 5ms\n}\n")
        return text

    def wait_watched(self, before):
        """Until d2 has said since that it hears d1, and gets its answers."""
        if self.kind == "tandem" and not wait_for(
                lambda: "pings answered" in self.d2.daemon.log_text()[before:], 20):
            self.explain()
            raise SystemExit("d2 does not hear d1's heartbeats")


def trial(pair, kind, figures):
    pair.employ(kind, kind)
    before = len(pair.d2.daemon.log_text())
    pair.start()
    pair.wait_watched(before)
    seen = change(pair, crash, pair.d2, sessions=1)
    if not seen.moved:
        pair.explain()
        raise SystemExit(f"{kind}: d2 did not take over")
    note(f"{kind}: {seen.probe.outage_ms:.1f} ms, {seen.probe.lost} probes lost")
    figures.add("peer_detect_crash_outage", "ms", kind, round(seen.probe.outage_ms, 1))
    pair.d1.boot()
    pair.start_real(pair.d1)  # it died with the rest of d1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", nargs="?", default=5, type=int)
    a = parser.parse_args()
    pair, figures = DetectPair((KINDS[0],) * 2, ip_vs=False, reals=0, advert_s=1), Figures()
    for node in pair.directors:
        pair.start_real(node)
    for _ in range(a.trials):
        for kind in KINDS:
            trial(pair, kind, figures)
    figures.tell()


main()
