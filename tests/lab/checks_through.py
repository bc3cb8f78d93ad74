#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=150
"""through_service: of servers that answer at their own addresses, one loses the virtual address and another
its end of the tunnel. Ordinary checks see nothing; these find it, on the director that has the address and on
the one that has not, and the servers come back with what they had lost."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, need, run, wait_for  # noqa: E402
from lab.ipvs import Kernel  # noqa: E402

VIP, PORT = "10.0.0.100", 80
DIRECT, TUNNEL = "10.0.0.11", "10.0.0.12"
TIMING = "connect_timeout 1\n warmup 0\n retry 1\n delay_before_retry 0.3\n"


def config(check):
    return (f"global_defs {{\n router_id one\n}}\nvirtual_server {VIP} {PORT} {{\n lb_algo rr\n lb_kind DR\n protocol TCP\n delay_loop 1\n"
            f"real_server {DIRECT} {PORT} {{\n {check} \n}}\n"
            f"real_server {TUNNEL} {PORT} {{\n lvs_method TUN\n {check} \n}}\n}}\n")


def real(name, switch, address, *lines):
    node = Node(name)
    node.plug("eth0", switch, f"{address}/24")
    node.sysctl(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2, ipv4__conf__all__rp_filter=0,
                ipv4__conf__default__rp_filter=0)
    node.ip(*lines)
    serve(node)
    return node


def serve(node):
    node.web = node.spawn([sys.executable, "-m", "http.server", str(PORT), "--bind", "0.0.0.0"])


def expect_count(node, kernel, count, what):
    expect(wait_for(lambda: kernel.reals(VIP, PORT) == count, 10, 0.1), f"{node.name}: {what}",
           f"{kernel.reals(VIP, PORT)} real servers, wanted {count}")


def lose_and_find(nodes, kernels, server, lose, find, what):
    server.ip(lose)
    for node in nodes:
        expect_count(node, kernels[node.name], 1, f"a server without {what} is taken out")
    server.ip(*find)
    for node in nodes:
        expect_count(node, kernels[node.name], 2, "and is back when it has it again")


def faults(daemon, node, kernel, server):
    """What ordinary checks find is found on this way, too."""
    link = server.links["eth0"]
    for what, begin, end, words in (
            ("closes its port", lambda: (server.web.kill(), server.web.wait()), lambda: serve(server), "connection refused"),
            ("gets stuck", lambda: server.web.send_signal(signal.SIGSTOP), lambda: server.web.send_signal(signal.SIGCONT),
             "connected, but no answer"),
            ("is gone", link.cut, link.join, "no connection|no route to host")):
        begin()
        expect_count(node, kernel, 1, f"a server that {what} is taken out")
        said = str(daemon.status())
        expect(re.search(words, said), f"because: {words}", re.findall(r"'result': '([^']*)'", said))
        end()
        expect_count(node, kernel, 2, "and is back")


def main():
    need(modules=["ip_vs", "ipip"])
    switch = Switch("sw")
    nodes = [Node("active"), Node("backup")]
    nodes[0].plug("eth0", switch, "10.0.0.1/24", f"{VIP}/24")
    nodes[1].plug("eth0", switch, "10.0.0.2/24")
    direct = real("direct", switch, DIRECT, f"addr add {VIP}/32 dev lo")
    tunnel = real("tunnel", switch, TUNNEL, f"addr add {VIP}/32 dev lo", "link set tunl0 up")
    kernels = {node.name: Kernel(node) for node in nodes}
    check = f"TCP_CHECK {{\n through_service\n {TIMING} }}\n"
    page = f"HTTP_GET {{\n through_service\n {TIMING} url {{\n path /\n status_code 200\n }}\n }}\n"
    daemons = [Tandem(node, config(check)) for node in nodes]
    for node, daemon in zip(nodes, daemons):
        daemon.start()
        expect_count(node, kernels[node.name], 2, "both servers are in")
    lose_and_find(nodes, kernels, direct, f"addr del {VIP}/32 dev lo", [f"addr add {VIP}/32 dev lo"], "the virtual address")
    lose_and_find(nodes, kernels, tunnel, "link set tunl0 down", ["link set tunl0 up"], "its tunnel")
    expect("through the service" in daemons[0].log_text(), "the log says how it was checked")
    code, text = daemons[0].reload(config(page))
    expect(code == 0, "HTTP_GET goes the same way", text)
    lose_and_find(nodes[:1], kernels, direct, f"addr del {VIP}/32 dev lo", [f"addr add {VIP}/32 dev lo"], "the virtual address")
    expect("HTTP 200" in str(daemons[0].status()), "and gets an answer")
    faults(daemons[0], nodes[0], kernels["active"], direct)
    code, text = daemons[0].reload(config(check.replace("through_service", "")))
    direct.ip(f"addr del {VIP}/32 dev lo")
    with nodes[0].inside(), open("/proc/thread-self/net/ip_vs") as f:
        expect("FWM" not in f.read(), "without the word the kernel has no service for it")
    with nodes[0].inside(), open("/proc/sys/net/ipv4/conf/all/accept_local") as f:
        expect(f.read().strip() == "0", "and accept_local is back")
    expect(not wait_for(lambda: kernels["active"].reals(VIP, PORT) != 2, 4, 0.1), "and an ordinary check sees nothing")
    for daemon in daemons:
        expect(daemon.stop() == 0, "it stops in order")


run(main)
