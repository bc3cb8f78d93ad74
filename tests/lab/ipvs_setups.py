#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120
# also: --method nat
"""Two set-ups as they are in use: a pair of directors with 25 real servers by DR, each with an
uthreshold of 35000, and one with 29 real servers by NAT. All of them serve, also after a failover.

ipvs_setups.py [--method dr|nat]"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, Pair, expect, run, wait_for  # noqa: E402
from lab.ipvsadm import table  # noqa: E402

MACHINES = 4  # that the real servers' addresses are on
SESSIONS = 400
SETUPS = {"dr": (25, "        uthreshold 35000\n", "-g -w 1 -x 35000"), "nat": (29, "", "-m -w 1")}


def serving(node, pair):
    """How many real servers have had connections of the TCP service."""
    found, here = 0, False
    for row in map(str.split, node.run("ipvsadm", "-Ln", "--stats", "--exact").splitlines()):
        if row[0] in ("TCP", "UDP"):
            here = row[:2] == ["TCP", f"{pair.vip}:{ECHO_PORT}"]
        found += here and row[0] == "->" and int(row[2]) > 0
    return found


def expect_serving(node, pair, count, what):
    """The kernel brings its figures up to date every 2 s."""
    expect(wait_for(lambda: serving(node, pair) == count, 10, 0.2), what, serving(node, pair))


def check_table(pair, node, words):
    want = {f"{a}:{ECHO_PORT}": words for a in pair.real_addresses}
    for kind in ("-t", "-u"):
        _, got = table(node)[f"{kind} {pair.vip}:{ECHO_PORT}"]
        expect(got == want, f"{node.name}: {len(want)} real servers, {kind}, {words}", got)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--method", choices=SETUPS, default="dr")
    method = parser.parse_args().method
    count, server, words = SETUPS[method]
    pair = Pair(mode=method, reals=count, machines=MACHINES, server=server, advert_s=1)
    pair.start()
    for node in pair.directors:
        check_table(pair, node, words)
    with pair.traffic(SESSIONS) as seen:
        expect_serving(pair.d1, pair, count, f"all {count} serve")
        pair.d1.crash()
        expect(pair.wait_active(pair.d2, 10), "d2 takes over", pair.holders())
    expect(seen.sessions.alive == seen.sessions.asked, "no session is lost", vars(seen.sessions))
    expect_serving(pair.d2, pair, count, f"all {count} serve behind d2")


run(main)
