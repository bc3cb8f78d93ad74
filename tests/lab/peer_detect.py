#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""Heartbeats every 5 ms beside advertisements of a second: the death of the Active, and the loss of
its link, are answered at once, the death also by a Backup that is held up in that moment. The sync
link's cut, the death of its VRRP program and one that hangs for a while are not answered at all: its
kernel still forwards.

peer_detect.py [--crashes N]: only that many crashes and returns, with the times."""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, Switch, expect, note, run, wait_for  # noqa: E402

KEY = "hex:" + "5a" * 32
ARMED = "heartbeats are heard and pings answered"


class DetectPair(Pair):
    def _director(self, i):
        if not hasattr(self, "between"):
            self.between = Switch("between")
        node = super()._director(i)
        self._plug(node, "eth1", self.between, self.address(2, i))
        return node

    def config(self, node):
        return super().config(node) + (f"sync {{\n    interface eth1\n    key {KEY}\n"
                                       "    sync_wait 0\n    peer_detect 5ms\n}\n")


def armed(node, times):
    return wait_for(lambda: node.daemon.log_text().count(ARMED) >= times, 10)


def stays(pair, what, seconds):
    moved = wait_for(lambda: pair.holders() != [pair.d1.name], seconds)
    expect(not moved, f"{what}: d1 stays Active", pair.holders())


def took_over(pair, what, act, reason, limit_s=1):
    """An advertisement each second would be missed after 3.6 s."""
    act()
    start = time.monotonic()
    moved = wait_for(lambda: "d2" in pair.holders(), 10, 0.001)
    taken_s = time.monotonic() - start
    note(f"{what}: d2 has the address after {1000 * taken_s:.0f} ms")
    expect(moved and taken_s < limit_s, f"{what}: d2 takes over long before VRRP would", taken_s)
    expect(wait_for(lambda: reason in pair.d2.daemon.log_text(), 5), f"{what}: it says why", reason)
    return taken_s


def returned(pair, times):
    expect(pair.wait_active(pair.d1, 15), "d1 is Active again", pair.holders())
    expect(armed(pair.d2, times), "and is watched again")


def crash_at_once(node):
    """All its cables in one moment: one after the other they would be two failures."""
    cuts = []
    for link in node.links.values():
        with link.switch.inside():
            cuts.append(subprocess.Popen(["bridge", "link", "set", "dev", link.port, "state", "0"]))
    for cut in cuts:
        cut.wait()
    node.crash()


def crash_while_held_up(pair):
    """d2's program stands still meanwhile, and its kernel takes heartbeats in."""
    vrrp = pair.d2.daemon.roles()["tandem-vrrp"]
    os.kill(vrrp, signal.SIGSTOP)
    time.sleep(0.03)
    crash_at_once(pair.d1)
    os.kill(vrrp, signal.SIGCONT)


def crash(pair, times, what="crash", act=lambda pair: crash_at_once(pair.d1)):
    taken_s = took_over(pair, what, lambda: act(pair), "no heartbeat, answer or advertisement from")
    pair.d1.boot()
    pair.d1.daemon.boot()
    returned(pair, times)
    return taken_s


def cut_between(pair):
    for node in pair.directors:
        node.links["eth1"].cut()
    stays(pair, "the sync link is cut", 1.5)
    expect("no heartbeats any more" in pair.d2.daemon.log_text(), "and d2 says so")
    for node in pair.directors:
        node.links["eth1"].join()
    expect(armed(pair.d2, 2), "the sync link is back: d1 is watched again")


def hurt_program(pair):
    vrrp = pair.d1.daemon.roles()["tandem-vrrp"]
    os.kill(vrrp, signal.SIGSTOP)
    stays(pair, "tandem-vrrp hangs", 0.4)
    os.kill(vrrp, signal.SIGCONT)
    expect(armed(pair.d2, 3), "it goes on: d1 is watched again")
    os.kill(vrrp, signal.SIGKILL)
    stays(pair, "kill -9 of tandem-vrrp", 1)
    expect(pair.d1.daemon.wait_role("tandem-vrrp", vrrp), "it is started again")
    expect(wait_for(lambda: pair.d2.daemon.log_text().count(ARMED) >= 3, 10), "and watched")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--crashes", default=0, type=int)
    a = parser.parse_args()
    pair = DetectPair(ip_vs=False, advert_s=1)
    pair.start()
    expect(armed(pair.d2, 1), "d2 hears d1's heartbeats, and its answers")
    if a.crashes:
        times = [crash(pair, 2 + n) for n in range(a.crashes)]
        note(f"median of {a.crashes}: {1000 * statistics.median(times):.1f} ms")
        return
    cut_between(pair)
    hurt_program(pair)
    seen = pair.d2.daemon.log_text().count(ARMED)
    crash(pair, seen + 1)
    crash(pair, seen + 2, "crash, d2 is held up", crash_while_held_up)
    took_over(pair, "link down", pair.d1.links["eth0"].down, "says that it is Active no more")
    pair.d1.links["eth0"].up()
    returned(pair, seen + 3)


run(main)
