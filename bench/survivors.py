#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=3600 memory=1024
"""Which connections live through what: every way to keep them, every event, every sort of connection.

survivors.py [RUNS] [--ways none,kernel,…] [--events crash,…] [--mode dr|nat|tun] [--family 4|6] [--sessions N]
             [--advert S]

A director that crashes and one that is rebooted come back with an empty table. Between the directors
is a segment of its own for the copying; what is lost on the way is lost there. Idle connections
that were opened before a crash are in part left alone until the old director is back.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lab import ECHO_PORT, Pair, Sessions, note, run, wait_for  # noqa: E402
from lab import held, net  # noqa: E402

KEY = "hex:" + "5a" * 32
CLIENTS = 20
RETURN_S = 60


class Way:
    def __init__(self, daemon, sync=None, hashed=False, loss=0, tuned=False):
        self.daemon, self.sync, self.hashed, self.loss, self.tuned = daemon, sync, hashed, loss, tuned


WAYS = {
    "none": Way("keepalived"),
    "kernel": Way("keepalived", "kernel"),
    "kernel-tuned": Way("keepalived", "kernel", tuned=True),
    "tandem": Way("tandem", "tandem"),
    "tandem-5%": Way("tandem", "tandem", loss=5),
    "tandem-20%": Way("tandem", "tandem", loss=20),
    "mh": Way("keepalived", hashed=True),
    "mh+tandem": Way("tandem", "tandem", hashed=True),
}


class SurvivorsPair(Pair):
    way = WAYS["none"]
    preempt_delay_s = 0

    def __init__(self, **options):
        super().__init__(kinds=("keepalived", "keepalived"), **options)
        self.between = net.Switch("between")
        for i, node in enumerate(self.directors, 1):
            node.plug("sync0", self.between, f"10.0.9.{i}/24")
        bits = 24 if self.family == 4 else 64
        self.sources = [self.address(0, 150 + i) for i in range(CLIENTS)]
        self.client.ip(*[f"addr add {a}/{bits} dev eth0" for a in self.sources])
        held.serve(self.reals)
        self.held = held.Held(self.client, self.vip, self.sources)

    def services(self):
        return [("TCP", ECHO_PORT), ("TCP", held.SERVER_PORT), ("TCP", held.KEPT_PORT)]

    def _service(self, protocol, port):
        text = super()._service(protocol, port)
        if not self.way.hashed:
            text = text.replace("lvs_sched mh\n    mh-port", "lvs_sched rr")
        if port == held.KEPT_PORT:
            text = text.replace("    protocol", "    persistence_timeout 300\n    protocol")
        return text

    def _instance(self, node):
        delay = f"    preempt_delay {self.preempt_delay_s}\n" if self.preempt_delay_s else ""
        return super()._instance(node).replace("    version", delay + "    version")

    def config(self, node):
        text = super().config(node)
        if self.way.sync == "kernel":
            return text.replace("global_defs {\n",
                                "global_defs {\n    lvs_sync_daemon sync0 VI_1\n", 1)
        me, other = (1, 2) if node is self.d1 else (2, 1)
        if self.way.sync == "tandem":
            text += (f"sync {{\n    interface sync0\n    address 10.0.9.{me}\n    peer 10.0.9.{other}\n"
                     f"    key {KEY}\n}}\n")
        return text

    # ---- a way begins and ends

    def begin(self, way):
        self.way = way
        self.preempt_delay_s = 0
        self.employ(way.daemon, way.daemon)
        for node in self.directors:
            self.empty(node)
            node.links["sync0"].netem(f"loss {way.loss}%" if way.loss and node is self.d2 else "")
        for node in self.directors:
            node.daemon.start()
        self.wait_for_director(self.d1)
        self.wait_ready()

    def end(self):
        for node in self.directors:
            node.sysctl(ipv4__vs__expire_nodest_conn=1)
            node.daemon.stop()

    def empty(self, node):
        """Nothing of its former life is in its kernel, which is set up for this way."""
        self.clear_ipvs(node)
        tuned = self.way.tuned
        node.sysctl(ipv4__vs__expire_nodest_conn=0, ipv4__vs__sloppy_tcp=int(self.way.hashed),
                    ipv4__vs__sync_threshold="0 0" if tuned else "3 50",
                    ipv4__vs__sync_refresh_period=10 if tuned else 0)

    def power_cycle(self, node):
        node.sysctl(ipv4__vs__expire_nodest_conn=1)
        if node.daemon.running():
            node.daemon.stop()
        for link in node.links.values():
            link.cut()
        self.empty(node)
        node.boot()
        node.daemon.boot()

    def wait_ready(self):
        """All that a way offers before an event comes: an operator looks at that, too."""
        for node in self.directors:
            self.wait_table(node, timeout_s=60)
            if self.way.sync == "tandem":
                if not wait_for(lambda: self._is_synced(node), 60, 0.1):
                    raise RuntimeError(f"{node.name} is not synced: {node.daemon.status()['sync']}")

    @staticmethod
    def _is_synced(node):
        status = node.daemon.status()
        return status and status["sync"] and status["sync"]["synced"]

    def wait_for_director(self, node):
        if not self.wait_active(node, RETURN_S):
            raise RuntimeError(f"{node.name} is not active, but {self.holders()}")

    def set_preempt_delay(self, delay_s):
        self.preempt_delay_s = delay_s
        for node in self.directors:
            node.daemon.configure(self.config(node))
        if self.way.daemon == "tandem":
            for node in self.directors:
                node.daemon.reload(self.config(node))


class Tally:
    """(way, event) → sort → [alive, asked]."""

    def __init__(self):
        self.cells = {}

    def add(self, way, event, found):
        cell = self.cells.setdefault((way, event), {})
        for sort, (alive, asked) in found.items():
            so_far = cell.setdefault(sort, [0, 0])
            so_far[0] += alive
            so_far[1] += asked

    def share(self, way, event):
        """Of all sorts, in percent; None: not seen."""
        cell = self.cells.get((way, event))
        if not cell:
            return None
        alive, asked = (sum(n[i] for n in cell.values()) for i in (0, 1))
        return 100 * alive / asked if asked else None

    def text(self, way, event):
        share = self.share(way, event)
        if share is None:
            return "–"
        return "100" if share == 100 else f"{min(share, 99.9):.1f}"

    def worst(self, way):
        """Which sorts were lost, and when."""
        return [f"{event}: {n[0]} of {n[1]} {sort}" for (w, event), cell in self.cells.items()
                if w == way for sort, n in cell.items() if n[0] < n[1]]


class Trial:
    """The events, one after the other, on a pair that goes one way."""

    def __init__(self, pair, way, tally, n):
        self.pair, self.way, self.tally, self.n = pair, way, tally, n

    def chatty(self):
        return Sessions(self.pair.client, self.pair.vip, ECHO_PORT, self.n, 12000, 200)

    def open(self):
        """All sorts, on whichever director is active; the youngest is older than 50 ms then."""
        chatty = self.chatty()
        sessions = self.pair.held.open(self.n)
        time.sleep(0.06)
        return chatty, sessions

    def judge(self, event, chatty, sessions):
        found = self.pair.held.ask(sessions)
        if chatty:
            chatty.end()
            seen = chatty.result()
            found["chatty"] = (seen.alive, seen.asked)
        self.tally.add(self.way, event, found)
        told = ", ".join(f"{sort} {a}/{n}" for sort, (a, n) in found.items())
        note(f"{self.way:<13} {event:<16} {told}")

    def close(self, sessions):
        for s in sessions:
            s.sock.close()

    def crash_and_return(self, event):
        pair = self.pair
        chatty, sessions = self.open()
        pair.d1.crash()
        pair.wait_for_director(pair.d2)
        time.sleep(0.5)
        left = [s for i, s in enumerate(sessions) if s.sort == "idle" and i % 2]
        asked = [s for s in sessions if s not in left]
        self.judge("crash", chatty, asked)
        chatty, more = self.open()
        pair.power_cycle(pair.d1)
        pair.wait_for_director(pair.d1)
        time.sleep(0.5)
        sessions = left + asked + more
        self.judge(event, chatty, sessions)
        self.close(sessions)

    def failback(self):
        self.crash_and_return("failback")

    def failback_5s(self):
        self.pair.set_preempt_delay(5)
        self.crash_and_return("failback after 5 s")
        self.pair.set_preempt_delay(0)

    def there_and_back(self, event, there, back):
        pair = self.pair
        chatty, sessions = self.open()
        there()
        pair.wait_for_director(pair.d2)
        time.sleep(0.5)
        self.judge(event, chatty, sessions)
        chatty, more = self.open()
        back()
        pair.wait_for_director(pair.d1)
        time.sleep(0.5)
        sessions += more
        self.judge(f"{event}, back", chatty, sessions)
        self.close(sessions)

    def link(self):
        links = self.pair.d1.links.values()
        self.there_and_back("link failure", lambda: [cable.down() for cable in links],
                            lambda: [cable.up() for cable in links])

    def handover(self):
        daemon = self.pair.d1.daemon
        self.there_and_back("hand-over", daemon.stop, daemon.start)

    def reboots(self):
        """The second director, then the first one; both come back with nothing."""
        pair = self.pair
        chatty, sessions = self.open()
        for node in (pair.d2, pair.d1):
            pair.power_cycle(node)
            if node is pair.d1:
                pair.wait_for_director(pair.d1)
            pair.wait_ready()
            time.sleep(3)
        self.judge("both rebooted", chatty, sessions)
        self.close(sessions)

    def upgrade(self):
        """New programs on the second director, then on the first."""
        pair = self.pair
        chatty, sessions = self.open()
        for node in (pair.d2, pair.d1):
            if self.pair.way.daemon == "tandem":
                code, said = node.daemon.ctl("upgrade")
                if code:
                    raise RuntimeError(said)
            else:
                node.daemon.stop()
                node.daemon.start()
            pair.wait_for_director(pair.d1)
            pair.wait_ready()
            time.sleep(2)
        self.judge("both upgraded", chatty, sessions)
        self.close(sessions)


EVENTS = {"failback": Trial.failback, "failback-5s": Trial.failback_5s, "link": Trial.link,
          "hand-over": Trial.handover, "reboots": Trial.reboots, "upgrade": Trial.upgrade}
COLUMNS = ("crash", "failback", "failback after 5 s", "link failure", "link failure, back", "hand-over",
           "hand-over, back", "both rebooted", "both upgraded")


def table(tally, ways, columns):
    heads = [c.replace("failback after", "after").replace("link failure", "link") for c in columns]
    widths = [max(6, len(h)) for h in heads]
    note("")
    note("Of 100 connections, so many live:")
    note(f"{'':<14}" + "  ".join(f"{h:>{w}}" for h, w in zip(heads, widths)))
    for way in ways:
        cells = [tally.text(way, c) for c in columns]
        note(f"{way:<14}" + "  ".join(f"{c:>{w}}" for c, w in zip(cells, widths)))
    for way in ways:
        for line in tally.worst(way):
            note(f"lost, {way}: {line}")


def results(tally, ways, columns):
    kernel = [w for w in ways if WAYS[w].sync == "kernel"]
    for c in columns:
        peer = max((tally.share(w, c) or 0 for w in kernel), default=None)
        for way in ways:
            ours = tally.share(way, c)
            if WAYS[way].sync != "tandem" or ours is None:
                continue
            ratio = "n/a" if peer is None else f"{ours / peer:.2f}" if peer else "inf"
            name = f"survivors_{way}_{c}".replace(" ", "_").replace(",", "").replace("-", "_")
            print(f"result {name} tandem={ours:g} peer={'n/a' if peer is None else f'{peer:g}'} "
                  f"ratio={ratio} unit=percent", flush=True)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="?", default=1, type=int)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--events", default=",".join(EVENTS))
    parser.add_argument("--mode", default="dr", choices=("dr", "nat", "tun"))
    parser.add_argument("--family", default=4, type=int, choices=(4, 6))
    parser.add_argument("--advert", default=0.1, type=float)
    parser.add_argument("--sessions", default=30, type=int, help="of each sort")
    return parser.parse_args()


def main():
    a = arguments()
    ways, events = a.ways.split(","), a.events.split(",")
    pair, tally = SurvivorsPair(mode=a.mode, family=a.family, advert_s=a.advert), Tally()
    for number in range(a.runs):
        for way in ways:
            pair.begin(WAYS[way])
            trial = Trial(pair, way, tally, a.sessions)
            for event in events:
                EVENTS[event](trial)
            pair.end()
    columns = [c for c in COLUMNS if any(tally.share(w, c) is not None for w in ways)]
    note(f"{a.mode.upper()}, IPv{a.family}, {a.runs} runs")
    table(tally, ways, columns)
    results(tally, ways, columns)


run(main)
