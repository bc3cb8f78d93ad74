#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""Everything that may stand behind a virtual address, as `ip addr` shows it; and each of them is
put back when somebody takes it away, but for no_track."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, need, run, wait_for  # noqa: E402

# What is written, and what the kernel is to say of it beside the address itself.
ADVERTISED = {
    "10.0.0.101/24 brd + label eth0:vip": {"broadcast": "10.0.0.255", "label": "eth0:vip"},
    "10.0.2.102/24 scope link noprefixroute": {"scope": "link", "noprefixroute": True},
    "10.0.0.103/32 peer 10.0.9.1": {"address": "10.0.9.1", "local": "10.0.0.103"},
    "10.0.0.104/24 preferred_lft 0": {"deprecated": True},
    "10.0.1.105/24 dev eth1": {"dev": "eth1"},
}
EXCLUDED = {
    "fd00::101/64": {"nodad": True, "preferred_life_time": (4294967295, 4294967295)},
    "fd00::102/128": {"deprecated": True},
    "fd00::103/128 preferred_lft forever": {"preferred_life_time": (4294967295, 4294967295)},
    "fd00::104/64 preferred_lft 0 -nodad": {"deprecated": True},
    "fd00::110/64 preferred_lft 3000": {"preferred_life_time": (2900, 3000)},
    "fd00::105/64 home": {"home": True},
    "fd00::106/64 mngtmpaddr": {"mngtmpaddr": True},
    "fd00:9::107/64 noprefixroute": {"noprefixroute": True},
    "fd00::108 peer fd00::109": {"address": "fd00::109", "local": "fd00::108"},
    "ff05::77 autojoin dev eth1": {"autojoin": True, "dev": "eth1"},
}
UNTRACKED = "10.0.0.110/24 no_track"


def config(more="", but=()):
    def block(keyword, lines):
        inner = "\n".join(f"        {line}" for line in lines if line not in but)
        return f"    {keyword} {{\n{inner}\n    }}\n"

    return ("vrrp_instance VI_1 {\n    state MASTER\n    interface eth0\n    version 3\n"
            "    virtual_router_id 51\n    priority 150\n    advert_int 0.1\n" + more
            + block("virtual_ipaddress", [*ADVERTISED, UNTRACKED])
            + block("virtual_ipaddress_excluded", EXCLUDED) + "}\n")


def shown(node):
    """{address: what ip(8) says of it, with the interface as "dev"}"""
    return {a["local"]: {**a, "dev": link["ifname"]}
            for link in json.loads(node.run("ip", "-j", "addr")) for a in link["addr_info"]}


def matches(found, wanted):
    return all(want[0] <= found.get(key, -1) <= want[1] if isinstance(want, tuple)
               else found.get(key) == want for key, want in wanted.items())


def address_of(line):
    return line.split()[0].split("/")[0]


def check_all(node, what):
    found = shown(node)
    for line, wanted in (ADVERTISED | EXCLUDED).items():
        expect(matches(found.get(address_of(line), {}), wanted), f"{what}: {line}",
               found.get(address_of(line)))


def delete(node, address):
    a = shown(node)[address]
    peer = ["peer", a["address"]] if "address" in a else []
    node.run("ip", "addr", "del", f"{address}/{a['prefixlen']}" if not peer else address, *peer,
             "dev", a["dev"])


def instance(name, vrid, *addresses):
    return (f"vrrp_instance {name} {{\n\tinterface eth0\n\tvirtual_router_id {vrid}\n\tpriority 255\n"
            "\tvirtual_ipaddress {\n" + "".join(f"\t\t{a}/24\n" for a in addresses) + "\t}\n}\n")


