#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=420
"""Three directors, each Active for one of three virtual addresses and Backup of the others, with one
stream of connections between all of them, by multicast. The scheduler is rr: a connection that a
director has never heard of is refused. One crashes, and whoever comes next for its address goes on
with its connections; it comes back with an empty table, and takes them back. The others' sessions
notice nothing."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, Pair, Sessions, Traffic, Watch, expect, note, run, wait_for  # noqa: E402
from lab.pair import SYNC_KEY  # noqa: E402

DIRECTORS = 3
SESSIONS = 60


class Ring(Pair):
    """As a pair, with a third director and an address for each."""

    def __init__(self):
        self.vips = [f"10.0.0.{100 + i}" for i in range(DIRECTORS)]
        super().__init__(reals=2, sync="peer")
        self.d3 = self._director(3)
        self.directors = (self.d1, self.d2, self.d3)
        self.watch = Watch(self.directors)
        self.employ(*["tandem"] * DIRECTORS)
        for node in self.reals:
            node.ip(*[f"addr add {vip} dev lo" for vip in self.vips[1:]])

    def config(self, node):
        me = int(node.name[1:]) - 1
        text = f"global_defs {{\n    router_id {node.name}\n}}\n"
        for i, vip in enumerate(self.vips):
            text += (f"vrrp_instance VI_{i + 1} {{\n    state BACKUP\n    interface eth0\n"
                     f"    virtual_router_id {51 + i}\n"
                     f"    priority {200 - 50 * ((me - i) % DIRECTORS)}\n"
                     f"    version 3\n    advert_int {self.advert_s:g}\n"
                     f"    virtual_ipaddress {{\n        {vip}/24 dev eth0\n    }}\n}}\n")
            reals = "".join(f"    real_server {a} {ECHO_PORT} {{\n        weight 1\n    }}\n"
                            for a in self.real_addresses)
            text += (f"virtual_server {vip} {ECHO_PORT} {{\n    lvs_sched rr\n    lvs_method DR\n"
                     f"    protocol TCP\n{reals}}}\n")
        return text + (f"sync {{\n    interface eth0\n    peers {DIRECTORS - 1}\n"
                       f"    key {SYNC_KEY}\n}}\n")

    def owners(self):
        """For each address the directors that have it."""
        return [self.holders(vip) for vip in self.vips]

    def wait_owners(self, *names, timeout_s=45):
        wanted = [[n] for n in names]
        return wait_for(lambda: self.owners() == wanted, timeout_s)

    def all_traffic(self):
        return Traffic(**{f"v{i + 1}": Sessions(self.client, vip, ECHO_PORT, SESSIONS)
                          for i, vip in enumerate(self.vips)})


def judge(what, seen):
    for name in ("v1", "v2", "v3"):
        s = getattr(seen, name)
        note(f"{what}, {name}: {s.alive} of {s.asked} sessions alive, {s.reset} reset, {s.hung} hung")
    expect(all(getattr(seen, n).alive == getattr(seen, n).asked for n in ("v1", "v2", "v3")),
           f"{what}: every session of every address lives")


def main():
    ring = Ring()
    for node in ring.directors:
        node.daemon.start()
    expect(ring.wait_owners("d1", "d2", "d3"), "each is Active for one address", ring.owners())
    for node in ring.directors:
        expect(wait_for(lambda node=node: ring.synced(node), 60, 0.2), f"{node.name} is synced with two others",
               node.daemon.status()["sync"])
    with ring.all_traffic() as seen:
        time.sleep(1)
        ring.d1.crash()
        expect(ring.wait_owners("d2", "d2", "d3"), "d1 crashes: d2 has its address, too",
               ring.owners())
        time.sleep(2)
        ring.power_cycle(ring.d1)
        expect(ring.wait_owners("d1", "d2", "d3"), "d1 returns: it takes its address back",
               ring.owners())
        time.sleep(2)
    judge("crash and return", seen)


run(main)
