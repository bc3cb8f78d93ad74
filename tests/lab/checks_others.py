#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""PING_CHECK, UDP_CHECK, DNS_CHECK and SMTP_CHECK: against dnsmasq, an echo server, a mail server,
and against nobody."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, nasty, need, run, wait_for  # noqa: E402
from lab.traffic import program  # noqa: E402

A, A6, NOBODY = "10.0.0.2", "fd00::2", "10.0.0.9"
NASTY, ECHO, CLOSED = 7000, 8000, 9999
BAD = nasty.ports(NASTY)


def check(method, port, more="", address=A):
    return f"{method} {{\n connect_ip {address}\n connect_port {port}\n {more}\n }}\n"


# (what it is, the check, is it up, its result in words)
CASES = [
    ("ping", check("PING_CHECK", 1), True, r"echo reply in [\d.]+ ms"),
    ("ping over IPv6", check("PING_CHECK", 1, address=A6), True, r"echo reply in [\d.]+ ms"),
    ("ping from an address", check("PING_CHECK", 1, "bindto 10.0.0.1"), True, "echo reply"),
    ("ping through an interface", check("PING_CHECK", 1, "bind_if eth0", A6), True, "echo reply"),
    ("ping to nobody", check("PING_CHECK", 1, address=NOBODY), False, "no answer for 0.500 s|no route to host"),
    ("a UDP port that nobody closes", check("UDP_CHECK", ECHO, "payload 41"), True, "a reply of"),
    ("a closed UDP port", check("UDP_CHECK", CLOSED), False, "connection refused"),
    ("a silent one", check("UDP_CHECK", 53, "payload 00"), True, r"nobody has said that it is closed in 5\d\d"),
    ("a silent one that must reply", check("UDP_CHECK", 53, "payload 00\n require_reply"), False, "no answer for 0.500 s"),
    ("DNS", check("DNS_CHECK", 53, "type A\n name here.example\n require_answer"), True, "answered with 1 record in"),
    ("DNS over IPv6", check("DNS_CHECK", 53, "type AAAA\n name here.example", A6), True, "answered with"),
    ("DNS without such a name", check("DNS_CHECK", 53, "type A\n name nowhere.example"), False, "NXDOMAIN"),
    ("DNS without a record", check("DNS_CHECK", 53, "type MX\n name here.example\n require_answer"), False,
     "answered without a record"),
    ("DNS of a refusing server", check("DNS_CHECK", 53), False, "answered with REFUSED"),
    ("DNS of nobody", check("DNS_CHECK", CLOSED), False, "connection refused"),
    ("mail", check("SMTP_CHECK", BAD["mail"]), True, r"greeted in [\d.]+ ms"),
    ("mail with a bad name", check("SMTP_CHECK", BAD["mail"], "helo_name bad"), False,
     "HELO was answered with 501, wanted 250"),
    ("mail that greets nobody", check("SMTP_CHECK", BAD["silent"]), False, "the greeting got no answer in time"),
    ("garbage instead of mail", check("SMTP_CHECK", BAD["garbage"]), False, "what is not SMTP|refused|reset"),
    ("mail that hangs up", check("SMTP_CHECK", BAD["hang_up"]), False, "the connection is closed"),
    ("nobody's mail", check("SMTP_CHECK", CLOSED), False, "connection refused"),
]


def config():
    reals = "".join(f"real_server {A} {1000 + i} {{\n fall 1\n warmup 0\n connect_timeout 0.5\n {text} }}\n"
                    for i, (_, text, _, _) in enumerate(CASES))
    return ("global_defs {\n router_id one\n}\nvirtual_server 10.0.0.100 80 {\n lb_algo rr\n lb_kind NAT\n"
            f" protocol TCP\n alpha\n delay_loop 1\n {reals} }}\n")


def start_servers(web):
    out = os.environ["LAB_OUT"]
    web.spawn([program("echo"), "-p", str(ECHO)], log="echo.log")
    web.spawn(["dnsmasq", "-k", "--user=root", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file",
               "--local=/example/", f"--host-record=here.example,{A},{A6}", "--no-daemon"], log="dnsmasq.log")
    web.spawn([sys.executable, "-m", "lab.nasty", str(NASTY)], log="nasty.log",
              env={"PYTHONPATH": os.path.dirname(os.path.dirname(nasty.__file__))})
    return wait_for(lambda: nasty.ready(f"{out}/nasty.log"), 10)


def results(tandem):
    status = tandem.status()
    servers = status["services"][0]["real_servers"] if status and status["services"] else []
    return {s["port"] - 1000: s["checks"][0] for s in servers if s["checks"][0].get("has_run")}


def fits(seen, i):
    _, _, up, words = CASES[i]
    return i in seen and seen[i]["up"] is up and re.search(words, seen[i]["result"])


def up_still(tandem):
    """Of the checks that want an answer."""
    for i, said in results(tandem).items():
        if said["up"] and (said["method"] != "UDP_CHECK" or "require_reply" in CASES[i][1]):
            yield CASES[i][0]


def main():
    need(programs=["dnsmasq"])
    switch, one, web = Switch("sw"), Node("one"), Node("web")
    for node, host in ((one, 1), (web, 2)):
        node.sysctl(ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0)
        node.plug("eth0", switch, f"10.0.0.{host}/24")
        node.ip(f"addr add fd00::{host}/64 dev eth0 nodad")
    expect(start_servers(web), "the servers run")
    one.sysctl(ipv4__ping_group_range="1 0")
    tandem = Tandem(one, config())
    tandem.start()
    wait_for(lambda: all(fits(results(tandem), i) for i in range(len(CASES))), 15, 0.2)
    seen = results(tandem)
    for i, (what, _, up, words) in enumerate(CASES):
        said = seen.get(i, {"up": None, "result": "it has not run"})
        expect(fits(seen, i), f"{what}: {said['result']}", f"up is {said['up']}; wanted {up}, {words}")
    one.sysctl(ipv4__ping_group_range="0 2147483647")
    expect(wait_for(lambda: uses_ping_sockets(tandem), 5, 0), "ping sockets are used where the kernel lets us")
    expect(all(results(tandem)[i]["up"] for i in range(4)), "and they do as well", results(tandem))
    web.links["eth0"].down()
    expect(wait_for(lambda: not any(up_still(tandem)), 8, 0.2),
           "a server that is gone fails every check that wants an answer", list(up_still(tandem)))
    expect(tandem.stop() == 0, "it stops in order")


def uses_ping_sockets(tandem):
    """One of tandem-check's sockets is an ICMP datagram one (protocol 1 or 58, type 2)."""
    pid = tandem.roles()["tandem-check"]
    with open(f"/proc/{pid}/net/icmp") as four, open(f"/proc/{pid}/net/icmp6") as six:
        return len(four.readlines()) + len(six.readlines()) > 2


run(main)
