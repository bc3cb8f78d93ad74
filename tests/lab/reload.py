#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=180 memory=768
"""A reload does what changed and nothing else: among 1,000 services with 10 real servers each, one
weight is one command to the kernel. A broken file changes nothing and says where it is broken."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import (IpvsCommands, Pair, expect, many_services, many_services_address,  # noqa: E402
                 note, now_us, run, wait_for)
from lab.ipvs import Kernel  # noqa: E402

SERVICES, REALS = 1000, 10


def complete(kernel):
    return kernel.services() == SERVICES + 2 and all(
        kernel.weights(*many_services_address(i), REALS) for i in range(SERVICES))


def reload(pair, what, more, code_wanted=0):
    """Reload d1; returns what was said, after the dust has settled."""
    pair.more = more
    at = now_us()
    code, said = pair.d1.daemon.reload(pair.config(pair.d1))
    note(f"{what}: exit {code} after {(now_us() - at) / 1000:.0f} ms")
    expect((code != 0) == (code_wanted != 0), f"{what}: exit status tells", f"{code}: {said}")
    time.sleep(2)
    return said


def main():
    pair = Pair(more=many_services(SERVICES, REALS))
    pair.start()
    kernel = Kernel(pair.d1)
    expect(wait_for(lambda: complete(kernel), 30, 0.3),
           f"{SERVICES} services with {REALS} real servers each are in the kernel",
           f"{kernel.services()} services")
    commands = IpvsCommands(pair.d1)
    start_us = now_us()
    time.sleep(2)
    commands.take()

    reload(pair, "nothing changed", many_services(SERVICES, REALS))
    changes = commands.take_changes()
    expect(not changes, "nothing changed: nothing is asked of the kernel", changes)

    reload(pair, "one weight changed", many_services(SERVICES, REALS, special_weight=5))
    changes = commands.take_changes()
    expect(changes == {"SET_DEST": 1}, "one weight changed: exactly one command to the kernel",
           changes or "no command seen")
    weights = kernel.weights(*many_services_address(SERVICES // 2), REALS)
    expect(sorted(weights) == [1] * (REALS - 1) + [5], "one weight changed: the kernel has it",
           weights)
    table = pair.d1.run("ipvsadm", "-Sn")

    broken = "virtual_server 10.0.0.300 80 {\n    real_server 10.0.0.11 {\n}\n"
    said = reload(pair, "broken file", broken, 1)
    expect(f"{pair.d1.daemon.file}:" in said, "broken file: the message names file and line", said)
    changes = commands.take_changes()
    expect(not changes, "broken file: nothing is asked of the kernel", changes)
    expect(pair.d1.run("ipvsadm", "-Sn") == table, "broken file: the table is as before")
    expect(pair.d1.daemon.running(), "broken file: the daemon runs on")

    moves = pair.watch.moves_since(start_us, pair.vip)
    expect(not moves, "no VRRP transition in all this", moves)
    gap_ms = pair.watch.advert_gap_us(start_us) / 1000
    limit_ms = pair.takeover_limit_ms()
    expect(gap_ms < limit_ms, f"never {limit_ms:.0f} ms without an advertisement",
           f"a silence of {gap_ms:.0f} ms")


run(main)
