#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=150 ip_vs=no
"""track_script, beside keepalived and with it: a script that fails moves the address, by a fault or
by a weight; what it said outlives tandem-vrrp and the supervisor; a script that hangs fails."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, need, run, wait_for  # noqa: E402

VIP = "10.0.0.100"


def set_script(node, does):
    """What the node's script does from now on."""
    with open(f"/run/{node.name}.new", "w") as f:
        f.write(f"#!/bin/sh\n{does}\n")
    os.chmod(f"/run/{node.name}.new", 0o755)
    os.rename(f"/run/{node.name}.new", f"/run/{node.name}.check")


def config(node, priority, weight):
    return (f"global_defs {{\n    router_id {node.name}\n}}\n"
            f"vrrp_script chk {{\n    script /run/{node.name}.check\n    interval 1\n    timeout 1\n"
            f"    rise 2\n    fall 2\n    user root\n}}\n"
            f"vrrp_instance V {{\n    state BACKUP\n    interface eth0\n    virtual_router_id 51\n"
            f"    priority {priority}\n    version 3\n    advert_int 0.1\n"
            f"    virtual_ipaddress {{\n        {VIP}/24\n    }}\n"
            f"    track_script {{\n        chk weight {weight}\n    }}\n}}\n")


def has(node):
    return f" {VIP}/" in node.run("ip", "-4", "-o", "addr", "show", "dev", "eth0")


def expect_at(what, who, other, timeout_s=8):
    expect(wait_for(lambda: has(who) and not has(other), timeout_s, 0.05),
           f"{what}: {who.name} has the address", who.daemon.log_text()[-500:])


def start(d1, d2, kinds, weight):
    for node, kind, priority in ((d1, kinds[0], 150), (d2, kinds[1], 100)):
        set_script(node, "exit 0")
        node.daemon = KINDS[kind](node, config(node, priority, weight))
        node.daemon.start()


def goes_and_returns(d1, d2, kinds, weight):
    name = f"{kinds[0]} preferred to {kinds[1]}, weight {weight}"
    start(d1, d2, kinds, weight)
    expect_at(f"{name}, start", d1, d2, 12)
    set_script(d1, "exit 1")
    expect_at(f"{name}, the script of d1 fails", d2, d1)
    set_script(d1, "exit 0")
    expect_at(f"{name}, it passes again", d1, d2)
    set_script(d1, "sleep 60")
    expect_at(f"{name}, it hangs", d2, d1, 12)


def end(*nodes):
    for node in nodes:
        node.daemon.stop()


def outlives(d1, d2):
    """A fault, and the programs die one after the other: it stays."""
    for role in ("tandem-vrrp", None):
        if role:
            pid = d1.daemon.roles()[role]
            os.kill(pid, 9)
            d1.daemon.wait_role(role, pid)
        else:
            d1.daemon.kill()
            d1.daemon.start()
        came = wait_for(lambda: has(d1), 1.5)
        expect(not came and has(d2), f"kill -9 of {role or 'all of tandem'}: d1 stays at fault",
               d1.daemon.log_text()[-500:])


def main():
    need(modules=["veth", "bridge"], programs=["keepalived"])
    lan = Switch("lan")
    d1, d2 = Node("d1"), Node("d2")
    for i, node in enumerate((d1, d2), 1):
        node.plug("eth0", lan, f"10.0.0.{i}/24")
    for kinds, weight in ((("tandem", "keepalived"), 0), (("keepalived", "tandem"), 0),
                          (("tandem", "tandem"), -60)):
        goes_and_returns(d1, d2, kinds, weight)
        if kinds[0] == "tandem" and weight == 0:
            outlives(d1, d2)
        end(d1, d2)


run(main)
