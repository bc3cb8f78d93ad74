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
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Pair, expect, note, run, wait_for  # noqa: E402
from lab.ipvs import connections  # noqa: E402

PERSISTENCE_S = 60


class SyncPair(Pair):
    persistent = False
    loss = 0
    age_s = 0.2

    def config(self, node):
        text = super().config(node)
        if self.persistent:
            text = text.replace("lvs_sched rr", f"lvs_sched rr\n    persistence_timeout {PERSISTENCE_S}")
        return text


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


def counters(node):
    return node.daemon.ask("sync")["counters"]


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
            expect(wait_for(lambda: pair.synced(node), 10, 0.1), f"{node.name}: and is synced",
                   node.daemon.status()["sync"])
        pair.d1.crash()
        expect(pair.wait_active(pair.d2, 10), "kill -9, crash: d2 takes over", pair.holders())
        time.sleep(1)
    judge(pair, "kill -9 of both, crash", seen)


def template_left_s(node):
    """How long the client is remembered there, who has no connection any more."""
    rows = [line.split() for line in connections(node)]
    return max((int(row[8]) for row in rows if row[2] == "0000"), default=0)


def check_persistence(pair, wait_s=20):
    """d2 returns when the client has been away for a time: who then connects there is remembered for the
    whole time again, not for what was left."""
    pair.d2.crash()
    with pair.traffic(1) as seen:
        time.sleep(1)
    time.sleep(wait_s)
    pair.power_cycle(pair.d2)
    expect(wait_for(lambda: pair.d2.daemon.status() and pair.synced(pair.d2), 30, 0.1), "d2 is synced again",
           pair.d2.daemon.status())
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 10), "d2 takes over again", pair.holders())
    with pair.traffic(1) as seen:
        time.sleep(1)
        left_s = template_left_s(pair.d2)
    judge(pair, "persistence", seen)
    expect(left_s > PERSISTENCE_S - wait_s / 2, "a client is remembered for the whole time again",
           f"{left_s} of {PERSISTENCE_S} s")
    pair.power_cycle(pair.d1)
    expect(pair.wait_active(pair.d1, 45), "d1 preempts once more", pair.holders())


def main():
    a = arguments()
    pair = SyncPair(mode=a.mode, family=a.family, advert_s=a.advert, sync=a.sync)
    pair.persistent, pair.loss, pair.age_s = a.persistent, a.loss, a.age
    pair.employ(a.daemon, a.daemon)
    pair.start()
    if a.sync == "peer":
        for node in pair.directors:
            expect(wait_for(lambda: pair.synced(node), 30, 0.1), f"{node.name} is synced",
                   node.daemon.status()["sync"])
    for what, period_ms in (("busy", 1000), ("idle", 60000))[:1 if a.once else 2]:
        crash_and_return(pair, what, a.sessions, period_ms)
    if a.sync == "peer" and a.persistent:
        check_persistence(pair)
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
