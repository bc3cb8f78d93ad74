#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=150 ip_vs=no
"""The matrix: a tandem and a keepalived, each way round, with one virtual router of each kind at the
same time: VRRPv2 and v3, multicast and unicast, IPv4 and IPv6, PASS, nopreempt, the virtual MAC
address, a sync group of both families. The start, the preferred one's wire dead and back, its stop
and its return."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, Watch, expect, need, run, wait_for  # noqa: E402

V2, V3 = "version 2\nadvert_int 1", "version 3\nadvert_int 0.1"
PASS = "authentication {\nauth_type PASS\nauth_pass secret\n}"

# name: (IPv6?, unicast?, text)
ROUTERS = {
    "v2": (False, False, V2),
    "v2 PASS": (False, False, f"{V2}\n{PASS}"),
    "v2 unicast": (False, True, V2),
    "v2 unicast PASS": (False, True, f"{V2}\n{PASS}"),
    "v3": (False, False, V3),
    "v3 unicast": (False, True, V3),
    "v3 unicast old": (False, True, f"{V3}\nold_unicast_checksum"),
    "v3 IPv6": (True, False, V3),
    "v3 IPv6 unicast": (True, True, V3),
    "v3 nopreempt": (False, False, f"{V3}\nnopreempt"),
    "v2 vmac": (False, False, f"{V2}\nuse_vmac"),
    "v3 vmac": (False, False, f"{V3}\nuse_vmac"),
    "v3 IPv6 vmac": (True, False, f"{V3}\nuse_vmac"),
    "v3 grouped": (False, False, V3),
    "v3 IPv6 grouped": (True, False, V3),
}
GROUPED = ("v3 grouped", "v3 IPv6 grouped")
STAYS = {"v3 nopreempt"}  # with whoever has it


def address(v6, host):
    return f"fd00::{host}" if v6 else f"10.0.0.{host}"


def vips(names=ROUTERS):
    return {address(ROUTERS[name][0], 100 + i): name for i, name in enumerate(ROUTERS)
            if name in names}


def word(name):
    return name.replace(" ", "_")


def config(node, number):
    text = (f"global_defs {{\n    router_id {node.name}\n}}\n"
            f"vrrp_sync_group G {{\ngroup {{\n{chr(10).join(map(word, GROUPED))}\n}}\n}}\n")
    for i, (name, (v6, unicast, more)) in enumerate(ROUTERS.items()):
        peer = (f"unicast_src_ip {address(v6, number)}\n"
                f"unicast_peer {{\n{address(v6, 3 - number)}\n}}\n") if unicast else ""
        text += (f"vrrp_instance {word(name)} {{\nstate BACKUP\ninterface eth0\n"
                 f"virtual_router_id {51 + i}\npriority {150 if number == 1 else 100}\n"
                 f"{more}\n{peer}virtual_ipaddress {{\n"
                 + ("fe80::51:%x/64\n" % i if v6 else "")
                 + f"{address(v6, 100 + i)}/{64 if v6 else 24}\n}}\n}}\n")
    return text


class Pair:
    def __init__(self):
        self.lan = Switch("lan")
        self.d1, self.d2 = self.nodes = [Node(f"d{i}") for i in (1, 2)]
        for i, node in enumerate(self.nodes, 1):
            node.plug("eth0", self.lan, f"10.0.0.{i}/24", f"fd00::{i}/64")
        self.watch = Watch(self.nodes)

    def employ(self, kinds):
        for i, (node, kind) in enumerate(zip(self.nodes, kinds), 1):
            node.daemon = KINDS[kind](node, config(node, i))

    def expect_at(self, what, node, names=ROUTERS, only=True, timeout_s=12):
        """All of these virtual routers are this node's (only: and no other's)."""
        def wrong():
            return [name for vip, name in vips(names).items()
                    if (self.watch.holders[vip] != {node.name} if only
                        else node.name not in self.watch.holders[vip])]
        ok = wait_for(lambda: not wrong(), timeout_s, 0.05)
        expect(ok, f"{what}: {node.name} has all addresses", "not " + ", ".join(wrong())
               + "".join("\n" + n.daemon.log_text()[-700:] for n in self.nodes))


def scenario(pair, kinds):
    name, d1, d2 = f"{kinds[0]} preferred to {kinds[1]}", pair.d1, pair.d2
    preempt = set(ROUTERS) - STAYS
    pair.employ(kinds)
    d1.daemon.start()
    pair.expect_at(f"{name}, the first alone", d1)
    d2.daemon.start()
    time.sleep(2)
    pair.expect_at(f"{name}, start of the second", d1, timeout_s=1)
    d1.links["eth0"].cut()
    pair.expect_at(f"{name}, the wire of d1 dead", d2, only=False)
    d1.links["eth0"].join()
    pair.expect_at(f"{name}, the wire works again", d1)
    d1.daemon.stop()
    pair.expect_at(f"{name}, d1 stopped", d2)
    d1.daemon.start()
    pair.expect_at(f"{name}, d1 back", d1, preempt)
    pair.expect_at(f"{name}, d1 back, nopreempt", d2, STAYS, timeout_s=1)
    for node in pair.nodes:
        node.daemon.stop()


def main():
    need(modules=["veth", "bridge", "macvlan"], programs=["keepalived"])
    pair = Pair()
    for kinds in (("tandem", "keepalived"), ("keepalived", "tandem")):
        scenario(pair, kinds)


run(main)
