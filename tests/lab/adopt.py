#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90
"""What a former life left in the kernel is taken over as it is: no flush, no gap, no double."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import IpvsCommands, Pair, expect, figures, note, now_us, run, wait_for  # noqa: E402


def main():
    pair = Pair()
    pair.start()
    table = pair.table(pair.d1)
    pair.d2.daemon.stop()  # nobody else may take over: only leftovers carry the traffic

    pair.d1.daemon.kill()
    commands = IpvsCommands(pair.d1)
    with pair.traffic() as seen:
        time.sleep(1)
        seen.at_us = now_us()
        pair.d1.daemon.start()
        time.sleep(4)
    note(f"start over leftovers: {figures(seen)}")
    expect(seen.probe.lost == 0, "no probe is lost", figures(seen))
    expect(seen.sessions.alive == seen.sessions.asked, "no session is lost", figures(seen))
    expect(pair.table(pair.d1) == table, "the IPVS table is as before", pair.table(pair.d1))
    changes = commands.take_changes()
    expect(not changes, "nothing was changed in a table that was right", changes)
    held = pair.d1.run("ip", "-4", "-o", "addr", "show", "dev", "eth0").count(pair.vip)
    expect(held == 1, "the address is there once", f"{held} times")

    # Stale: somebody else's real server in our service, a missing one, a wrong weight.
    pair.d1.daemon.kill()
    for command in (("-a", "-t", f"{pair.vip}:8000", "-r", "10.0.0.99:8000", "-g"),
                    ("-d", "-t", f"{pair.vip}:8000", "-r", "10.0.0.12:8000"),
                    ("-e", "-u", f"{pair.vip}:8000", "-r", "10.0.0.13:8000", "-g", "-w", "9")):
        pair.d1.run("ipvsadm", *command)
    pair.d1.daemon.start()
    expect(wait_for(lambda: pair.table(pair.d1) == table, 10),
           "leftovers that are wrong are put right", pair.table(pair.d1))


run(main)
