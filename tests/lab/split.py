#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""Split brain: the two directors cannot hear each other, though the client hears both; then they can
again. One line at each, and the client is back where it belongs. And a machine that has been given
one of the virtual addresses by mistake."""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, run, wait_for  # noqa: E402

CONFIG = """
vrrp_instance four {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    version 3
    advert_int 0.1
    virtual_ipaddress {{
        10.0.0.100/24
    }}
}}
vrrp_instance six {{
    interface eth0
    virtual_router_id 52
    priority {priority}
    version 3
    advert_int 0.1
    virtual_ipaddress {{
        fe80::100/64
    }}
}}
"""


def instances(node):
    return (node.daemon.status() or {}).get("vrrp_instances", [])


def states(node):
    return [i["state"] for i in instances(node)]


def mac_of(node):
    return node.run("ip", "-o", "link", "show", "eth0").split("link/ether ")[1].split()[0]


def index_of(node):
    return int(node.run("ip", "-o", "link", "show", "eth0").split(":")[0])


def known_mac(client, address):
    fields = client.run("ip", "neigh", "show", address, "dev", "eth0").split()
    return fields[fields.index("lladdr") + 1] if "lladdr" in fields else None


def ask(client):
    client.run("busybox", "ping", "-c1", "-W1", "10.0.0.100", check=False)
    client.run("busybox", "ping", "-6", "-I", "eth0", "-c1", "-W1", "fe80::100", check=False)


def lines(node, words):
    return [line for line in node.daemon.log_text().splitlines() if words in line]


def claim(stranger, address):
    """Gratuitous ARP, and an unsolicited neighbour advertisement, as its kernel would send them."""
    if ":" in address:
        stranger.ip(f"addr add {address}/64 dev eth0 nodad")
        with stranger.inside():
            s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        na = b"\x88\0\0\0\x20\0\0\0" + socket.inet_pton(socket.AF_INET6, address) + b"\2\1" + \
            bytes.fromhex(mac_of(stranger).replace(":", ""))
        s.sendto(na, ("ff02::1", 0, 0, index_of(stranger)))
        stranger.ip(f"addr del {address}/64 dev eth0")
    else:
        stranger.ip(f"addr add {address}/24 dev eth0")
        stranger.run("busybox", "arping", "-U", "-c1", "-I", "eth0", address, check=False)
        stranger.ip(f"addr del {address}/24 dev eth0")


def partition(d1, d2, client):
    for link in (d1.links["eth0"], d2.links["eth0"]):
        link.isolate()
    expect(wait_for(lambda: states(d1) == states(d2) == ["MASTER"] * 2, 5),
           "a partition: both are MASTER", states(d2))
    time.sleep(1)
    ask(client)
    yielded = len(lines(d2, "four: MASTER → BACKUP"))
    for link in (d1.links["eth0"], d2.links["eth0"]):
        link.isolate(False)
    healed = time.monotonic()
    expect(wait_for(lambda: states(d2) == ["BACKUP"] * 2, 5, 0.02), "it heals: the worse one yields")
    back = wait_for(lambda: known_mac(client, "10.0.0.100") == known_mac(client, "fe80::100") ==
                    mac_of(d1), 2, 0.02)
    expect(back, f"after {time.monotonic() - healed:.1f} s the client is with the better one",
           [known_mac(client, "10.0.0.100"), mac_of(d1), mac_of(d2)])
    time.sleep(1)
    told, over = lines(d1, "split brain: 10.0.0.2 is MASTER too"), lines(d1, "split brain is over")
    expect(len(told) == 1 and len(lines(d1, "split brain: fe80::2")) <= 1 and "with priority 100; ours is 150" in told[0],
           "one line at the better one, for each instance", told)
    expect(len(over) == 2, "and one when it is over", over)
    yields = lines(d2, "four: MASTER → BACKUP: 10.0.0.1 has a higher priority")[yielded:]
    expect(len(yields) == 1, "and one at the worse one", yields)
    expect([i["counters"]["split_brains"] for i in instances(d1)] == [1, 1], "it is counted",
           instances(d1))


def conflict(d1, stranger, client):
    before = [i["counters"]["garp_sent"] for i in instances(d1)]
    for address, name in (("10.0.0.100", "four"), ("fe80::100", "six")):
        claim(stranger, address)
        words = f"{name}: {mac_of(stranger)} says that {address} is its own"
        expect(wait_for(lambda: lines(d1, words), 3), f"a stranger has {address}: told, with its MAC",
               d1.daemon.log_text()[-400:])
    time.sleep(0.3)
    ask(client)
    expect(known_mac(client, "10.0.0.100") == mac_of(d1), "announced anew: the client is not fooled",
           known_mac(client, "10.0.0.100"))
    after = [(i["counters"]["garp_sent"], i["counters"]["address_conflicts"]) for i in instances(d1)]
    expect(all(a[0] > b and a[1] == 1 for a, b in zip(after, before)), "and counted", after)


def main():
    switch = Switch("sw")
    d1, d2, client, stranger = (Node(n) for n in ("d1", "d2", "client", "stranger"))
    for i, node in enumerate((d1, d2, client, stranger), 1):
        node.plug("eth0", switch, f"10.0.0.{i}/24", f"fe80::{i}/64")
    for node, priority in ((d1, 150), (d2, 100)):
        node.daemon = Tandem(node, CONFIG.format(priority=priority))
        node.daemon.start()
    expect(wait_for(lambda: states(d1) == ["MASTER"] * 2 and states(d2) == ["BACKUP"] * 2, 8),
           "the pair runs", d1.daemon.log_text()[-400:])
    ask(client)
    partition(d1, d2, client)
    conflict(d1, stranger, client)
    # A planned move is none of this.
    quiet = len(lines(d1, "split brain")) + len(lines(d2, "split brain"))
    claims = len(lines(d1, "is its own")) + len(lines(d2, "is its own"))
    d1.daemon.stop()
    expect(wait_for(lambda: states(d2) == ["MASTER"] * 2, 5), "d1 stops: d2 is MASTER")
    time.sleep(0.5)
    d1.daemon.start()
    expect(wait_for(lambda: states(d1) == ["MASTER"] * 2 and states(d2) == ["BACKUP"] * 2, 8),
           "d1 returns", d1.daemon.log_text()[-400:])
    time.sleep(0.5)
    expect(len(lines(d1, "split brain")) + len(lines(d2, "split brain")) == quiet and
           len(lines(d1, "is its own")) + len(lines(d2, "is its own")) == claims,
           "a planned move, there and back, is called neither a split nor a conflict",
           lines(d2, "is its own") + lines(d2, "split brain"))


run(main)
