#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=400
"""peer kernel-multicast: a pair of tandem and keepalived with lvs_sync_daemon. Keepalived's kernel is told
what tandem knows, and all of it again when it has lost everything; what it tells is taken only where
the file says so; connections live through both ways."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, Pair, expect, held, ipvs, note, run, wait_for  # noqa: E402

KEY = "hex:" + "5a" * 32
SESSIONS = 100
ROUND_S = 10


class MixedPair(Pair):
    receive = ""

    def config(self, node):
        text = super().config(node).replace("lvs_sched mh\n    mh-port", "lvs_sched rr")
        if node is self.d2:
            return text.replace("global_defs {\n", "global_defs {\n    lvs_sync_daemon eth0 VI_1 id 51\n", 1)
        return text + (f"sync {{\n    interface eth0\n    address {self.address(0, 1)}\n    key {KEY}\n"
                       f"    sync_wait 1\n    peer kernel-multicast eth0 id 51{self.receive}\n}}\n")


def known(node):
    return sum(line.startswith("TCP") and f" {ECHO_PORT:04X} " in line for line in ipvs.connections(node))


def counters(node):
    return node.daemon.ask("sync")["counters"]


def forget(pair, node):
    """Its kernel has lost all, as after a crash."""
    pair.clear_ipvs(node)
    node.sysctl(ipv4__vs__expire_nodest_conn=0)


def come_back(pair, node):
    forget(pair, node)
    node.boot()
    node.daemon.boot()


def check_bulk(pair, holder, sessions):
    expect(wait_for(lambda: known(pair.d2) >= SESSIONS, 60, 0.2), "keepalived's kernel has all connections",
           known(pair.d2))
    pair.d2.crash()
    come_back(pair, pair.d2)
    expect(wait_for(lambda: known(pair.d2) >= SESSIONS, 2 * ROUND_S + 60, 0.5), "and all again when it is back",
           known(pair.d2))


def check_failover(pair, holder, sessions):
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 60), "keepalived takes over", pair.holders())
    expect(holder.ask(sessions)["idle"] == (SESSIONS, SESSIONS), "every session lives", len(sessions))


def check_not_taken(pair):
    come_back(pair, pair.d1)
    expect(pair.wait_active(pair.d1, 90), "tandem is back", pair.holders())
    count = counters(pair.d1)
    expect(count["kernel_peer_in"] == 0 and count["kernel_peer_out"] == 0 and known(pair.d1) == 0,
           "without `receive` it takes nothing from keepalived", count)


def check_taken(pair, holder):
    """The other way: keepalived is Active, its kernel tells of each packet."""
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 60), "keepalived takes over again", pair.holders())
    pair.receive = " receive"
    pair.d1.daemon.configure(pair.config(pair.d1))
    pair.d2.sysctl(ipv4__vs__sync_threshold="0 0", ipv4__vs__sync_refresh_period=1)
    forget(pair, pair.d1)
    stay = pair.config(pair.d1).replace("priority 150", "priority 50")
    pair.d1.daemon.configure(stay)
    pair.d1.boot()
    pair.d1.daemon.boot()
    expect(wait_for(lambda: "taken without authentication" in pair.d1.daemon.log_text(), 60, 0.2),
           "with `receive` the log says that nothing of it is authenticated")
    sessions = holder.open(SESSIONS, ["idle"])
    expect(wait_for(lambda: known(pair.d1) >= SESSIONS, 60, 0.3), "tandem's kernel has keepalived's connections",
           (known(pair.d1), counters(pair.d1)))
    note(pair.d1.daemon.ctl("sync")[1])
    pair.d2.crash()
    expect(pair.wait_active(pair.d1, 60), "tandem takes over", pair.holders())
    expect(holder.ask(sessions)["idle"] == (SESSIONS, SESSIONS), "every session lives", len(sessions))


def check_other_interface(pair):
    """The interface goes, and another one of its name comes, as when a bond or a VLAN is made anew."""
    d1 = pair.d1
    d1.run("ip", "link", "add", "told", "type", "veth", "peer", "name", "teller")
    d1.run("ip", "link", "set", "told", "up")
    told = pair.config(d1).replace("kernel-multicast eth0", "kernel-multicast told")
    code, said = d1.daemon.reload(told)
    expect(code == 0 and wait_for(lambda: "on told in the kernel's own protocol" in d1.daemon.log_text(), 10, 0.2),
           "another interface by a reload", said)
    d1.run("ip", "link", "del", "told")
    expect(wait_for(lambda: "kernel-multicast on told: No such device" in d1.daemon.log_text(), 10, 0.2),
           "it goes: the log says so", d1.daemon.log_text()[-500:])
    d1.run("ip", "link", "add", "told", "type", "veth", "peer", "name", "teller")
    d1.run("ip", "link", "set", "told", "up")
    expect(wait_for(lambda: d1.daemon.log_text().count("on told in the kernel's own protocol") == 2, 10, 0.2),
           "another one comes: it is told again", d1.daemon.log_text()[-500:])


def main():
    pair = MixedPair(kinds=("tandem", "keepalived"))
    for node in pair.directors:
        node.sysctl(ipv4__vs__sloppy_tcp=0)
    pair.start()
    holder = held.Held(pair.client, pair.vip, port=ECHO_PORT)
    sessions = holder.open(SESSIONS, ["idle"])
    check_bulk(pair, holder, sessions)
    check_failover(pair, holder, sessions)
    check_not_taken(pair)
    check_taken(pair, holder)
    check_other_interface(pair)


run(main)
