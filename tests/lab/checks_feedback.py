#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120
"""feedback: of three servers one answers its checks late, and of two one sends ten times as much; their weights in
the kernel follow, within their bounds, and are explained. The late one gets its weight back when it is quick again."""

import contextlib
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, ipvsadm, need, note, run, wait_for  # noqa: E402

VIP, LATENCY, BANDWIDTH, HTTP, DATA = "10.1.0.100", 80, 81, 8000, 8001
REALS = ("10.0.0.11", "10.0.0.12", "10.0.0.13")
LIGHT, HEAVY = 4_000, 40_000  # bytes of an answer
FLOOR = 40  # feedback_min
after_s = dict.fromkeys(REALS, 0.0)  # how late a check is answered


def config():
    def service(port, feedback, reals):
        return (f"virtual_server {VIP} {port} {{\n lb_algo wrr\n lb_kind NAT\n protocol TCP\n delay_loop 0.2\n"
                f" feedback {feedback}\n feedback_min {FLOOR}\n {reals} }}\n")
    check = 'TCP_CHECK {\n send "hello"\n expect "OK"\n connect_timeout 2\n warmup 0\n }'
    late = "".join(f"real_server {a} {HTTP} {{\n weight 100\n {check} }}\n" for a in REALS)
    big = "".join(f"real_server {a} {DATA} {{\n weight 100\n }}\n" for a in REALS[:2])
    return f"global_defs {{\n router_id one\n}}\n{service(LATENCY, 'latency', late)}{service(BANDWIDTH, 'bandwidth', big)}"


def serve(node, address, port, answer):
    with node.inside():
        sock = socket.create_server((address, port), backlog=64)

    def one(conn):
        with contextlib.suppress(OSError), conn:
            conn.recv(100)
            answer(conn)

    def accept():
        while True:
            threading.Thread(target=one, args=(sock.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()


def answer_check(address):
    def answer(conn):
        time.sleep(0.02 + after_s[address])
        conn.sendall(b"OK")
    return answer


def fetch(node, stopped):
    """Clients of the second service, as many as it has servers."""
    while not stopped.is_set():
        with contextlib.suppress(OSError):
            with node.inside():
                sock = socket.create_connection((VIP, BANDWIDTH), 2)
            with sock:
                sock.sendall(b"more")
                while sock.recv(65536):
                    pass
        time.sleep(0.02)


def weights(node, port):
    servers = ipvsadm.table(node).get(f"-t {VIP}:{port}", ("", {}))[1]
    return [int(servers[where].split("-w ")[1].split()[0]) if (where := f"{a}:{HTTP if port == LATENCY else DATA}") in servers else None
            for a in REALS[:3 if port == LATENCY else 2]]


def explained(tandem, server):
    return tandem.ctl("explain", "rs", server)[1]


def main():
    need(modules=["ip_vs"])
    inside, outside = Switch("in"), Switch("out")
    one, web, client = Node("one"), Node("web"), Node("client")
    one.plug("eth0", inside, "10.0.0.1/24")
    one.plug("eth1", outside, "10.1.0.1/24", f"{VIP}/24")
    one.sysctl(ipv4__ip_forward=1)
    web.plug("eth0", inside, *[f"{a}/24" for a in REALS])
    web.ip("route add default via 10.0.0.1")
    client.plug("eth0", outside, "10.1.0.2/24")
    for address, size in zip(REALS, (HEAVY, LIGHT, LIGHT)):
        serve(web, address, HTTP, answer_check(address))
        serve(web, address, DATA, lambda conn, size=size: conn.sendall(bytes(size)))
    tandem = Tandem(one, config())
    tandem.start()
    expect(wait_for(lambda: weights(one, LATENCY) == [100] * 3, 15, 0.2), "all begin as configured", weights(one, LATENCY))
    stopped = threading.Event()
    threading.Thread(target=fetch, args=(client, stopped), daemon=True).start()
    after_s[REALS[2]] = 0.3
    fell = wait_for(lambda: weights(one, LATENCY)[2] <= 65, 30, 0.5)
    now = weights(one, LATENCY)
    expect(fell and now[2] >= FLOOR, f"the late one loses weight, step by step: {now}", now)
    expect(min(now[:2]) >= 90, "and the others do not", now)
    said = []

    def is_explained():  # between two moves of the weight
        said.append(explained(tandem, f"{REALS[2]}:{HTTP}"))
        return "feedback" in said[-1] and str(weights(one, LATENCY)[2]) in said[-1]
    expect(wait_for(is_explained, 10, 0.2), "which is explained", said[-1])
    shared = wait_for(lambda: (w := weights(one, BANDWIDTH)) and w[0] <= 65 and w[0] < w[1] and w, 20, 0.5)
    expect(shared and shared[0] >= FLOOR, f"who sends ten times as much gets less of the clients: {shared}", weights(one, BANDWIDTH))
    note(explained(tandem, f"{REALS[0]}:{DATA}"))
    after_s[REALS[2]] = 0.0
    low = weights(one, LATENCY)[2]
    expect(wait_for(lambda: weights(one, LATENCY)[2] >= low + 10, 25, 0.5), "one that is quick again gets its weight back, step by step",
           weights(one, LATENCY))
    stopped.set()
    expect(tandem.stop() == 0 and not ipvsadm.table(one), "it stops in order", ipvsadm.table(one))


run(main)
