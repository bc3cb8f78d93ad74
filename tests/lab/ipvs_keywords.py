#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=400
"""What each keyword of virtual_server and real_server makes of the kernel's table, in the words of
`ipvsadm -Sn`; each on a reload of its own, from the same plain service and back to it, with no more
edits than that takes, while a session of that service goes on."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import IpvsCommands, expect, has_module, need, run, wait_for  # noqa: E402
from lab.forwarding import VIP, Lab  # noqa: E402
from lab.ipvsadm import lines  # noqa: E402

PLAIN = "lvs_sched rr\n    lvs_method DR\n    protocol TCP"
RS = "real_server 10.0.1.11 80 { weight 1 }"
ADDRESS = "10.0.0.100 80"


def service(what=PLAIN, servers=RS, address=ADDRESS, before=""):
    return f"{before}virtual_server {address} {{\n    {what}\n    {servers}\n}}\n"


BASE = ["-A -t 10.0.0.100:80 -s rr", "-a -t 10.0.0.100:80 -r 10.0.1.11:80 -g -w 1"]


def plain(scheduler_words="-s rr", service_words="", server_words="-g -w 1", t="-t 10.0.0.100:80",
          server="10.0.1.11:80"):
    return [f"-A {t} {scheduler_words} {service_words}".strip(), f"-a {t} -r {server} {server_words}"]


def sched(name, flags=""):
    return PLAIN.replace("rr", name, 1) + flags


def many(keys, servers=("10.0.1.11:80",), words="-s rr", server_words="-g -w 1"):
    return [line for key in keys for line in
            [f"-A {key} {words}"] + [f"-a {key} -r {s} {server_words}" for s in servers]]


def down(address, more=""):
    """A server that never has been up."""
    return (f"real_server {address} 80 {{\n weight 5\n alpha\n {more}\n"
            " TCP_CHECK {\n warmup 3600\n delay_loop 3600\n }\n }")


UNSEEN = """hashed
    alpha
    omega
    quorum 1
    hysteresis 0
    delay_loop 7
    retry 2
    delay_before_retry 2
    connect_timeout 4
    warmup 2
    virtualhost www
    snmp_name plain
    smtp_alert
    inhibit_on_failure
    quorum_up "/bin/true"
    quorum_down "/bin/true"
