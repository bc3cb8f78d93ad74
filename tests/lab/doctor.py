#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=180
"""tandemctl doctor: a healthy director has nothing to hear. Then one thing after the other is broken;
each is told, with its severity, and after the line that mends it, it is not told any more."""

import contextlib
import json
import os
import re
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, Pair, Tandem, expect, run, wait_for  # noqa: E402

SERIOUS, WARNING = "serious", "warning"
LEGACY = "iptables-legacy"
SYNC = f"sync {{\n    interface eth0\n    key hex:{'5a' * 32}\n    peer_detect 100ms\n}}\n"


def doctor(node):
    with node.inside():
        code, text = node.daemon.ctl("--json", "doctor")
    document = json.loads(text)
    return code, document["findings"] if document["schema"] == "tandem.doctor/1" else []


def find(found, name, words):
    return next((f for f in found if f["name"] == name and words in f["what"]), None)


def mend(node, remedy):
    """What the operator types, or puts into the configuration."""
    setting = re.match(r"lvs_sysctl \{ (\w+) (\d+) \}", remedy)
    if setting:
        node.sysctl(**{f"ipv4__vs__{setting[1]}": setting[2]})
    else:
        node.run("sh", "-ec", re.split(r", |; ", remedy)[0])


def vs(**values):
    return lambda node: node.sysctl(**{f"ipv4__vs__{name}": value for name, value in values.items()})


def net(**values):
    return lambda node: node.sysctl(**values)


def legacy(*rule):
    return lambda node: node.run(LEGACY, *rule)


# What is broken, how, what must be told of it, and how grave it is; words of the finding. What is in
# one group is broken together: a fork is dear in a guest.
GROUPS = [
    [("IPv4 is not forwarded", net(ipv4__ip_forward=0), "forwarding", SERIOUS, "replies are lost"),
     ("removed servers are asked", vs(conn_reuse_mode=0), "conn-reuse-mode", SERIOUS, "reuse a port"),
     ("clients of removed servers hang", vs(expire_nodest_conn=0), "expire-nodest-conn", WARNING, "hang"),
     ("mh without sloppy_tcp", vs(sloppy_tcp=0), "mh-sloppy-tcp", WARNING, "sloppy_tcp is 0"),
     ("mh without ICMP", vs(schedule_icmp=0), "schedule-icmp", WARNING, "schedule_icmp is 0")],
    [("conntrack for nothing", vs(conntrack=1), "conntrack", WARNING, "half as much"),
     ("the way back leads elsewhere", lambda node: (
         node.ip("route add default via 10.0.1.11 dev eth1"), node.sysctl(ipv4__conf__eth0__rp_filter=1)),
      "rp-filter", WARNING, "through eth1")],
    [("what comes from the servers is not forwarded", net(ipv4__conf__eth1__forwarding=0),
      "forwarding", SERIOUS, "eth1"),
     ("the virtual address is on lo, too", lambda node: node.ip("addr add 10.0.0.100/32 dev lo"),
      "arp-ignore", SERIOUS, "10.0.0.100 stays here"),
     ("and is told by ARP", net(ipv4__conf__eth0__arp_announce=0), "arp-announce", WARNING, "in its name")],
    [("advertisements don't come in", legacy("-A", "INPUT", "-p", "112", "-j", "DROP"),
      "firewall", SERIOUS, "the peers' advertisements for VI_1"),
     ("nor do clients", legacy("-A", "INPUT", "-p", "tcp", "--dport", "8000", "-j", "REJECT"),
      "firewall", SERIOUS, "what clients send to 10.0.0.100:8000")],
    [("advertisements don't get out", legacy("-A", "OUTPUT", "-p", "112", "-j", "DROP"),
      "firewall", SERIOUS, "our advertisements of VI_1"),
     ("nor does what is copied", legacy("-A", "OUTPUT", "-p", "udp", "--sport", "8849", "-j", "DROP"),
      "firewall", SERIOUS, "our multicast of sync on eth0")],
    [("what is copied doesn't come in", legacy("-A", "INPUT", "-p", "udp", "--dport", "8849:8850", "-j", "DROP"),
      "firewall", SERIOUS, "the multicast of our peers of sync on eth0")],
]


def mend_all(node, found):
    """A policy drops more than one kind of packet, and each has its line."""
    code = None
    for _ in range(8):
        if not found:
            break
        for finding in found:
            mend(node, finding["remedy"])
        code, found = doctor(node)
    return code, found


