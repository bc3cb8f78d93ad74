#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120
"""use_ipvlan, for IPv4 and IPv6, and use_vmac on an interface in a VRF: where the kernel has them."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, has_module, need, run, skip, wait_for  # noqa: E402


def instance(name, priority, words, address, bound="    interface eth0\n"):
    return (f"vrrp_instance {name} {{\n    state BACKUP\n{bound}    version 3\n"
            f"    virtual_router_id 51\n    priority {priority}\n    advert_int 0.2\n    {words}\n"
            f"    virtual_ipaddress {{\n        {address}\n    }}\n}}\n")


def links(node):
    return {link["ifname"]: link for link in json.loads(node.run("ip", "-d", "-j", "link"))}


def held(node, address, ifname):
    if ifname not in links(node):
        return False
    return f" {address}/" in node.run("ip", "-o", "addr", "show", "dev", ifname)


def answers(client, vip):
    return "1 packets received" in client.run("busybox", "ping", "-c1", "-W1", vip, check=False)


def ipvlan(client, d1, d2):
    for node, priority, i in ((d1, 150, 1), (d2, 100, 2)):
        node.daemon = KINDS["tandem"](node, instance(
            "VI_4", priority, f"use_ipvlan ipv4 10.0.0.{20 + i}/24 private", "10.0.0.100/24")
            + instance("VI_6", priority, "use_ipvlan ipv6 private", "fd00::100/64"))
        node.daemon.start()
    both = (("10.0.0.100", "ipv4"), ("fd00::100", "ipv6"))
    expect(wait_for(lambda: all(held(d1, *b) for b in both), 10), "both addresses are on an ipvlan",
           d1.run("ip", "-br", "addr") + d1.daemon.log_text()[-800:])
    link = links(d1)["ipv4"]
    expect(link["linkinfo"]["info_kind"] == "ipvlan" and link["link"] == "eth0"
           and link["linkinfo"]["info_data"]["mode"] == "l2", "in mode l2, on eth0", link)
    expect(held(d1, "10.0.0.21", "ipv4"), "with an address of its own")
    expect("10.0.0.21 has" not in d1.daemon.log_text(), "which is not heard back")
    for vip, _ in both:
        expect(wait_for(lambda: answers(client, vip), 5), f"{vip} answers")
    expect(not any(held(d2, *b) for b in both), "the other has heard, and is Backup",
           d2.daemon.log_text()[-600:])
    code, said = d1.daemon.reload(d1.daemon.config.replace("use_ipvlan ipv4", "use_ipvlan other"))
    expect(code == 0 and wait_for(lambda: held(d1, "10.0.0.100", "other"), 5)
           and held(d1, "10.0.0.21", "other") and "ipv4" not in links(d1),
           "a reload gives it another name, with both of its addresses",
           said + d1.run("ip", "-br", "addr") + d1.daemon.log_text()[-600:])
    expect("MASTER →" not in d1.daemon.log_text(), "and it stays MASTER")
    d1.daemon.stop()
    expect(wait_for(lambda: all(held(d2, *b) for b in both), 10), "a stop hands over")
    expect(not {"ipv4", "other", "ipv6"} & set(links(d1)), "nothing is left", links(d1).keys())
    for vip, _ in both:
        expect(wait_for(lambda: answers(client, vip), 5), f"{vip} answers")
    d2.daemon.stop()


def vrf(d1):
    d1.ip("link add blue type vrf table 10", "link set blue up", "link set eth0 master blue")
    d1.daemon.configure(instance("VI_4", 150, "use_vmac", "10.0.0.100/24"))
    d1.daemon.start()
    expect(wait_for(lambda: held(d1, "10.0.0.100", "vrrp.51"), 10), "use_vmac in a VRF")
    expect(links(d1)["vrrp.51"].get("master") == "blue", "the interface is in it, too",
           links(d1)["vrrp.51"])
    code, said = d1.daemon.reload(instance(
        "VI_4", 150, "unicast_src_ip 10.0.0.1\n    unicast_peer {\n        10.0.0.2\n    }",
        "10.0.0.100/24 dev eth0", "    vrf blue\n"))
    expect(code == 0 and wait_for(lambda: held(d1, "10.0.0.100", "eth0"), 10),
           "unicast through the VRF, without an interface", said + d1.daemon.log_text()[-600:])
    d1.daemon.stop()


def main():
    need(modules=["veth", "bridge", "macvlan"], programs=["busybox"])
    lan, client = Switch("lan"), Node("client")
    client.plug("eth0", lan, "10.0.0.50/24", "fd00::50/64")
    d1, d2 = Node("d1"), Node("d2")
    for i, node in enumerate((d1, d2), 1):
        node.plug("eth0", lan, f"10.0.0.{i}/24", f"fd00::{i}/64")
    if has_module("ipvlan"):
        ipvlan(client, d1, d2)
    else:
        skip("use_ipvlan", "this kernel has no ipvlan")
        d1.daemon = KINDS["tandem"](d1, instance("VI_4", 150, "use_ipvlan", "10.0.0.100/24"))
        d1.daemon.start()
        expect(wait_for(lambda: "this kernel has no such interfaces" in d1.daemon.log_text(), 5),
               "where there is none it is told", d1.daemon.log_text()[-300:])
        d1.daemon.stop()
    if has_module("vrf"):
        vrf(d1)
    else:
        skip("use_vmac in a VRF", "this kernel has no vrf")


run(main)
