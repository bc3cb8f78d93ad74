#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""no_accept: the MASTER answers ARP and neighbour solicitations for its addresses, and takes no packet
to them; a reload takes that back and sets it again; the rules outlive the process, and go with the
daemon. And log_unknown_vrids, on the same LAN."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, run, skip_all, wait_for  # noqa: E402

INSTANCE = """
vrrp_instance {name} {{
    interface eth0
    virtual_router_id {vrid}
    version 3
    advert_int 0.1
    {accept}
    virtual_ipaddress {{
        {vip}
    }}
}}
"""


def config(accept, vrids=(51, 52)):
    return ("global_defs {\n    nftables_counters\n    log_unknown_vrids\n}\n" +
            INSTANCE.format(name="four", vrid=vrids[0], accept=accept, vip="10.0.0.100/24") +
            INSTANCE.format(name="six", vrid=vrids[1], accept=accept, vip="fe80::100/64"))


def answers(client):
    """Who of the addresses answers a ping."""
    return [a for a in ("10.0.0.100", "10.0.0.1", "fe80::100", "fe80::1") if " 0% packet loss" in
            client.run("busybox", "ping", *["-6", "-I", "eth0"] * (":" in a), "-c1", "-W1", a,
                       check=False)]


def neighbours(client):
    text = client.run("ip", "neigh", "show", "dev", "eth0")
    return [a for a in ("10.0.0.100", "fe80::100")
            if any(line.startswith(a + " ") and "lladdr" in line for line in text.splitlines())]


def table(node):
    return node.run("nft", "list", "tables")


def expect_refused(client, what):
    client.ip("neigh flush dev eth0")
    got = answers(client)
    expect(got == ["10.0.0.1", "fe80::1"], f"{what}: only the node's own addresses answer", got)
    expect(neighbours(client) == ["10.0.0.100", "fe80::100"],
           "and still ARP and neighbour discovery find the virtual ones", neighbours(client))


def main():
    switch, node, client = Switch("sw"), Node("d1"), Node("client")
    node.plug("eth0", switch, "10.0.0.1/24", "fe80::1/64")
    client.plug("eth0", switch, "10.0.0.9/24")
    node.daemon = daemon = Tandem(node, config("no_accept"))
    daemon.start()
    expect(wait_for(lambda: [i["state"] for i in (daemon.status() or {}).get("vrrp_instances", [])]
                    == ["MASTER"] * 2, 8), "it is MASTER", daemon.log_text()[-500:])
    if "is not enforced" in daemon.log_text():
        expect("this kernel lacks" in daemon.log_text() or "this kernel has no" in daemon.log_text(),
               "a kernel without nftables for IP: the log says so", daemon.log_text()[-500:])
        return
    expect_refused(client, "no_accept")
    node.run("nft", "flush", "ruleset")
    expect(wait_for(lambda: "tandem_vrrp" in table(node), 8), "flushed by somebody, the rules come back",
           daemon.log_text()[-500:])
    expect("was gone: set again" in daemon.log_text(), "and the log says so", daemon.log_text()[-500:])
    os.kill(daemon.vrrp_pid(), signal.SIGKILL)
    expect_refused(client, "while and after the VRRP process is replaced")
    for accept, wanted in (("accept", 4), ("no_accept", 2)):
        daemon.configure(config(accept))
        expect(daemon.ctl("reload")[0] == 0, f"reload to {accept}")
        got = answers(client)
        expect(len(got) == wanted, f"{accept}: {wanted} of four answer", got)
    other = Node("d2")
    other.plug("eth0", switch, "10.0.0.2/24", "fe80::2/64")
    other.daemon = Tandem(other, config("accept", (77, 78)).replace(".100/", ".77/")
                          .replace("::100/", "::77/"))
    other.daemon.start()
    expect(wait_for(lambda: "virtual router 77 from 10.0.0.2: no vrrp_instance has it"
                    in daemon.log_text(), 8), "an unknown virtual router is told",
           daemon.log_text()[-500:])
    daemon.stop()
    expect("tandem_vrrp" not in table(node), "with the daemon the table goes", table(node))


run(main)
