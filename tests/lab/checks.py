#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90
"""A real server that dies leaves the tables of both directors, and clients do not notice for long;
when it returns it is put back."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, Pair, expect, note, run, wait_for  # noqa: E402


def serving(pair, node):
    """The real servers that get new TCP connections here."""
    services = pair.table(node).items()
    return {real.split(":")[0] for (protocol, _), reals in services if protocol == "TCP"
            for real, weight in reals.items() if weight > 0}


def expect_serving(pair, want, what, within_s):
    start = time.monotonic()
    for node in pair.directors:
        expect(wait_for(lambda: serving(pair, node) == want, within_s),
               f"{what} on {node.name} in {within_s} s", serving(pair, node))
    note(f"{what} on both: {time.monotonic() - start:.1f} s")


def main():
    pair = Pair()
    for node in pair.directors:
        # Clients of a server that is gone are told, and spread anew, instead of being left waiting.
        node.sysctl(ipv4__vs__expire_nodest_conn=1)
    pair.start()
    everybody = set(pair.real_addresses)
    victim = pair.reals[0]

    with pair.traffic(sessions=20) as seen:
        pair.stop_real(victim)
        expect_serving(pair, everybody - {"10.0.0.11"}, "a dead real server is taken out", 5)
        time.sleep(1)
    last_lost = max([g["to_us"] for g in seen.probe.gaps], default=0)
    expect(seen.probe.end_us - last_lost > 500_000, "then no probe is lost any more",
           f"lost until {(seen.probe.end_us - last_lost) / 1000:.0f} ms before the end")

    pair.start_real(victim)
    expect_serving(pair, everybody, "a real server that answers again is put back", 5)
    with pair.traffic(sessions=20) as seen:
        time.sleep(1)
    expect(seen.probe.lost == 0, f"all is as before: every probe to port {ECHO_PORT} is answered",
           f"{seen.probe.lost} lost")


run(main)
