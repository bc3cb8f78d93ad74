#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90 ip_vs=no
"""What is said of interfaces: interface_up_down_delays, track_src_ip, unicast_fault_no_peer,
garp_extra_if, garp_group, promote_secondaries, disable_local_igmp; and default_interface."""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, need, run, wait_for  # noqa: E402

INTERFACE = "    interface eth0\n"


def config(more="", addresses=("10.0.0.100/24",), glob="", blocks="", bound=INTERFACE):
    inner = "".join(f"        {a}\n" for a in addresses)
    return (f"global_defs {{\n{glob}}}\n{blocks}"
            f"vrrp_instance VI_1 {{\n    state MASTER\n{bound}    version 3\n"
            f"    virtual_router_id 51\n    priority 150\n    advert_int 0.2\n{more}"
            f"    virtual_ipaddress {{\n{inner}    }}\n}}\n")


def held(node, address="10.0.0.100", ifname="eth0"):
    return f" {address}/" in node.run("ip", "-o", "addr", "show", "dev", ifname)


def said(daemon, text):
    return wait_for(lambda: text in daemon.log_text(), 5)


def reload(daemon, what, **how):
    code, answer = daemon.reload(config(**how))
    expect(code == 0, f"{what}: a reload", answer)


def value(node, path):
    with node.inside(), open(f"/proc/sys/net/{path}") as f:
        return f.read().strip()


def delays(node, daemon):
    link = node.links["eth0"]
    reload(daemon, "delays", blocks="interface_up_down_delays {\n    eth0 0.3 1\n}\n")
    link.down()
    time.sleep(0.1)
    link.up()
    expect(not wait_for(lambda: not held(node), 1.5), "down for 0.1 s of 0.3: nothing happens")
    link.down()
    expect(said(daemon, "MASTER → FAULT: interface eth0 is down"), "down for longer: a fault")
    link.up()
    at = time.monotonic()
    expect(said(daemon, "no longer: interface eth0 is down"), "up: the fault ends")
    took = time.monotonic() - at
    expect(took > 0.8, "but a second later", f"{took:.2f} s")
    expect(wait_for(lambda: held(node), 5), "and the address comes back")


def source(node, daemon):
    node.ip("addr add 10.0.0.7/24 dev eth0")
    reload(daemon, "track_src_ip", more="    mcast_src_ip 10.0.0.7\n    track_src_ip\n")
    expect(wait_for(lambda: held(node), 5), "track_src_ip: the source is there")
    node.ip("addr del 10.0.0.7/24 dev eth0")
    expect(said(daemon, "MASTER → FAULT: this host has no address 10.0.0.7"), "it goes: a fault")
    expect(wait_for(lambda: not held(node), 5), "and the address is let go")
    node.links["eth0"].down()
    expect(said(daemon, "VI_1: still FAULT: interface eth0 is down"), "another fault is told, too")
    node.links["eth0"].up()
    node.ip("addr add 10.0.0.7/24 dev eth0")
    expect(wait_for(lambda: held(node), 5), "it is back: no fault")
    reload(daemon, "unicast_fault_no_peer", more="    unicast_fault_no_peer\n")
    expect(said(daemon, "MASTER → FAULT: there is no unicast_peer"), "no peer: a fault")


def announced(lan, port, address, seconds):
    """How many gratuitous ARPs for the address came in at a port of the switch."""
    with lan.inside():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((port, 3))  # all kinds: a bridge takes the others before a socket does
    sock.settimeout(0.1)
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            frame = sock.recv(2000)
        except TimeoutError:
            continue
        count += frame[12:14] == b"\x08\x06" and frame[28:32] == frame[38:42] == socket.inet_aton(address)
    sock.close()
    return count


def extra(lan, node, daemon):
    addresses = ["10.0.0.100/24", "10.0.1.100/24 dev eth1", "10.0.1.101/24 dev eth1 use_vmac"]
    quiet = "    garp_master_delay 0\n    garp_master_repeat 1\n"
    reload(daemon, "garp_extra_if", addresses=addresses, more=f"{quiet}    garp_extra_if 0.3\n")
    expect(wait_for(lambda: held(node, "10.0.1.101", "vrrp.51"), 5), "the addresses come")
    time.sleep(0.5)
    for address, port, least, most in (("10.0.1.101", "d1-eth1", 3, 8), ("10.0.1.100", "d1-eth1", 0, 0),
                                       ("10.0.0.100", "d1-eth0", 0, 0)):
        seen = announced(lan, port, address, 1.6)
        expect(least <= seen <= most, f"garp_extra_if 0.3: {address} is told {least} to {most} times",
               seen)
    reload(daemon, "all", addresses=addresses, more=f"{quiet}    garp_extra_if all 0.3\n")
    seen = announced(lan, "d1-eth1", "10.0.1.100", 1.6)
    expect(seen >= 3, "all: on a plain interface, too", seen)


def pace(lan, node, daemon):
    """Three addresses, five rounds, 0.2 s between two of them: each is told once in 0.6 s."""
    addresses = [f"10.0.0.{i}/24" for i in (100, 101)] + ["10.0.1.100/24 dev eth1"]
    reload(daemon, "garp_group", addresses=addresses, blocks="garp_group {\n    garp_interval 0.2\n"
           "    interfaces {\n        eth0\n        eth1\n    }\n}\n")
    link = node.links["eth0"]
    link.down()
    expect(wait_for(lambda: not held(node), 5), "down: the address goes")
    link.up()
    expect(wait_for(lambda: held(node), 10), "and comes back")
    for which in ("first", "second"):
        seen = announced(lan, "d1-eth0", "10.0.0.100", 1.2)
        expect(1 <= seen <= 3, f"the {which} 1.2 s: it is told in its turn only", seen)


def settings(node, daemon):
    reload(daemon, "settings", glob="    disable_local_igmp\n", more="    promote_secondaries\n")
    expect(value(node, "ipv4/conf/eth0/promote_secondaries") == "1", "promote_secondaries is set")
    expect(value(node, "ipv4/igmp_link_local_mcast_reports") == "0", "disable_local_igmp is set")
    time.sleep(1)  # until it is on the disk
    daemon.kill()
    daemon.start()
    time.sleep(1)
    reload(daemon, "settings gone")
    expect(wait_for(lambda: value(node, "ipv4/conf/eth0/promote_secondaries") == "0", 5),
           "promote_secondaries goes back, over a death of all")
    expect(value(node, "ipv4/igmp_link_local_mcast_reports") == "1", "disable_local_igmp as well")


def nowhere(node, daemon):
    reload(daemon, "default_interface", bound="    unicast_src_ip 10.0.0.1\n",
           glob="    default_interface eth1\n", more="    unicast_peer {\n        10.0.0.99\n    }\n")
    expect(wait_for(lambda: held(node, ifname="eth1"), 10),
           "without an interface the address goes on the default one", node.run("ip", "-br", "addr"))


def main():
    need(modules=["veth", "bridge", "macvlan"])
    lan, node = Switch("lan"), Node("d1")
    node.plug("eth0", lan, "10.0.0.1/24")
    node.plug("eth1", lan, "10.0.1.1/24")
    daemon = KINDS["tandem"](node, config())
    daemon.start()
    expect(wait_for(lambda: held(node), 10), "the address comes")
    delays(node, daemon)
    source(node, daemon)
    reload(daemon, "plain")
    expect(wait_for(lambda: held(node), 5), "the fault is over")
    extra(lan, node, daemon)
    pace(lan, node, daemon)
    settings(node, daemon)
    nowhere(node, daemon)
    daemon.stop()


run(main)
