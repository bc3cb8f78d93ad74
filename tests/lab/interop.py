#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240
"""A pair of one tandem and one keepalived, each way round, VRRPv2 and v3: failover and failback.
The stop in v2 is in interop_matrix."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import FAULTS, Pair, change, expect, figures, note, run  # noqa: E402


def expect_takes_over(pair, what, act, to):
    seen = change(pair, act, to)
    saw, limit_ms = figures(seen), pair.takeover_limit_ms()
    note(f"{what}: {saw}")
    if not expect(seen.moved, f"{what}: {to.name} takes over", f"address held by {pair.holders()}"):
        pair.explain()
        return
    expect(seen.probe.outage_ms <= limit_ms, f"{what}: back in {limit_ms:.0f} ms", saw)


def main():
    pair = Pair(("tandem", "keepalived"))
    for version, advert_s, faults in ((2, 1, ["crash"]), (3, 0.1, ["crash", "stop"])):
        pair.version, pair.advert_s = version, advert_s
        for kinds in (("tandem", "keepalived"), ("keepalived", "tandem")):
            pair.employ(*kinds)
            pair.start()
            name = f"v{version}, {kinds[0]} preferred to {kinds[1]}"
            for fault in faults:
                act, heal = FAULTS[fault]
                expect_takes_over(pair, f"{name}, {fault}", act, pair.d2)
                expect_takes_over(pair, f"{name}, {fault}, hand-back", heal, pair.d1)
                pair.wait_table(pair.d1)


run(main)