"""

# What is configured, what ipvsadm says then, and how many edits lead from the plain service there and
# back.
CASES = [
    *((f"lvs_sched {s}", service(sched(s)), plain(f"-s {s}"), 1)
      for s in ("wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf")),
    *([("lvs_sched twos", service(sched("twos")), plain("-s twos"), 1)] * has_module("ip_vs_twos")),
    ("lb_algo and lb_kind", service("lb_algo wrr\n    lb_kind DR\n    protocol TCP"), plain("-s wrr"), 1),
    ("flag-1 and flag-2", service(PLAIN + "\n    flag-1\n    flag-2"), plain("-s rr -b flag-1,flag-2"), 1),
    ("resilience hash", service("lvs_method DR\n    protocol TCP\n    resilience hash"),
     plain("-s mh -b mh-port"), 1),
    ("what is not for the kernel", service(PLAIN + "\n    " + UNSEEN), BASE, 0),
    ("weight of all servers", service(PLAIN + "\n    weight 7", "real_server 10.0.1.11 80 {\n }"),
     plain(server_words="-g -w 7"), 1),
    ("alpha", service(servers=RS + "\n    " + down("10.0.1.12")), BASE, 0),
    ("inhibit_on_failure", service(servers=RS + "\n    " + down("10.0.1.12", "inhibit_on_failure")),
     BASE + ["-a -t 10.0.0.100:80 -r 10.0.1.12:80 -g -w 0"], 1),
    ("quorum and sorry_server", service(
        PLAIN + "\n    quorum 3\n    sorry_server 10.0.1.19 80",
        RS.replace("weight 1", "\n weight 1\n inhibit_on_failure\n") + "\n    " + down("10.0.1.12")),
     plain(server_words="-g -w 0") + ["-a -t 10.0.0.100:80 -r 10.0.1.19:80 -g -w 1"], 2),
    ("sh-port", service(sched("sh", "\n    sh-port")), plain("-s sh -b sh-port"), 1),
    ("sh-fallback", service(sched("sh", "\n    sh-fallback")), plain("-s sh -b sh-fallback"), 1),
    ("mh-port and mh-fallback", service(sched("mh", "\n    mh-port\n    mh-fallback")),
     plain("-s mh -b mh-fallback,mh-port"), 1),
    ("flag-3", service(PLAIN + "\n    flag-3"), plain("-s rr -b flag-3"), 1),
    ("persistence_timeout", service(PLAIN + "\n    persistence_timeout 120"),
     plain(service_words="-p 120"), 1),
    ("persistence_engine", service(PLAIN.replace("TCP", "UDP") + "\n    persistence_timeout 120\n"
                                   "    persistence_engine sip"),
     plain(t="-u 10.0.0.100:80", service_words="-p 120 --pe sip"), 3),
    ("persistence_granularity", service(PLAIN + "\n    persistence_timeout 120\n"
                                        "    persistence_granularity 255.255.255.0"),
     plain(service_words="-p 120 -M 255.255.255.0"), 1),
    ("weight", service(servers="real_server 10.0.1.11 80 { weight 7 }"),
     plain(server_words="-g -w 7"), 1),
    ("uthreshold alone", service(servers="real_server 10.0.1.11 80 {\n uthreshold 35000\n }"),
     plain(server_words="-g -w 1 -x 35000"), 1),
    ("uthreshold and lthreshold", service(servers="real_server 10.0.1.11 80 {\n uthreshold 90\n"
                                          " lthreshold 50\n }"),
     plain(server_words="-g -w 1 -x 90 -y 50"), 1),
    ("lvs_method NAT", service(PLAIN.replace("DR", "NAT")), plain(server_words="-m -w 1"), 1),
    ("lvs_method SNAT", service(PLAIN.replace("DR", "SNAT")), plain(server_words="-m -w 1"), 1),
    ("lvs_method TUN", service(PLAIN.replace("DR", "TUN")), plain(server_words="-i -w 1 --tun-type ipip"), 1),
    ("TUN gue", service(PLAIN.replace("DR", "TUN type gue port 6080")),
     plain(server_words="-i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum"), 1),
    ("TUN gue remcsum", service(PLAIN.replace("DR", "TUN type gue port 6080 remcsum")),
     plain(server_words="-i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum"), 1),
    ("TUN gue csum", service(PLAIN.replace("DR", "TUN type gue port 6080 csum")),
     plain(server_words="-i -w 1 --tun-type gue --tun-port 6080 --tun-csum"), 1),
    ("TUN gre", service(PLAIN.replace("DR", "TUN type gre")),
     plain(server_words="-i -w 1 --tun-type gre --tun-nocsum"), 1),
    ("TUN gre csum", service(PLAIN.replace("DR", "TUN type gre csum")),
     plain(server_words="-i -w 1 --tun-type gre --tun-csum"), 1),
    ("lvs_method of one server", service(servers="real_server 10.0.1.11 80 { lvs_method TUN }"),
     plain(server_words="-i -w 1 --tun-type ipip"), 1),
    ("a second server", service(servers=RS + "\n    real_server 10.0.1.12 80 { weight 2 }"),
     BASE + ["-a -t 10.0.0.100:80 -r 10.0.1.12:80 -g -w 2"], 1),
    ("UDP with ops", service(PLAIN.replace("TCP", "UDP") + "\n    ops"),
     plain(t="-u 10.0.0.100:80", scheduler_words="-s rr -o"), 3),
    ("SCTP", service(PLAIN.replace("TCP", "SCTP")), plain(t="--sctp-service 10.0.0.100:80"), 3),
    ("fwmark", service(address="fwmark 7", servers="real_server 10.0.1.11 0 { weight 1 }"),
     plain(t="-f 7", server="10.0.1.11:0"), 3),
    ("fwmark, ip_family inet6", service(PLAIN + "\n    ip_family inet6", address="fwmark 8",
                                        servers="real_server fd00:1::11 0 { weight 1 }"),
     plain(t="-f 8 -6", server="[fd00:1::11]:0"), 3),
    ("IPv6", service(address="fd00::100 80", servers="real_server fd00:1::11 80 { weight 1 }"),
     plain(t="-t [fd00::100]:80", server="[fd00:1::11]:80"), 3),
    ("IPv6 through tunnels to IPv4", service(PLAIN.replace("DR", "TUN"), address="fd00::100 80"),
     plain(t="-t [fd00::100]:80", server_words="-i -w 1 --tun-type ipip"), 3),
    ("sorry_server_inhibit", service(PLAIN + "\n    sorry_server 10.0.1.19 80\n"
                                     "    sorry_server_inhibit\n    sorry_server_lvs_method NAT"),
     BASE + ["-a -t 10.0.0.100:80 -r 10.0.1.19:80 -m -w 0"], 1),
    ("virtual_server_group", service(
        address="group web", before="virtual_server_group web {\n    10.0.0.100 80\n"
        "    10.0.0.101-103 80\n    fwmark 9\n}\n"),
     many(["-t 10.0.0.100:80", "-t 10.0.0.101:80", "-t 10.0.0.102:80", "-t 10.0.0.103:80"])
     + ["-A -f 9 -s rr", "-a -f 9 -r 10.0.1.11:80 -g -w 1"], (8, 4)),
    ("virtual_server_group of both families", service(
        PLAIN.replace("DR", "TUN"), address="group all", before="virtual_server_group all {\n"
        "    10.0.0.104/31 80\n    fd00::104-105 80\n    fwmark 9 inet6\n}\n"),
     many(["-t 10.0.0.104:80", "-t 10.0.0.105:80", "-t [fd00::104]:80", "-t [fd00::105]:80"],
          server_words="-i -w 1 --tun-type ipip")
     + ["-A -f 9 -6 -s rr", "-a -f 9 -6 -r 10.0.1.11:80 -i -w 1 --tun-type ipip"], (11, 7)),
]


def saved(node):
    return sorted(lines(node))


def lives(session):
    try:
        session.sendall(b"?")
        return session.recv(1) == b"?"
    except OSError:
        return False


def change(lab, commands, config, edits):
    """What is wrong with a reload."""
    commands.take()
    code, said = lab.daemon.reload(config)
    made = commands.take_changes()
    return [said] * (code != 0) + [f"{made}, not {edits} edits"] * (sum(made.values()) != edits)


def check(lab, commands, session, what, config, want, edits):
    """One line: the edits there and back (with a service its servers go, too), what ipvsadm says in
    between, and that the session goes on, if its server is still there."""
    there, back = edits if isinstance(edits, tuple) else (edits, edits)
    wrong = change(lab, commands, config, there)
    got = saved(lab.d1)
    if got != sorted(want):
        wrong.append(f"{got}, not {sorted(want)}")
    wrong += change(lab, commands, service(), back)
    if any("-t 10.0.0.100:80 -r 10.0.1.11:80" in line for line in want) and not lives(session):
        wrong.append("the session is lost")
    expect(not wrong, f"{what}: {there} edits, and back", "; ".join(wrong))


def check_flush(lab):
    """lvs_flush at the first start, lvs_flush_on_stop: for others' services, too."""
    def foreign():
        return any("10.9.9.9" in line for line in lines(lab.d1))

    lab.d1.run("ipvsadm", "-A", "-t", "10.9.9.9:80")
    lab.daemon.configure("global_defs {\n    lvs_flush\n    lvs_flush_on_stop\n}\n" + service())
    lab.daemon.boot()
    expect(wait_for(lambda: saved(lab.d1) == sorted(BASE), 15), "lvs_flush", saved(lab.d1))
    lab.d1.run("ipvsadm", "-A", "-t", "10.9.9.9:80")
    lab.daemon.reload(lab.daemon.config.replace("80 {", "80 {\n    omega"))
    expect(foreign(), "others' services stay in a reload", saved(lab.d1))
    lab.daemon.stop()
    expect(saved(lab.d1) == [], "lvs_flush_on_stop", saved(lab.d1))


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
    lab = Lab(reals=1)
    lab.serve("TCP", 80, VIP[4])
    lab.start(service())
    daemon, node = lab.daemon, lab.d1
    expect(wait_for(lambda: saved(node) == sorted(BASE), 15), "the plain service", saved(node))
    session, _ = lab.connect("TCP", VIP[4], 80)
    commands = IpvsCommands(node)
    for what, config, want, edits in CASES:
        check(lab, commands, session, what, config, want, edits)
    expect(saved(node) == sorted(BASE), "the plain service again", saved(node))
    code, said = daemon.reload("global_defs {\n    lvs_timeouts tcp 600 tcpfin 60 udp 30\n}\n" + service())
    shown = node.run("ipvsadm", "-l", "--timeout")
    expect(code == 0 and shown.split()[-3:] == ["600", "60", "30"], "lvs_timeouts", shown)
    after_stop = check_sysctls(daemon, node)
    daemon.stop()
    after_stop()
    expect(saved(node) == [], "a stop leaves nothing", saved(node))
    check_flush(lab)


run(main)
