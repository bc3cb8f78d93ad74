#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=180 ip_vs=no
"""A sync group over two LANs, tandem with tandem and with keepalived each way round: both virtual
routers go together when one LAN fails, when it heals, on a stop and on a return; and the group's
notify script is told the same by both programs."""

import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, need, run, wait_for  # noqa: E402

VIPS = {"eth0": "10.0.0.100", "eth1": "10.0.1.100"}


def told(node):
    """What the group's script was called with."""
    with contextlib.suppress(OSError), open(f"/run/{node.name}.told") as f:
        return f.read().splitlines()
    return []


def notify_script(node):
    path = f"/run/{node.name}.notify"
    with open(path, "w") as f:
        f.write(f'#!/bin/sh\necho "$@" >>/run/{node.name}.told\n')
    os.chmod(path, 0o755)
    return path


def config(node, priority):
    group = ("vrrp_sync_group G1 {\n    group {\n        V0\n        V1\n    }\n"
             f"    notify {notify_script(node)} root\n}}\n")
    return f"global_defs {{\n    router_id {node.name}\n}}\n" + group + "".join(
        f"vrrp_instance V{i} {{\n    state BACKUP\n    interface eth{i}\n"
        f"    virtual_router_id 5{i}\n    priority {priority}\n    version 3\n    advert_int 0.1\n"
        f"    virtual_ipaddress {{\n        {VIPS[f'eth{i}']}/24\n    }}\n}}\n" for i in (0, 1))


def director(number, lans):
    node = Node(f"d{number}")
    for i, lan in enumerate(lans):
        node.plug(f"eth{i}", lan, f"10.0.{i}.{number}/24")
    return node


def has(node):
    """On which interfaces it has the virtual address."""
    return [dev for dev, vip in VIPS.items()
            if f" {vip}/" in node.run("ip", "-4", "-o", "addr", "show", "dev", dev)]


def expect_all(nodes, what, who, timeout_s=5):
    ok = wait_for(lambda: all(has(n) == (list(VIPS) if n is who else []) for n in nodes),
                  timeout_s, 0.05)
    expect(ok, f"{what}: {who.name} has both addresses",
           {n.name: has(n) for n in nodes} if ok else
           [n.daemon.log_text()[-300:] for n in nodes] + [has(n) for n in nodes])


def expect_told(node, what, state):
    line = f"GROUP G1 {state} 0"
    expect(wait_for(lambda: told(node)[-1:] == [line], 5), f"{what}: {node.name} is told {line}",
           told(node))


def scenario(d1, d2, kinds):
    name = f"{kinds[0]} preferred to {kinds[1]}"
    for node, kind, priority in ((d1, kinds[0], 150), (d2, kinds[1], 100)):
        with contextlib.suppress(OSError):
            os.unlink(f"/run/{node.name}.told")
        node.daemon = KINDS[kind](node, config(node, priority))
        node.daemon.start()
    both = (d1, d2)
    expect_all(both, f"{name}, start", d1, 10)
    expect_told(d1, f"{name}, start", "MASTER")
    expect_told(d2, f"{name}, start", "BACKUP")
    d1.links["eth1"].down()
    expect_all(both, f"{name}, one link of d1 down", d2)
    expect_told(d1, f"{name}, one link of d1 down", "FAULT")
    expect_told(d2, f"{name}, one link of d1 down", "MASTER")
    d1.links["eth1"].up()
    expect_all(both, f"{name}, the link up again", d1)
    expect_told(d2, f"{name}, the link up again", "BACKUP")
    d1.daemon.stop()
    expect_all(both, f"{name}, d1 stopped", d2)
    expect_told(d1, f"{name}, d1 stopped", "STOP")
    d1.daemon.start()
    expect_all(both, f"{name}, d1 back", d1)
    if kinds[0] == "tandem":
        expect_no_news(d1, d2, name)
    for node in both:
        node.daemon.stop()


def expect_no_news(d1, d2, name):
    """The program dies, and the next one goes on."""
    before = told(d1), told(d2)
    pid = d1.daemon.roles()["tandem-vrrp"]
    os.kill(pid, 9)
    d1.daemon.wait_role("tandem-vrrp", pid)
    wait_for(lambda: told(d1) != before[0] or told(d2) != before[1], 1)
    expect((told(d1), told(d2)) == before, f"{name}, kill -9 of tandem-vrrp: nobody is told",
           (told(d1), told(d2)))
    expect_all((d1, d2), f"{name}, kill -9 of tandem-vrrp", d1)


def main():
    need(modules=["veth", "bridge"], programs=["keepalived"])
    lans = [Switch("lan0"), Switch("lan1")]
    d1, d2 = (director(i, lans) for i in (1, 2))
    for kinds in (("tandem", "tandem"), ("tandem", "keepalived"), ("keepalived", "tandem")):
        scenario(d1, d2, kinds)


run(main)
