#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120
"""What each keyword of virtual_server and real_server makes of the kernel's table, in the words of
`ipvsadm -Sn`; each on a reload of its own, from the same plain service and back to it."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import IpvsCommands, KINDS, Node, expect, need, run, wait_for  # noqa: E402

PLAIN = "lvs_sched rr\n    lvs_method DR\n    protocol TCP"
RS = "real_server 10.1.0.1 80 { weight 1 }"
ADDRESS = "10.0.0.100 80"


def service(what=PLAIN, servers=RS, address=ADDRESS, before=""):
    return f"{before}virtual_server {address} {{\n    {what}\n    {servers}\n}}\n"


def table(text):
    """The lines of an `ipvsadm -Sn`, without those words that it says of each."""
    return [line.strip() for line in text.strip().splitlines()]


BASE = ["-A -t 10.0.0.100:80 -s rr", "-a -t 10.0.0.100:80 -r 10.1.0.1:80 -g -w 1"]


def plain(scheduler_words="-s rr", service_words="", server_words="-g -w 1", t="-t 10.0.0.100:80",
          server="10.1.0.1:80"):
    return [f"-A {t} {scheduler_words} {service_words}".strip(), f"-a {t} -r {server} {server_words}"]


def sched(name, flags=""):
    return PLAIN.replace("rr", name, 1) + flags


def many(keys, servers=("10.1.0.1:80",), words="-s rr", server_words="-g -w 1"):
    return [line for key in keys for line in
            [f"-A {key} {words}"] + [f"-a {key} -r {s} {server_words}" for s in servers]]


# What is configured, what ipvsadm says then, and how many edits lead from the plain service there;
# None: not counted.
CASES = [
    *((f"lvs_sched {s}", service(sched(s)), plain(f"-s {s}"), 1)
      for s in ("wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf")),
    ("sh-port", service(sched("sh", "\n    sh-port")), plain("-s sh -b sh-port"), 1),
    ("sh-fallback", service(sched("sh", "\n    sh-fallback")), plain("-s sh -b sh-fallback"), 1),
    ("mh-port and mh-fallback", service(sched("mh", "\n    mh-port\n    mh-fallback")),
     plain("-s mh -b mh-fallback,mh-port"), 1),
    ("flag-3", service(PLAIN + "\n    flag-3"), plain("-s rr -b flag-3"), 1),
    ("persistence_timeout", service(PLAIN + "\n    persistence_timeout 120"),
     plain(service_words="-p 120"), 1),
    ("persistence_granularity", service(PLAIN + "\n    persistence_timeout 120\n"
                                        "    persistence_granularity 255.255.255.0"),
     plain(service_words="-p 120 -M 255.255.255.0"), 1),
    ("weight", service(servers="real_server 10.1.0.1 80 { weight 7 }"),
     plain(server_words="-g -w 7"), 1),
    ("uthreshold alone", service(servers="real_server 10.1.0.1 80 {\n uthreshold 35000\n }"),
     plain(server_words="-g -w 1 -x 35000"), 1),
    ("uthreshold and lthreshold", service(servers="real_server 10.1.0.1 80 {\n uthreshold 90\n"
                                          " lthreshold 50\n }"),
     plain(server_words="-g -w 1 -x 90 -y 50"), 1),
    ("lvs_method NAT", service(PLAIN.replace("DR", "NAT")), plain(server_words="-m -w 1"), 1),
    ("lvs_method TUN", service(PLAIN.replace("DR", "TUN")), plain(server_words="-i -w 1 --tun-type ipip"), 1),
    ("TUN gue", service(PLAIN.replace("DR", "TUN type gue port 6080")),
     plain(server_words="-i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum"), 1),
    ("TUN gue remcsum", service(PLAIN.replace("DR", "TUN type gue port 6080 remcsum")),
     plain(server_words="-i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum"), 1),
    ("TUN gre csum", service(PLAIN.replace("DR", "TUN type gre csum")),
     plain(server_words="-i -w 1 --tun-type gre --tun-csum"), 1),
    ("lvs_method of one server", service(servers="real_server 10.1.0.1 80 { lvs_method TUN }"),
     plain(server_words="-i -w 1 --tun-type ipip"), 1),
    ("a second server", service(servers=RS + "\n    real_server 10.1.0.2 80 { weight 2 }"),
     BASE + ["-a -t 10.0.0.100:80 -r 10.1.0.2:80 -g -w 2"], 1),
    ("UDP with ops", service(PLAIN.replace("TCP", "UDP") + "\n    ops"),
     plain(t="-u 10.0.0.100:80", scheduler_words="-s rr -o"), 3),
    ("SCTP", service(PLAIN.replace("TCP", "SCTP")), plain(t="--sctp-service 10.0.0.100:80"), 3),
    ("fwmark", service(address="fwmark 7", servers="real_server 10.1.0.1 0 { weight 1 }"),
     plain(t="-f 7", server="10.1.0.1:0"), 3),
    ("IPv6", service(address="fd00::100 80", servers="real_server fd01::1 80 { weight 1 }"),
     plain(t="-t [fd00::100]:80", server="[fd01::1]:80"), 3),
    ("IPv6 through tunnels to IPv4", service(PLAIN.replace("DR", "TUN"), address="fd00::100 80"),
     plain(t="-t [fd00::100]:80", server_words="-i -w 1 --tun-type ipip"), 3),
    ("sorry_server_inhibit", service(PLAIN + "\n    sorry_server 10.1.0.9 80\n"
                                     "    sorry_server_inhibit\n    sorry_server_lvs_method NAT"),
     BASE + ["-a -t 10.0.0.100:80 -r 10.1.0.9:80 -m -w 0"], 1),
    ("virtual_server_group", service(
        address="group web", before="virtual_server_group web {\n    10.0.0.100 80\n"
        "    10.0.0.101-103 80\n    fwmark 9\n}\n"),
     many(["-t 10.0.0.100:80", "-t 10.0.0.101:80", "-t 10.0.0.102:80", "-t 10.0.0.103:80"])
     + ["-A -f 9 -s rr", "-a -f 9 -r 10.1.0.1:0 -g -w 1"], None),
]
# ipvsadm shows a port of a firewall mark's server as it was given; the kernel ignores it with DR.
ANY_PORT = ("virtual_server_group",)


def saved(node):
    """`ipvsadm -Sn`, with the thresholds, which it forgets."""
    found = table(node.run("ipvsadm", "-Sn"))
    rows = [line.split() for line in node.run("ipvsadm", "-Ln", "--thresholds").splitlines()]
    limits = {row[1]: row[2:4] for row in rows if row[:1] == ["->"] and len(row) > 3}
    for i, line in enumerate(found):
        for server, (upper, lower) in limits.items():
            if f"-r {server} " in line:
                found[i] += (f" -x {upper}" * (upper != "0")) + (f" -y {lower}" * (lower != "0"))
    return sorted(found)


def same(what, got, want):
    if what in ANY_PORT:
        got, want = ([line.replace(":80 -g", ":0 -g") for line in lines] for lines in (got, want))
    return sorted(got) == sorted(want)


def check(daemon, node, commands, what, config, want, edits):
    commands.take()
    code, said = daemon.reload(config)
    if code:
        expect(False, what, said)
        return
    got = saved(node)
    expect(same(what, got, want), what, f"{got}, not {sorted(want)}")
    made = commands.take_changes()
    if edits is not None:
        expect(sum(made.values()) == edits, f"{what}: {edits} edits", made)


def check_sysctls(daemon, node):
    def value(name):
        return " ".join(node.run("cat", f"/proc/sys/net/ipv4/vs/{name}").split())

    def reload(lines):
        block = "    lvs_sysctl {\n" + lines + "    }\n" if lines else ""
        return daemon.reload("global_defs {\n" + block + "}\n" + service())

    before = value("sync_threshold"), value("expire_nodest_conn")
    code, said = reload("        sync_threshold 0 0\n        expire_nodest_conn 1\n")
    expect(code == 0 and (value("sync_threshold"), value("expire_nodest_conn")) == ("0 0", "1"),
           "lvs_sysctl: set", (said, value("sync_threshold"), value("expire_nodest_conn")))
    shown = daemon.status()["ipvs"]["sysctls"]
    expect([s["value"] for s in shown] == ["0 0", "1"], "lvs_sysctl: shown in the status", shown)
    node.sysctl(ipv4__vs__expire_nodest_conn=0)
    expect(wait_for(lambda: value("expire_nodest_conn") == "1", 15), "lvs_sysctl: put right")
    old = daemon.roles()["tandem-ipvs"]
    os.kill(old, signal.SIGKILL)
    expect(daemon.wait_role("tandem-ipvs", old), "lvs_sysctl: tandem-ipvs is killed")
    reload("        expire_nodest_conn 1\n")
    expect(wait_for(lambda: value("sync_threshold") == before[0], 5),
           "lvs_sysctl: what was there before is known after the death, and put back",
           value("sync_threshold"))
    return lambda: expect(value("expire_nodest_conn") == before[1],
                          "lvs_sysctl: put back by a stop", value("expire_nodest_conn"))


def main():
    need(modules=["ip_vs"])
    node = Node("d1")
    daemon = KINDS["tandem"](node, service())
    daemon.start()
    expect(wait_for(lambda: saved(node) == sorted(BASE), 15), "the plain service", saved(node))
    commands = IpvsCommands(node)
    for what, config, want, edits in CASES:
        check(daemon, node, commands, what, config, want, edits)
        check(daemon, node, commands, f"{what}: and back", service(), BASE, None)
    code, said = daemon.reload("global_defs {\n    lvs_timeouts tcp 600 tcpfin 60 udp 30\n}\n" + service())
    shown = node.run("ipvsadm", "-l", "--timeout")
    expect(code == 0 and shown.split()[-3:] == ["600", "60", "30"], "lvs_timeouts", shown)
    after_stop = check_sysctls(daemon, node)
    daemon.stop()
    after_stop()
    expect(saved(node) == [], "a stop leaves nothing", saved(node))


run(main)
