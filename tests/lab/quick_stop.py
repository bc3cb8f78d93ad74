#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=180
"""A director that was killed whole leaves its services and addresses in the kernel. Started again and
stopped at once, at any moment of that start, it takes them away: that is what a stop promises."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, expect, run, wait_for  # noqa: E402

# From the first instruction to some time after all of it runs.
MOMENTS_S = (0, 0.1, 0.4)


def killed_with_all_in_place(pair):
    pair.d1.daemon.start()
    expect(pair.wait_active(pair.d1, 30) and wait_for(lambda: pair.table(pair.d1), 10),
           "d1 is active, with services", pair.d1.daemon.log_text()[-500:])
    time.sleep(1)  # a state file is written soon, not at once
    pair.d1.daemon.kill()
    expect(pair.table(pair.d1), "killed, it leaves its services")


def says_its_pid(daemon):
    with open(f"{daemon.dir}/tandem/tandemd.pid") as f:
        return f.read().strip() == str(daemon.proc.pid)


def main():
    pair = Pair(advert_s=0.1)
    pair.d2.daemon.start()
    for moment_s in MOMENTS_S:
        killed_with_all_in_place(pair)
        pair.d1.daemon.start()
        wait_for(lambda: says_its_pid(pair.d1.daemon), 5, 0.002)
        time.sleep(moment_s)
        pair.d1.daemon.stop()
        left = pair.table(pair.d1)
        expect(not left, f"stopped {moment_s * 1000:.0f} ms after its start, no service is left",
               (left, pair.d1.daemon.log_text()[-1500:]))
        expect("d1" not in pair.holders(), "nor the address", pair.holders())
        expect(pair.wait_active(pair.d2, 5), "which d2 has", pair.holders())


run(main)
