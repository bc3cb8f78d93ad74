#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90 memory=768 guest=qemu
"""lvs_method SNAT: real servers without a route back serve clients of another network, and see the
director's address. The table is put back when somebody flushes it, and gone after the stop."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import expect, has_module, need, run, wait_for  # noqa: E402
from lab.forwarding import DIRECTOR, VIP, Lab, mark_packets, own  # noqa: E402

FIRST_PORT = 8001
ROWS = [("TCP", 4), ("UDP", 4), ("SCTP", 4), ("TCP", 6), ("UDP", 6), ("SCTP", 6)]
MARK, MARKED_PORT, NAT_PORT = 7, 9001, 9002


def service(address, port, protocol, family, method="SNAT"):
    return (f"virtual_server {address} {{\n    lvs_sched rr\n    lvs_method {method}\n    protocol {protocol}\n"
            f"    real_server {own(1, family, away=True)} {port} {{\n    }}\n}}\n")


def table(node):
    return node.run("nft", "list", "table", "inet", "tandem_ipvs", check=False)


def conntrack(node):
    return node.run("cat", "/proc/sys/net/ipv4/vs/conntrack").strip()


def check_row(lab, what, protocol, family, port):
    answer = lab.ask(protocol, VIP[family], port)
    want = ("r1", DIRECTOR[family], own(1, family, away=True))
    expect(answer == want, f"{what}: the real server sees the director's address", answer)


def echoes(session):
    """Without the table nothing is translated: what was sent then is repeated by TCP."""
    session.settimeout(20)
    session.sendall(b"still there?")
    return session.recv(100) == b"still there?"


def check_flush(lab, session):
    lab.d1.run("nft", "flush", "ruleset")
    expect(wait_for(lambda: "masquerade" in table(lab.d1), 20), "a flushed table is put back", table(lab.d1))
    expect("was gone: set again" in lab.daemon.log_text(), "and the log says so")
    expect(echoes(session), "a session has gone on")


def main():
    need(modules=["ip_vs"], programs=["nft"])
    rows = [row for row in ROWS if row[0] != "SCTP" or has_module("sctp")]
    lab = Lab(reals=1)
    # An emulated machine takes seconds to load what nftables needs.
    lab.client.run("nft", "table inet warm { chain c { type nat hook postrouting priority 100; "
                   "ct original ip daddr 192.0.2.1 masquerade; }; }")
    for port, (protocol, family) in enumerate(rows, FIRST_PORT):
        lab.serve(protocol, port, family, away=True)
    for port in (MARKED_PORT, NAT_PORT):
        lab.serve("TCP", port, 4, away=True)
    mark_packets(lab.d1, str(MARKED_PORT), MARK)
    lab.start("".join(service(f"{VIP[family]} {port}", port, protocol, family)
                      for port, (protocol, family) in enumerate(rows, FIRST_PORT))
              + service(f"fwmark {MARK}", MARKED_PORT, "TCP", 4)
              + service(f"{VIP[4]} {NAT_PORT}", NAT_PORT, "TCP", 4, "NAT"))
    whole = wait_for(lambda: table(lab.d1).count("masquerade") == len(rows) + 1, 20)
    expect(whole, "a rule for each real server", table(lab.d1))
    expect(conntrack(lab.d1) == "1", "IPVS keeps conntrack entries", conntrack(lab.d1))

    for port, (protocol, family) in enumerate(rows, FIRST_PORT):
        check_row(lab, f"{protocol}, IPv{family}", protocol, family, port)
    check_row(lab, "a firewall mark", "TCP", 4, MARKED_PORT)
    answer = lab.ask("TCP", VIP[4], NAT_PORT)
    expect(isinstance(answer, str), "by NAT there is no way back", answer)
    session, _ = lab.connect("TCP", VIP[4], FIRST_PORT)
    check_flush(lab, session)
    lab.daemon.stop()
    expect(not table(lab.d1), "nothing is left after the stop", table(lab.d1))
    expect(conntrack(lab.d1) == "0", "and vs.conntrack is as it was", conntrack(lab.d1))


run(main)