def check_moves(node, daemon):
    """What one instance no longer has, another may have by now: it has taken it over where it is."""
    def reload(text):
        code, said = daemon.reload(text)
        expect(code == 0, "a reload", said)

    def has(*addresses):
        return all(a in shown(node) for a in addresses)

    reload(instance("VI_1", 61, "10.0.0.121") + instance("VI_2", 62, "10.0.0.122", "10.0.0.123"))
    expect(wait_for(lambda: has("10.0.0.121", "10.0.0.122", "10.0.0.123"), 10), "two instances")
    reload(instance("VI_1", 61, "10.0.0.121", "10.0.0.123") + instance("VI_2", 62, "10.0.0.122"))
    expect(has("10.0.0.121", "10.0.0.122", "10.0.0.123"), "one address moves to the other")
    reload(instance("VI_1", 61, "10.0.0.121", "10.0.0.123") + instance("VI_2", 63, "10.0.0.122"))
    wait_for(lambda: "VI_2: STOP" in daemon.log_text() and not has("10.0.0.122"), 5)
    expect(has("10.0.0.121", "10.0.0.122", "10.0.0.123"),
           "a new virtual_router_id is another instance, with the same address")
    reload("static_ipaddress {\n\t10.0.0.122/24 dev eth0\n}\n" + instance("VI_1", 61, "10.0.0.121"))
    wait_for(lambda: not has("10.0.0.122"), 5)
    expect(has("10.0.0.121", "10.0.0.122") and not has("10.0.0.123"),
           "an instance's address becomes a static one")
    reload(instance("VI_1", 61, "10.0.0.121") + instance("VI_2", 62, "10.0.0.123"))
    wait_for(lambda: has("10.0.0.121", "10.0.0.123"), 10)
    length = len(daemon.log_text())
    reload(instance("VI_1", 61, "10.0.0.121", "10.0.0.123/24 label eth0:one").replace("one/24", "one")
           + instance("VI_2", 62, "10.0.0.122"))
    expect(shown(node).get("10.0.0.123", {}).get("label") == "eth0:one",
           "one that moves with other options has those", shown(node).get("10.0.0.123"))
    expect("taken away" not in daemon.log_text()[length:], "and nobody is said to have taken it")


def check_refused(node, daemon):
    """The kernel says no, and then nothing that would tell that it would say yes now."""
    node.sysctl(ipv6__conf__eth1__addr_gen_mode=1)
    node.sysctl(ipv6__conf__eth1__disable_ipv6=1)
    code, said = daemon.reload(
        "vrrp_instance VI_3 {\n\tinterface eth0\n\tvirtual_router_id 64\n\tpriority 255\n"
        "\tvirtual_ipaddress {\n\t\t10.0.0.124/24\n\t}\n"
        "\tvirtual_ipaddress_excluded {\n\t\tfd00:8::1/64 dev eth1\n\t}\n}\n")
    expect(code == 0, "a reload", said)
    expect(wait_for(lambda: "VI_3: can't add address fd00:8::1: " in daemon.log_text(), 10),
           "an address that the kernel refuses is told", daemon.log_text()[-500:])
    node.sysctl(ipv6__conf__eth1__disable_ipv6=0)
    expect(wait_for(lambda: "fd00:8::1" in shown(node), 15), "and asked for again",
           daemon.log_text()[-500:])
    expect(wait_for(lambda: "VI_3: has all of its addresses now" in daemon.log_text(), 2),
           "a line says so", daemon.log_text()[-500:])
    node.sysctl(ipv6__conf__eth1__addr_gen_mode=0)


def main():
    need(modules=["veth", "bridge"])
    lan, node = Switch("lan"), Node("d1")
    node.plug("eth0", lan, "10.0.0.1/24", "fd00::1/64")
    node.plug("eth1", lan, "10.0.1.1/24")
    before = shown(node)
    daemon = KINDS["tandem"](node, config())
    daemon.start()
    expect(wait_for(lambda: "10.0.0.110" in shown(node), 10), "the addresses come")
    check_all(node, "as configured")
    expect(wait_for(lambda: not node.run("ip", "-6", "route", "show", "table", "local",
                                         "proto", "112"), 3),
           "the routes that stood in for the kernel's own are gone")

    for line in ADVERTISED | EXCLUDED:
        delete(node, address_of(line))
    expect(wait_for(lambda: all(address_of(a) in shown(node) for a in ADVERTISED | EXCLUDED), 5),
           "those that are taken away come back", shown(node).keys())
    check_all(node, "put back")
    expect("VI_1: address 10.0.0.101 taken away: put back" in daemon.log_text(),
           "a line says so")

    delete(node, address_of(UNTRACKED))
    expect(not wait_for(lambda: "10.0.0.110" in shown(node), 1), "no_track: it stays away")

    changed = config().replace("label eth0:vip", "label eth0:other")
    code, said = daemon.reload(changed)
    expect(code == 0 and wait_for(lambda: shown(node).get("10.0.0.101", {}).get("label")
                                  == "eth0:other", 5), "a reload changes an option", said)
    check = shown(node)
    expect(all(address_of(a) in check for a in ADVERTISED | EXCLUDED),
           "and keeps the others", check.keys())

    check_moves(node, daemon)
    check_refused(node, daemon)
    daemon.stop()
    expect(shown(node).keys() == before.keys(), "nothing is left", shown(node).keys())


run(main)
