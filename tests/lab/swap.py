#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240
"""A pair of keepalived's, under traffic, swapped node by node with the same file: the Backup first,
then a fail-over to it, then the other, then back. One set of sessions lives through all of it."""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, Probe, Tandem, ECHO_PORT, expect, note, run, wait_for  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", default="dr", choices=("dr", "nat"))
    parser.add_argument("--version", default=3, type=int)
    parser.add_argument("--advert", default=0.2, type=float)
    return parser.parse_args()


def in_service(node):
    """As `tandemctl status` says it to whoever replaces a node."""
    status = node.daemon.status()
    return status and status["vrrp_instances"][0]["state"] in ("BACKUP", "MASTER")


def replace(pair, node):
    """As README.md tells operators to: the file as it is, one program stopped, the other started."""
    text = node.daemon.config
    node.daemon.stop()
    node.daemon = Tandem(node, text)
    node.daemon.start()
    expect(pair.wait_table(node), f"{node.name} has its services again",
           node.daemon.log_text()[-500:])
    expect(wait_for(lambda: in_service(node), 20), f"{node.name} takes part in VRRP",
           node.daemon.log_text()[-500:])


def probed(pair, what, act, to, limit_ms=0):
    """limit_ms: how long the address may be away; 0: not a probe may be lost."""
    probe = Probe(pair.client, pair.vip, ECHO_PORT)
    time.sleep(0.3)
    act()
    expect(pair.wait_active(to, 20 * pair.advert_s + 10), f"{what}: {to.name} is active",
           pair.holders())
    time.sleep(0.5 + 2 * pair.advert_s)
    probe.end()
    saw = probe.result()
    note(f"{what}: outage {saw.outage_ms:.0f} ms, {saw.lost} of {saw.sent} probes lost")
    if limit_ms:
        expect(saw.outage_ms <= limit_ms, f"{what}: back in {limit_ms:.0f} ms", saw.outage_ms)
    else:
        # With NAT an answer on its way may meet the other director, which has not seen the question.
        # And one in a hundred is what a busy machine may take without any change.
        expect(saw.outage_ms < 50 and saw.lost <= saw.sent / 100,
               f"{what}: no probe is lost", (saw.lost, saw.outage_ms))


def main():
    a = arguments()
    pair = Pair(("keepalived", "keepalived"), mode=a.mode, version=a.version, advert_s=a.advert)
    note(f"{a.mode.upper()}, VRRPv{a.version}, an advertisement every {a.advert:g} s")
    pair.start()
    with pair.traffic() as seen:
        time.sleep(1)
        probed(pair, "the Backup is replaced", lambda: replace(pair, pair.d2), pair.d1)
        # keepalived drops its addresses at the moment of stopping, before there is a successor.
        probed(pair, "keepalived stops, tandem takes over", pair.d1.daemon.stop, pair.d2,
               pair.takeover_limit_ms())
        probed(pair, "the other is replaced, and takes its place back",
               lambda: replace(pair, pair.d1), pair.d1)
        probed(pair, "tandem stops, tandem takes over", pair.d1.daemon.stop, pair.d2)
        probed(pair, "and back", pair.d1.daemon.start, pair.d1)
    note(f"{seen.sessions.alive} of {seen.sessions.asked} sessions alive")
    expect(seen.sessions.alive == seen.sessions.asked, "no session is lost in all of it",
           f"{seen.sessions.reset} reset, {seen.sessions.hung} hung, {seen.sessions.failed} failed")
    kinds = {node.daemon.name for node in pair.directors}
    expect(kinds == {"tandem"}, "and no keepalived is left", kinds)


run(main)
