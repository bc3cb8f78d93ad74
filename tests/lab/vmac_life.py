#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120 ip_vs=no
"""The life of a virtual-MAC interface: what each option makes of it, as `ip -d` shows; a death leaves
it and the next life takes it over; a reload changes it; what somebody breaks is put right; its base
goes and comes back; a stop leaves nothing."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, need, run, wait_for  # noqa: E402

VIP = "10.0.0.100"
MAC4, MAC6 = "00:00:5e:00:01:33", "00:00:5e:00:02:33"


def config(words="use_vmac", vrid=51, more="", addresses=(f"{VIP}/24",), excluded=(), glob=""):
    def block(keyword, lines):
        inner = "".join(f"        {line}\n" for line in lines)
        return f"    {keyword} {{\n{inner}    }}\n" * bool(lines)

    return (f"global_defs {{\n{glob}}}\n"
            f"vrrp_instance VI_1 {{\n    state MASTER\n    interface eth0\n    version 3\n"
            f"    virtual_router_id {vrid}\n    priority 150\n    advert_int 0.1\n    {words}\n{more}"
            + block("virtual_ipaddress", addresses)
            + block("virtual_ipaddress_excluded", excluded) + "}\n")


def links(node):
    """{name: what `ip -d link` says}"""
    return {link["ifname"]: link for link in json.loads(node.run("ip", "-d", "-j", "link"))}


def where(node, address):
    """The interface that has the address; None: none has."""
    for link in json.loads(node.run("ip", "-j", "addr")):
        if any(a.get("local") == address for a in link["addr_info"]):
            return link["ifname"]


def ipv4(node, ifname, name):
    with node.inside(), open(f"/proc/sys/net/ipv4/conf/{ifname}/{name}") as f:
        return int(f.read())


def lands(node, address, ifname, what):
    expect(wait_for(lambda: where(node, address) == ifname, 10), f"{what}: {address} is on {ifname}",
           where(node, address))


def made(node, name, base="eth0", mac=MAC4, **more):
    link = links(node).get(name, {})
    wanted = {"link": base, "address": mac, "ifalias": "tandem: VI_1", **more}
    return (link.get("linkinfo", {}).get("info_kind") == "macvlan"
            and link["linkinfo"]["info_data"]["mode"] == "private"
            and link.get("inet6_addr_gen_mode") == "none" and "UP" in link["flags"]
            and all(link.get(key) == value for key, value in wanted.items()))


def is_made(node, what, *args, **more):
    name = args[0]
    expect(wait_for(lambda: made(node, *args, **more), 5), f"{what}: {name} is as it is to be",
           links(node).get(name))


def options(node, daemon):
    """Each word, and what becomes of it. The daemon runs, and is reloaded from one to the next."""
    node.ip("link set eth0 group 3")

    def change(what, **how):
        code, said = daemon.reload(config(**how))
        expect(code == 0, f"{what}: a reload", said)

    is_made(node, "use_vmac", "vrrp.51")
    values = {name: ipv4(node, "vrrp.51", name) for name in
              ("arp_ignore", "accept_local", "rp_filter", "promote_secondaries")}
    expect(values == {"arp_ignore": 1, "accept_local": 1, "rp_filter": 2,
                      "promote_secondaries": 1}, "use_vmac: its settings", values)
    base = [ipv4(node, "eth0", name) for name in ("arp_ignore", "arp_filter", "arp_announce")]
    expect(base == [1, 1, 2], "use_vmac: those of its base", base)
    expect(ipv4(node, "all", "rp_filter") == 1, "use_vmac: rp_filter of the host is left alone")

    change("a name, a MAC address, a group", words="use_vmac gate 02:00:00:00:07 group 9")
    is_made(node, "named", "gate", mac="02:00:00:00:07:33", group="9")
    expect("vrrp.51" not in links(node), "the former interface is gone", links(node).keys())
    lands(node, VIP, "gate", "named")
    change("another MAC address, the same name", words="use_vmac gate 02:00:00:00:00:08")
    is_made(node, "renumbered", "gate", mac="02:00:00:00:00:08", group="3")
    lands(node, VIP, "gate", "renumbered")
    change("another name, the same MAC address", words="use_vmac other 02:00:00:00:00:08")
    is_made(node, "renamed", "other", mac="02:00:00:00:00:08", group="3")
    lands(node, VIP, "other", "renamed")
    expect("MASTER → FAULT" not in daemon.log_text(), "renamed: it stays MASTER")

    change("off", words="")
    lands(node, VIP, "eth0", "off")
    expect(wait_for(lambda: not {"gate", "other"} & set(links(node)), 5), "off: no interface is left")
    base = [ipv4(node, "eth0", name) for name in ("arp_ignore", "arp_filter", "arp_announce")]
    expect(base == [0, 0, 0], "off: the settings of its base went back", base)

    change("addresses", words="use_vmac", excluded=["10.0.1.101/24 dev eth1",
           "10.0.1.102/24 dev eth1 use_vmac", "fd00::101/64", "fd00::102/64 use_vmac"])
    for address, ifname in (("10.0.1.101", "eth1"), ("10.0.1.102", "vrrp1.51"),
                            ("fd00::101", "eth0"), ("fd00::102", "vrrp6.51")):
        lands(node, address, ifname, "use_vmac behind an address")
    is_made(node, "another interface", "vrrp1.51", "eth1")
    is_made(node, "another family", "vrrp6.51", mac=MAC6)
    change("use_vmac_addr", more="    use_vmac_addr\n", glob="    vmac_addr_prefix side\n",
           excluded=["10.0.1.101/24 dev eth1", "fd00::101/64"])
    lands(node, "10.0.1.101", "side.51", "use_vmac_addr")
    lands(node, "fd00::101", "side6.51", "use_vmac_addr")
    expect(not {"vrrp1.51", "vrrp6.51"} & set(links(node)), "the former ones are gone")

    change("another VRID", vrid=52)
    is_made(node, "another VRID", "vrrp.52", mac="00:00:5e:00:01:34")
    lands(node, VIP, "vrrp.52", "another VRID")
    expect(wait_for(lambda: "vrrp.51" not in links(node), 20), "another VRID: the former is gone")
    change("back")
    lands(node, VIP, "vrrp.51", "back")
    expect(wait_for(lambda: "vrrp.52" not in links(node), 20), "back: the former is gone")


def deaths(node, daemon):
    index = links(node)["vrrp.51"]["ifindex"]
    old = daemon.vrrp_pid()
    os.kill(old, 9)
    expect(daemon.wait_role("tandem-vrrp", old), "tandem-vrrp dies, another comes")
    time.sleep(0.5)
    expect(where(node, VIP) == "vrrp.51" and links(node)["vrrp.51"]["ifindex"] == index,
           "the same interface, with the address", where(node, VIP))
    daemon.kill()
    expect(where(node, VIP) == "vrrp.51", "all die: both stay")
    daemon.start()
    time.sleep(2)
    expect(where(node, VIP) == "vrrp.51" and links(node)["vrrp.51"]["ifindex"] == index,
           "the next life takes them over", links(node).keys())

    daemon.kill()
    daemon.configure(config(words=""))
    daemon.start()
    lands(node, VIP, "eth0", "a life without use_vmac")
    expect(wait_for(lambda: "vrrp.51" not in links(node), 5), "removes what the last one made")
    daemon.reload(config())
    lands(node, VIP, "vrrp.51", "on again")


def repairs(node, daemon, lan):
    node.run("ip", "link", "del", "vrrp.51")
    is_made(node, "somebody removes it", "vrrp.51")
    lands(node, VIP, "vrrp.51", "somebody removes it")
    node.run("ip", "link", "set", "vrrp.51", "down")
    is_made(node, "somebody sets it down", "vrrp.51")
    node.run("ip", "link", "set", "vrrp.51", "address", "02:00:00:00:00:99")
    is_made(node, "somebody changes its MAC address", "vrrp.51")
    lands(node, VIP, "vrrp.51", "changed and put right")

    node.run("ip", "link", "del", "eth0")
    expect(wait_for(lambda: "vrrp.51" not in links(node), 5), "its base goes, and it with it")
    node.plug("eth0", lan, "10.0.0.1/24")
    is_made(node, "its base comes back", "vrrp.51")
    lands(node, VIP, "vrrp.51", "its base comes back")
    expect(wait_for(lambda: ipv4(node, "eth0", "arp_ignore") == 1, 5), "with the settings again")


def strangers(node, daemon):
    daemon.stop()
    node.ip("link add vrrp.51 link eth0 type macvlan mode bridge", "link set vrrp.51 up")
    daemon.configure(config())
    daemon.start()
    expect(wait_for(lambda: "vrrp.51 can't be made on eth0: there is one, and it is not ours"
                    in daemon.log_text(), 5), "somebody else's is not touched, and told")
    node.ip("link del vrrp.51")
    lands(node, VIP, "vrrp.51", "when that goes")
    daemon.stop()

    node.ip(f"link add vrrp.51 link eth0 address {MAC4} type macvlan mode private")
    index = links(node)["vrrp.51"]["ifindex"]
    daemon.start()
    is_made(node, "just what is needed is taken over", "vrrp.51")
    expect(links(node)["vrrp.51"]["ifindex"] == index, "it is the same one")


def main():
    need(modules=["veth", "bridge", "macvlan"])
    lan, node = Switch("lan"), Node("d1")
    node.sysctl(ipv4__conf__all__rp_filter=1)
    node.plug("eth0", lan, "10.0.0.1/24", "fd00::1/64")
    node.plug("eth1", lan, "10.0.1.1/24")
    before = set(links(node))
    daemon = KINDS["tandem"](node, config())
    daemon.start()
    lands(node, VIP, "vrrp.51", "use_vmac")
    options(node, daemon)
    deaths(node, daemon)
    repairs(node, daemon, lan)
    strangers(node, daemon)
    daemon.stop()
    expect(set(links(node)) == before, "a stop leaves nothing", links(node).keys())
    left = [ipv4(node, "eth0", name) for name in ("arp_ignore", "arp_filter", "arp_announce")]
    expect(left == [0, 0, 0], "and the settings as they were", left)


run(main)
