#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120 ip_vs=no
"""use_vmac, IPv4 and IPv6, beside itself and beside keepalived: the virtual MAC moves, clients keep
their neighbour entries, and no frame comes from it where the Backup is plugged in."""

import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, need, note, run, wait_for  # noqa: E402

VIPS = {"10.0.0.100": "00:00:5e:00:01:33", "fd00::100": "00:00:5e:00:02:33"}
PAIRS = (("tandem", "tandem"), ("tandem", "keepalived"), ("keepalived", "tandem"))


def config(priority):
    def instance(name, vips):
        lines = "".join(f"        {v}/64\n" if ":" in v else f"        {v}/24\n" for v in vips)
        return (f"vrrp_instance {name} {{\n    state BACKUP\n    interface eth0\n    version 3\n"
                f"    virtual_router_id 51\n    priority {priority}\n    advert_int 0.2\n"
                f"    use_vmac\n    virtual_ipaddress {{\n{lines}    }}\n}}\n")

    return (instance("VI_4", ["10.0.0.100"]) + instance("VI_6", ["fe80::100", "fd00::100"]))


class Sources:
    """Counts the frames with each source address that a port of the switch takes in."""

    def __init__(self, switch, port):
        with switch.inside():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.bind((port, 3))
        self.sock.settimeout(0.1)
        self.seen, self.going = {}, True
        self.thread = threading.Thread(target=self._count)

    def __enter__(self):
        self.thread.start()
        return self.seen

    def __exit__(self, *_):
        self.going = False
        self.thread.join()
        self.sock.close()

    def _count(self):
        while self.going:
            try:
                frame, (_, _, kind, *_) = self.sock.recvfrom(2000)
            except TimeoutError:
                continue
            if kind != socket.PACKET_OUTGOING:
                source = frame[6:12].hex(":")
                self.seen.setdefault(source, []).append(frame[12:].hex())


def ask_for_groups(node):
    """What a multicast router asks of everybody, once: IGMPv2 and MLDv1 general queries."""
    with node.inside():
        igmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        mld = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        index = socket.if_nametoindex("eth0")
    igmp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    igmp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.0.0.50"))
    igmp.sendto(struct.pack("!BBH4s", 0x11, 5, 0xffff - 0x1105, bytes(4)), ("224.0.0.1", 0))
    mld.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
    mld.sendto(struct.pack("!BBHHH16s", 130, 0, 0, 500, 0, bytes(16)), ("ff02::1", 0, 0, index))


def answers(client, vip):
    return "1 packets received" in client.run("busybox", "ping", "-c1", "-W1", vip, check=False)


def neighbour(client, vip):
    words = client.run("ip", "neigh", "show", vip).split()
    return words[words.index("lladdr") + 1] if "lladdr" in words else None


def holds(node):
    shown = node.run("ip", "-o", "addr")
    return [vip for vip in VIPS if f" {vip}/" in shown]


def wait_active(node, other, timeout_s=10):
    return wait_for(lambda: len(holds(node)) == 2 and not holds(other), timeout_s)


def expect_reached(client, what):
    for vip, mac in VIPS.items():
        expect(wait_for(lambda: answers(client, vip), 3), f"{what}: {vip} answers")
        expect(neighbour(client, vip) == mac, f"{what}: its neighbour entry has the virtual MAC",
               neighbour(client, vip))


def expect_quiet(lan, client, backup, what):
    with Sources(lan, backup.links["eth0"].port) as seen:
        for _ in range(10):
            ask_for_groups(client)
            time.sleep(0.2)
    noise = {mac: seen[mac][:3] for mac in VIPS.values() if mac in seen}
    expect(not noise, f"{what}: the Backup sends nothing from the virtual MAC", noise)


def leftovers(node):
    with node.inside():
        values = {path: open(f"/proc/sys/net/ipv4/conf/{path}").read() for path in
                  ("all/rp_filter", "default/rp_filter", "eth0/rp_filter", "eth0/arp_ignore",
                   "eth0/arp_filter", "eth0/arp_announce")}
    return {line.split()[1] for line in node.run("ip", "-o", "link").splitlines()}, values


def director(lan, i):
    node = Node(f"d{i}")
    node.plug("eth0", lan, f"10.0.0.{i}/24", f"fd00::{i}/64")
    # What routers have, and what makes both worse: strict reverse paths and multicast reports.
    node.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1, ipv4__conf__all__rp_filter=1)
    return node


def beside(lan, client, d1, d2, kinds):
    what = f"{kinds[0]}, {kinds[1]}"
    before = leftovers(d1), leftovers(d2)
    for node, kind, priority in ((d1, kinds[0], 150), (d2, kinds[1], 100)):
        node.daemon = KINDS[kind](node, config(priority))
        node.daemon.start()
    if not expect(wait_active(d1, d2), f"{what}: the first is Active", (holds(d1), holds(d2))):
        for node in (d1, d2):
            note(node.daemon.log_text()[-1500:])
    expect_reached(client, f"{what}: start")
    if kinds[1] == "tandem":
        expect_quiet(lan, client, d2, what)

    d1.links["eth0"].isolate()
    d2.links["eth0"].isolate()
    expect(wait_for(lambda: len(holds(d2)) == 2, 10), f"{what}: split, both are Active", holds(d2))
    d1.links["eth0"].isolate(False)
    d2.links["eth0"].isolate(False)
    expect(wait_active(d1, d2), f"{what}: joined, the better one is", (holds(d1), holds(d2)))
    expect_reached(client, f"{what}: joined")

    d1.links["eth0"].cut()
    expect(wait_for(lambda: len(holds(d2)) == 2, 10), f"{what}: failover", holds(d2))
    expect_reached(client, f"{what}: failover")
    d1.links["eth0"].join()
    expect(wait_active(d1, d2), f"{what}: failback", (holds(d1), holds(d2)))
    expect_reached(client, f"{what}: failback")
    client.ip("neigh flush all")
    expect_reached(client, f"{what}: a new client")
    d1.daemon.stop()
    expect(wait_for(lambda: len(holds(d2)) == 2, 10), f"{what}: a stop hands over", holds(d2))
    expect_reached(client, f"{what}: after the stop")
    d2.daemon.stop()
    for node, was, kind in ((d1, before[0], kinds[0]), (d2, before[1], kinds[1])):
        if kind == "tandem":
            expect(leftovers(node) == was, f"{what}: {node.name} is as it was", leftovers(node))
        else:  # what keepalived leaves behind is not for the next
            node.sysctl(ipv4__conf__eth0__arp_ignore=0, ipv4__conf__eth0__arp_filter=0,
                        ipv4__conf__eth0__rp_filter=0, ipv4__conf__all__rp_filter=1)


def main():
    need(modules=["veth", "bridge", "macvlan"], programs=["keepalived", "busybox"])
    lan, client = Switch("lan"), Node("client")
    client.plug("eth0", lan, "10.0.0.50/24", "fd00::50/64")
    d1, d2 = director(lan, 1), director(lan, 2)
    time.sleep(1)
    for kinds in PAIRS:
        beside(lan, client, d1, d2, kinds)


run(main)
