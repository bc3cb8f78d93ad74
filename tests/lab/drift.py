#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90
"""The kernel's table is kept as configured: what somebody changes by hand is put right, what is
not ours is left alone, by a reload and by the stop as well."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, expect, note, now_us, run, wait_for  # noqa: E402

SERVICE, REAL = "10.0.0.100:8000", "10.0.0.11:8000"
FOREIGN = ("TCP", "10.0.0.200:99")


def repaired(pair, what, table, *command):
    pair.d1.run("ipvsadm", *command)
    expect(pair.table(pair.d1) != table, f"{what}: done by hand", "the table did not change")
    at = now_us()
    expect(wait_for(lambda: pair.table(pair.d1) == table, 15), f"{what}: repaired",
           pair.table(pair.d1))
    note(f"{what}: repaired after {(now_us() - at) / 1e6:.1f} s")


def main():
    pair = Pair()
    pair.start()
    pair.d1.run("ipvsadm", "-A", "-t", FOREIGN[1], "-s", "rr")
    pair.d1.run("ipvsadm", "-a", "-t", FOREIGN[1], "-r", "10.0.0.12:99", "-g")
    table = pair.table(pair.d1)

    repaired(pair, "a real server deleted", table, "-d", "-t", SERVICE, "-r", REAL)
    repaired(pair, "a weight changed", table, "-e", "-t", SERVICE, "-r", REAL, "-g", "-w", "7")
    repaired(pair, "a service deleted", table, "-D", "-t", SERVICE)
    expect(FOREIGN in pair.table(pair.d1), "a foreign service is left alone by repairs")

    code, said = pair.d1.daemon.reload(pair.d1.daemon.config)
    expect(code == 0, "a reload succeeds", f"exit {code}: {said}")
    expect(pair.table(pair.d1) == table, "a foreign service is left alone by a reload",
           pair.table(pair.d1))

    pair.d1.daemon.stop()
    left = pair.table(pair.d1)
    expect(list(left) == [FOREIGN], "a stop takes away ours, and only ours", left)


run(main)
