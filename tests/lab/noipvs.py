#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""On a kernel without IPVS the rest works on: VRRP fails over, the checks run, and the missing part
is told with the line that would fix it."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, change, expect, figures, has_module, note, run, skip_all, FAULTS  # noqa: E402


def main():
    if has_module("ip_vs"):
        skip_all("this kernel has ip_vs")
    pair = Pair(ip_vs=False)
    for node in pair.directors:
        pair.start_real(node)  # whoever has the address answers by itself
    pair.start()
    for node in pair.directors:
        said = [line for line in node.daemon.log_text().splitlines() if "modprobe ip_vs" in line]
        expect(said, f"{node.name} tells how to get IPVS", "no line with: modprobe ip_vs")
    for act, to, what in zip(FAULTS["stop"], (pair.d2, pair.d1), ("stop", "hand-back")):
        seen = change(pair, act, to, sessions=1)
        note(f"{what}: {figures(seen)}")
        expect(seen.moved, f"{what}: the address moves to {to.name}", pair.holders())
    expect(all(d.daemon.running() for d in pair.directors), "both daemons run on")


run(main)
