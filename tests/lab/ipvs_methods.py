#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90
"""Each forwarding method carries traffic: who answers, whom the real server takes for its client,
at which address it is asked, and in which packets that came. SNAT is in ipvs_snat.py."""

import os
import sys
from typing import NamedTuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import expect, has_module, need, run, wait_for  # noqa: E402
from lab.forwarding import CLIENT, VIP, Lab, mark_packets, names, own  # noqa: E402

TCP, UDP, SCTP, IPIP, IPV6, GRE = 6, 17, 132, 4, 41, 47
ASKED = 6
MARK, MARKED_PORTS = 7, (9001, 9002)


class Row(NamedTuple):
    method: str
    family: int = 4  # of the virtual address
    inside: int = 4  # of the real servers
    protocol: str = "TCP"
    packet: int = TCP
    more: str = ""
    servers: int = 2  # that answer one client

    def name(self):
        over = f" over IPv{self.inside}" * (self.method.startswith("TUN"))
        more = "".join(f", {line.strip()}" for line in self.more.splitlines())
        return f"{self.method}{over}, {self.protocol}, IPv{self.family}{more}"

    def service(self, port):
        return config(f"{VIP[self.family]} {port}", port, self)


def config(address, port, row):
    reals = "".join(f"    real_server {own(i, row.inside)} {port} {{\n        weight 1\n    }}\n" for i in (1, 2))
    return (f"virtual_server {address} {{\n    lvs_sched rr\n    lvs_method {row.method}\n"
            f"    protocol {row.protocol}\n    {row.more}\n{reals}}}\n")


ROWS = [
    Row("DR"), Row("DR", 6, 6), Row("DR", protocol="UDP", packet=UDP),
    Row("DR", 6, 6, protocol="UDP", packet=UDP), Row("DR", protocol="SCTP", packet=SCTP),
    Row("DR", protocol="UDP", packet=UDP, more="ops"),
    Row("NAT"), Row("NAT", 6, 6), Row("NAT", protocol="UDP", packet=UDP),
    Row("NAT", protocol="SCTP", packet=SCTP),
    Row("TUN", packet=IPIP), Row("TUN", protocol="UDP", packet=IPIP), Row("TUN", 6, 6, packet=IPV6),
    Row("TUN", 6, 4, packet=IPV6), Row("TUN", 4, 6, packet=IPIP),
    *(Row(f"TUN type gue port 6080{csum}", family, inside, packet=UDP)
      for family, inside, csum in ((4, 4, ""), (6, 6, " csum"), (6, 4, " csum"), (4, 6, " csum"), (4, 4, " remcsum"))),
    *(Row("TUN type gre", family, inside, packet=GRE) for family, inside in ((4, 4), (6, 6), (6, 4), (4, 6))),
    Row("DR", more="persistence_timeout 60", servers=1),
    Row("NAT", 6, 6, more="persistence_timeout 60\n    persistence_granularity 64", servers=1),
]
FIRST_PORT = 8001
BY_MARK = Row("NAT", more="persistence_timeout 60", servers=1)
LIMIT, LIMITED_PORT = 3, 9003


def open_tunnels(lab):
    """The real servers unpack whatever comes from whomever."""
    for i, node in enumerate(lab.reals, 1):
        node.ip(*[f"link set {name} up" for name in ("tunl0", "sit0", "gre0", "ip6gre0")],
                f"link add t6 type ip6tnl mode any local {own(i, 6)} remote any", "link set t6 up",
                "fou add port 6080 gue")
        node.run("ip", "-6", "fou", "add", "port", "6080", "gue")


def check_row(lab, port, row):
    lab.arrived()
    answers = [lab.ask(row.protocol, VIP[row.family], port) for _ in range(ASKED)]
    packets = lab.arrived()
    who = names(answers)
    good = isinstance(who, set) and len(who) == row.servers
    for answer in answers if good else ():
        local = own(int(answer.server[1:]), row.inside) if row.method == "NAT" else VIP[row.family]
        good = good and answer[1:] == (CLIENT[row.family], local)
    expect(good and row.packet in packets, row.name(), (who, answers[0], f"IP protocols {packets}"))


def check_mark(lab):
    answers = [lab.ask("TCP", VIP[4], port) for port in MARKED_PORTS * 3]
    expect(len(names(answers)) == 1, "a firewall mark's two ports have one persistent server", names(answers))


def check_limit(lab):
    """Each server takes as many connections as uthreshold allows, and the next one is refused."""
    held = [lab.connect("TCP", VIP[4], LIMITED_PORT) for _ in range(2 * LIMIT)]
    servers = [answer.server for _, answer in held]
    expect(servers.count("r1") == servers.count("r2") == LIMIT, "uthreshold: all are taken", servers)
    refused = lab.ask("TCP", VIP[4], LIMITED_PORT)
    expect(refused == "[Errno 111] Connection refused", "uthreshold: one more is refused", refused)


def main():
    need(modules=["ip_vs", "ipip", "sit", "ip_gre", "ip6_tunnel", "ip6_gre", "fou", "fou6", "cls_flower",
                  "act_skbedit"])
    rows = [row for row in ROWS if row.protocol != "SCTP" or has_module("sctp")]
    lab = Lab()
    open_tunnels(lab)
    for port, row in enumerate(rows, FIRST_PORT):
        lab.serve(row.protocol, port, row.inside if row.method == "NAT" else VIP[row.family])
    mark_packets(lab.d1, "{}-{}".format(*MARKED_PORTS), MARK)
    for port in MARKED_PORTS:
        lab.serve("TCP", port, BY_MARK.inside)
    lab.serve("TCP", LIMITED_PORT, VIP[4])
    lab.start("".join(row.service(port) for port, row in enumerate(rows, FIRST_PORT))
              + config(f"fwmark {MARK}", 0, BY_MARK)
              + config(f"{VIP[4]} {LIMITED_PORT}", LIMITED_PORT, Row("DR")).replace(
                  "weight 1", f"weight 1\n        uthreshold {LIMIT}"))
    wanted = len(rows) + 2
    expect(wait_for(lambda: lab.d1.run("ipvsadm", "-Sn").count("-A ") == wanted, 15),
           "all services are in the kernel", lab.d1.run("ipvsadm", "-Sn"))
    for port, row in enumerate(rows, FIRST_PORT):
        check_row(lab, port, row)
    check_mark(lab)
    check_limit(lab)


run(main)
