#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240
"""The main job: the active director goes, the other takes over; it comes back, and takes over
again. With open sessions and a probe every millisecond.

failover.py [--daemon tandem|keepalived] [--mode dr|nat] [--version 2|3] [--advert S]
            [--trials N] [--sessions N] [--faults crash,link,stop]
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Pair, expect, need, note, run  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", default="tandem", choices=KINDS)
    parser.add_argument("--mode", default="dr", choices=("dr", "nat"))
    parser.add_argument("--version", default=3, type=int)
    parser.add_argument("--advert", default=0.1, type=float)
    parser.add_argument("--trials", default=1, type=int)
    parser.add_argument("--sessions", default=200, type=int)
    parser.add_argument("--faults", default="crash,link,stop")
    return parser.parse_args()


def crash(pair):
    pair.d1.crash()


def crash_heal(pair):
    pair.d1.boot()
    pair.d1.daemon.start()


def link(pair):
    for cable in pair.d1.links.values():
        cable.down()


def link_heal(pair):
    for cable in pair.d1.links.values():
        cable.up()


def stop(pair):
    pair.d1.daemon.stop()


def stop_heal(pair):
    pair.d1.daemon.start()


FAULTS = {"crash": (crash, crash_heal), "link": (link, link_heal), "stop": (stop, stop_heal)}


def change(pair, act, to, sessions):
    """Act under traffic; returns what the clients saw, or None if `to` did not take over."""
    with pair.traffic(sessions) as seen:
        time.sleep(0.5)
        act(pair)
        moved = pair.wait_active(to, 20 * pair.advert_s + 10)
        time.sleep(0.5 + pair.advert_s)
    return seen if moved else None


def judge(pair, what, seen, to, gentle):
    """A gentle change loses nothing; any other lasts no longer than the protocol needs."""
    if not expect(seen, f"{what}: {to.name} takes over", f"address held by {pair.holders()}"):
        pair.explain()
        return
    figures = (f"outage {seen.probe.outage_ms:.0f} ms, {seen.probe.lost} of {seen.probe.sent} probes"
               f" lost, slowest answer {seen.probe.rtt_max_ms:.0f} ms,"
               f" {seen.sessions.alive} of {seen.sessions.asked} sessions alive")
    limit_ms = pair.takeover_limit_ms()
    if gentle:
        expect(seen.probe.lost == 0, f"{what}: no probe is lost", figures)
    else:
        expect(seen.probe.outage_ms <= limit_ms, f"{what}: back in {limit_ms:.0f} ms", figures)
    expect(seen.sessions.alive == seen.sessions.asked, f"{what}: no session is lost", figures)
    note(f"{what}: {figures}")


def main():
    a = arguments()
    need(modules=["ip_vs"], programs=["ipvsadm"] + ["keepalived"] * (a.daemon == "keepalived"))
    pair = Pair((a.daemon, a.daemon), mode=a.mode, version=a.version, advert_s=a.advert)
    note(f"{a.daemon}, {a.mode.upper()}, VRRPv{a.version}, an advertisement every {a.advert:g} s")
    pair.start()
    promised = pair.d1.daemon.gentle
    for fault in a.faults.split(",") * a.trials:
        act, heal = FAULTS[fault]
        seen = change(pair, act, pair.d2, a.sessions)
        judge(pair, fault, seen, pair.d2, promised and fault == "stop")
        seen = change(pair, heal, pair.d1, a.sessions)
        judge(pair, f"{fault}, hand-back", seen, pair.d1, promised)
        pair.wait_table(pair.d1)


run(main)