def break_group(node, group):
    for _, how, *_ in group:
        how(node)
    code, found = doctor(node)
    for what, _, name, severity, words in group:
        told = find(found, name, words)
        expect(told and told["severity"] == severity, f"{what}: {name}, {severity}", (code, found))
    graves = [severity for *_, severity, _ in group]
    expect(code == (2 if SERIOUS in graves else 1), f"exit status {code}")
    expect([f["severity"] for f in found] == sorted(f["severity"] for f in found), "the gravest come first")
    remedies = [f["remedy"] for f in found]
    left = mend_all(node, found)
    expect(left == (0, []), f"mended by: {'; '.join(remedies)}", left)


def connects(pair):
    with pair.client.inside(), contextlib.suppress(OSError):
        socket.create_connection((pair.vip, ECHO_PORT), 3).close()
        return True
    return False


def nat_firewall(pair):
    """The usual stateful firewall eats what IPVS does not track: told, and true."""
    node = pair.d1
    node.run(LEGACY, "-I", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")
    _, found = doctor(node)
    expect(find(found, "firewall", "replies of real servers by NAT"), "ctstate INVALID: replies by NAT are dropped", found)
    expect(not connects(pair), "and nobody can connect")
    node.run(LEGACY, "-F", "FORWARD")
    expect(connects(pair), "without the rule clients can connect")


def configured(node, config):
    code, text = node.daemon.reload(config)
    expect(code == 0, "reloaded", text)
    return doctor(node)


def by_configuration(pair):
    node, config = pair.d1, pair.config(pair.d1)
    _, found = configured(node, config.replace("lvs_method NAT", "lvs_method TUN"))
    expect(find(found, "mtu", "leaves 1480 of the 1500 bytes"), "the tunnel's header", found)
    left = mend_all(node, found)
    expect(left == (0, []), f"mended by: {found[0]['remedy'] if found else '-'}", left)
    _, found = configured(node, config.replace(f"{pair.vip} 8000", f"{pair.vip} 21", 1).replace("mh-port", ""))
    told = find(found, "module", "ip_vs_ftp")
    expect(told and told["severity"] == WARNING, "active FTP", found)
    mend(node, told["remedy"])
    expect(not find(doctor(node)[1], "module", ""), f"mended by: {told['remedy']}")
    _, found = configured(node, config.replace("lvs_sched mh\n    mh-port", "lvs_sched rr", 1))
    expect(find(found, "sloppy-tcp", "wrong servers"), "sloppy_tcp with another scheduler", found)
    _, found = configured(node, config)
    expect(not found, "all as before", found)


def stranger(pair, vrid, address, version):
    """Another pair's director on the same LAN."""
    pair.client.daemon = Tandem(pair.client, (
        f"vrrp_instance other {{\n interface eth0\n virtual_router_id {vrid}\n priority 200\n"
        f" version {version}\n advert_int 1\n virtual_ipaddress {{\n {address}\n }}\n}}\n"))
    pair.client.daemon.start()


def hears(pair, name, words):
    return wait_for(lambda: find(doctor(pair.d1)[1], name, words), 10, 0.5)


def strangers(pair):
    stranger(pair, 51, "10.0.0.200/24", 2)
    expect(hears(pair, "vrid-in-use", "10.0.0.50 sends"), "somebody else has our virtual router id", doctor(pair.d1))
    pair.client.daemon.stop()
    stranger(pair, 77, f"{pair.vip}/24", 3)
    expect(hears(pair, "vrid-differs", "as virtual router 77, we as 51"), "a peer with another virtual router id",
           doctor(pair.d1))
    pair.client.daemon.stop()


def main():
    pair = Pair(mode="nat", advert_s=0.5, more="global_defs {\n    log_unknown_vrids\n}\n" + SYNC)
    pair.d1.sysctl(ipv4__vs__expire_nodest_conn=1, ipv4__vs__schedule_icmp=1,
                   ipv4__conf__all__rp_filter=0, ipv4__conf__eth1__rp_filter=0)
    pair.start()
    with pair.d1.inside():
        code, text = pair.d1.daemon.ctl("doctor")
    expect(code == 0 and text == "nothing to complain of\n", "a healthy director", (code, text))
    for group in GROUPS:
        break_group(pair.d1, group)
    pair.d1.ip("addr del 10.0.0.100/32 dev lo", "route del default")
    pair.d1.run(LEGACY, "-F")
    nat_firewall(pair)
    by_configuration(pair)
    strangers(pair)
    pair.d1.daemon.stop()
    with pair.d1.inside():
        code, _ = pair.d1.daemon.ctl("doctor")
    expect(code == 3, "without tandemd there is nothing to judge", code)


run(main)
