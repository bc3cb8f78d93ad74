#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=150 ip_vs=no
"""tandem and FRR's vrrpd, each way round, with one virtual router of each kind at the same time:
VRRPv2, VRRPv3 of IPv4 and IPv6, each with the virtual router MAC address on both sides, too. The
start, the preferred one's wire dead and back, its stop on purpose and its return.

Who is Active is read off the wire, and off the client: whose MAC address it sends to, and that it
is answered.
"""

import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, Watch, expect, need, now_us, run, wait_for  # noqa: E402
from lab.frr import LIBEXEC, Frr, Router  # noqa: E402

# VRID: (name, version, advert_int in s, virtual address, tandem's own words)
ROUTERS = {
    51: ("v2", 2, 1, "10.0.0.101", ""),
    52: ("v3", 3, 0.1, "10.0.0.102", ""),
    53: ("v3 IPv6", 3, 0.1, "fd00::103", ""),
    54: ("v3 vmac", 3, 0.1, "10.0.0.104", "use_vmac"),
    55: ("v3 IPv6 vmac", 3, 0.1, "fd00::105", "use_vmac"),
    56: ("v2 vmac", 2, 1, "10.0.0.106", "use_vmac"),
}
PRIORITIES = (150, 100)


def routers(priority):
    """The virtual routers in FRR's words."""
    return [Router(vrid, version, priority, advert_s, address)
            for vrid, (_, version, advert_s, address, _) in ROUTERS.items()]


def tandem_config(node, priority):
    text = f"global_defs {{\n    router_id {node.name}\n}}\n"
    for router in routers(priority):
        name, _, advert_s, address, more = ROUTERS[router.vrid]
        text += (f"vrrp_instance {name.replace(' ', '_')} {{\nstate BACKUP\ninterface eth0\n"
                 f"virtual_router_id {router.vrid}\npriority {priority}\n"
                 f"version {router.version}\nadvert_int {advert_s:g}\n{more}\n"
                 "virtual_ipaddress {\n"
                 + (f"{router.link_local}/64\n{address}/64\n" if router.v6 else f"{address}/24\n")
                 + "}\n}\n")
    return text


class Round:
    """A pair of directors: the first one's priority is 150, the second one's 100."""

    def __init__(self, lan, client, watch, kinds, first_host):
        self.name = f"{kinds[0]} preferred to {kinds[1]}"
        self.client, self.watch = client, watch
        self.nodes = [Node(f"{kind}{i}") for i, kind in enumerate(kinds, 1)]
        for i, (node, kind) in enumerate(zip(self.nodes, kinds)):
            host, priority = first_host + i, PRIORITIES[i]
            node.plug("eth0", lan, f"10.0.0.{host}/24", f"fd00::{host}/64")
            node.priority = priority
            node.daemon = (Tandem(node, tandem_config(node, priority)) if kind == "tandem"
                           else Frr(node, routers(priority)))

    def speakers(self, router):
        """The priorities in the advertisements of its last two intervals and a half."""
        since_us = now_us() - 2500 * router.advert_ms
        found = set()
        for advert in reversed(self.watch.adverts):
            if advert.at_us < since_us:
                break
            if advert.vrid == router.vrid and (":" in advert.source) == router.v6:
                found.add((advert.version, advert.priority))
        return found

    def wrong(self, node):
        """What shows that this node is not the only Active of all virtual routers."""
        found = []
        for router in routers(node.priority):
            said = self.speakers(router)
            if said != {(router.version, node.priority)}:
                found.append(f"{ROUTERS[router.vrid][0]}: advertised are {sorted(said)}")
            elif not self.is_reached(router.address, self.mac(node, router)):
                found.append(f"{ROUTERS[router.vrid][0]}: the client does not reach it")
        return found

    def mac(self, node, router):
        """What a client is to send to when this node is Active."""
        if isinstance(node.daemon, Frr) or ROUTERS[router.vrid][4]:
            return router.mac
        return re.search(r"link/ether (\S+)", node.run("ip", "link", "show", "eth0"))[1]

    def is_reached(self, address, mac):
        answer = self.client.run("busybox", "ping", "-c", "1", "-W", "1", address, check=False)
        return (" 0% packet loss" in answer
                and f"lladdr {mac}" in self.client.run("ip", "neigh", "show", address))

    def expect_active(self, what, node, timeout_s=15):
        ok = wait_for(lambda: not self.wrong(node), timeout_s, 0.1)
        expect(ok, f"{self.name}, {what}: {node.name} is Active of all, and has the client",
               "" if ok else "; ".join(self.wrong(node))
               + "".join("\n" + n.daemon.log_text()[-700:] for n in self.nodes))

    def play(self):
        first, second = self.nodes
        first.daemon.start()
        self.expect_active("alone", first)
        second.daemon.start()
        time.sleep(5)  # a second one that obeys nobody would have taken over by now
        self.expect_active("beside the second", first, 3)
        first.links["eth0"].cut()
        self.expect_active("the first one's wire dead", second)
        first.links["eth0"].join()
        self.expect_active("the wire works again", first)
        first.daemon.stop()
        self.expect_active("the first stopped", second)
        first.daemon.start()
        self.expect_active("the first is back", first)

    def end(self):
        for node in self.nodes:
            node.daemon.stop()
            node.remove()


def main():
    need(modules=["veth", "bridge", "macvlan"], programs=[f"{LIBEXEC}/vrrpd", f"{LIBEXEC}/zebra"])
    lan, client = Switch("lan"), Node("client")
    client.plug("eth0", lan, "10.0.0.50/24", "fd00::50/64")
    watch = Watch([], lan)
    for i, kinds in enumerate((("tandem", "frr"), ("frr", "tandem"))):
        pair = Round(lan, client, watch, kinds, 1 + 2 * i)
        pair.play()
        pair.end()


run(main)
