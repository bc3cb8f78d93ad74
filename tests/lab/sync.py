#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240
"""Connections through a failover and a failback, where no hash helps: the scheduler is rr, and a
connection that a director has never heard of is refused. The Active crashes, the other director
takes over, the first one comes back with an empty table and preempts. Sessions that say a line a
second, and idle ones: few of those speak before all is over.

sync.py [--daemon tandem|keepalived] [--sync peer|kernel] [--sessions N] [--advert S] [--age S]
        [--mode dr|nat] [--family 4|6] [--persistent] [--loss PERCENT] [--once]

With --sync peer, tandem's own, all must live. With --sync kernel (lvs_sync_daemon) what lives is
told, and nothing is asked for: an empty table stays empty until a connection speaks. That is to
compare by hand, with either daemon, and no test.
"""

import argparse
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Pair, expect, note, run, wait_for  # noqa: E402

KEY = "hex:" + "5a" * 32


class SyncPair(Pair):
    sync = "peer"
    persistent = False
    loss = 0
    age_s = 0.2

    def config(self, node):
        text = super().config(node).replace("lvs_sched mh\n    mh-port", "lvs_sched rr")
        if self.persistent:
            text = text.replace("lvs_sched rr", "lvs_sched rr\n    persistence_timeout 60")
        if self.sync == "kernel":
            return text.replace("global_defs {\n",
                                "global_defs {\n    lvs_sync_daemon eth0 VI_1\n", 1)
        me, other = (1, 2) if node is self.d1 else (2, 1)
        return text + (f"sync {{\n    interface eth0\n    address {self.address(0, me)}\n"
                       f"    peer {self.address(0, other)}\n    key {KEY}\n}}\n")

    def connections(self, node):
        """How many TCP connections this director knows."""
        return sum(line.startswith("TCP") for line in
                   node.run("ipvsadm", "-Lnc").splitlines())

    def power_cycle(self, node):
        """Back after a crash, with nothing in its kernel. The guest's kernel is one for all nodes,
        and did not crash: what is left in it is taken out."""
        for kind in ("master", "backup"):
            node.run("ipvsadm", "--stop-daemon", kind, check=False)
        node.sysctl(ipv4__vs__expire_nodest_conn=1)
        node.run("ipvsadm", "-C")
        emptied = wait_for(lambda: self.connections(node) == 0, 20, 0.2)
        node.sysctl(ipv4__vs__expire_nodest_conn=0, ipv4__vs__sync_threshold="3 50",
                    ipv4__vs__sync_refresh_period=0)
        node.run("ip", "addr", "del", "192.0.0.8/32", "dev", "lo", check=False)
        expect(emptied, f"{node.name} comes back with an empty table", self.connections(node))
        node.boot()
        node.daemon.boot()


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", default="tandem", choices=KINDS)
    parser.add_argument("--sync", default="peer", choices=("peer", "kernel"))
    parser.add_argument("--sessions", default=200, type=int)
    parser.add_argument("--advert", default=0.1, type=float)
    parser.add_argument("--mode", default="dr", choices=("dr", "nat"))
    parser.add_argument("--family", default=4, type=int, choices=(4, 6))
    parser.add_argument("--persistent", action="store_true", help="clients keep their real server")
    parser.add_argument("--loss", default=0, type=int, help="on the way between the directors, in percent")
    parser.add_argument("--once", action="store_true", help="busy sessions only, and no kill -9")
    parser.add_argument("--age", default=0.2, type=float, help="of the youngest session, in s")
    return parser.parse_args()


def judge(pair, what, seen):
    s = seen.sessions
    said = f"{s.alive} of {s.asked} sessions alive, {s.reset} reset, {s.hung} hung"
    note(f"{what}: {said}")
    if pair.sync == "peer":
        expect(s.alive == s.asked, f"{what}: every session lives", said)


def synced(node):
    sync = node.daemon.status()["sync"]
    return sync and sync["synced"]


def counters(node):
    return json.loads(node.daemon.ctl("sync", "--json")[1])["counters"]


def crash_and_return(pair, what, sessions, period_ms):
    if pair.loss:
        pair.d2.links["eth0"].netem(f"loss {pair.loss}%")
    with pair.traffic(sessions, period_ms=period_ms) as seen:
        time.sleep(pair.age_s)  # the kernel would hold its last, partial datagram for 2 s
        if pair.sync == "peer":
            expect(counters(pair.d1)["pushes"], f"crash, {what}: it was told to let go of that")
        pair.d1.crash()
        expect(pair.wait_active(pair.d2, 10), "crash: d2 takes over", pair.holders())
        time.sleep(1)
    judge(pair, f"crash, {what}", seen)
    with pair.traffic(sessions, period_ms=period_ms) as seen:
        time.sleep(pair.age_s)
        pair.power_cycle(pair.d1)
        expect(pair.wait_active(pair.d1, 45), "return: d1 preempts", pair.holders())
        time.sleep(1)
    judge(pair, f"return, {what}", seen)


def kill_and_crash(pair, sessions):
    """Both programs die, one after the other, with the sessions open: each learns from the other."""
    with pair.traffic(sessions, period_ms=60000) as seen:
        time.sleep(3)
        for node in pair.directors:
            old = node.daemon.roles()["tandem-sync"]
            os.kill(old, signal.SIGKILL)
            expect(node.daemon.wait_role("tandem-sync", old, 15), f"{node.name}: it is started again")
            expect(wait_for(lambda: synced(node), 10, 0.1), f"{node.name}: and is synced",
                   node.daemon.status()["sync"])
        pair.d1.crash()
        expect(pair.wait_active(pair.d2, 10), "kill -9, crash: d2 takes over", pair.holders())
        time.sleep(1)
    judge(pair, "kill -9 of both, crash", seen)


def main():
    a = arguments()
    pair = SyncPair(mode=a.mode, family=a.family)
    pair.persistent, pair.loss = a.persistent, a.loss
    pair.sync, pair.advert_s, pair.age_s = a.sync, a.advert, a.age
    pair.employ(a.daemon, a.daemon)
    for node in pair.directors:
        node.sysctl(ipv4__vs__sloppy_tcp=0)
    pair.start()
    if a.sync == "peer":
        for node in pair.directors:
            expect(wait_for(lambda: synced(node), 30, 0.1), f"{node.name} is synced",
                   node.daemon.status()["sync"])
    for what, period_ms in (("busy", 1000), ("idle", 60000))[:1 if a.once else 2]:
        crash_and_return(pair, what, a.sessions, period_ms)
    if a.sync == "peer" and not a.once:
        kill_and_crash(pair, a.sessions)
        pair.power_cycle(pair.d1)
        expect(pair.wait_active(pair.d1, 45), "d1 preempts again", pair.holders())
        note(pair.d1.daemon.ctl("status")[1])
    for node in pair.directors:
        node.daemon.stop()
        expect("192.0.0.8" not in node.run("ip", "addr", "show", "dev", "lo"),
               f"{node.name}: a stop leaves no address on lo")


run(main)
