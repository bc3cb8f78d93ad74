#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=600 memory=512
"""How long from the death of a real server until it is out of the kernel's table, and from its return
until it is back, for three settings and the tightest sensible one; the same settings for both daemons."""

import random
import socket
import sys
import time

from common import KINDS, Figures, need, note
from lab import KINDS as DAEMONS, Node, Switch, now_us, wait_for
from lab.ipvs import Kernel

VIP, REALS, PORT = "10.0.0.100", ("10.0.0.11", "10.0.0.12"), 8000
SETTINGS = {
    "slow": ("delay_loop 2", "delay_before_retry 0.5\nretry 1"),
    "usual": ("delay_loop 1", "delay_before_retry 0.2\nretry 1"),
    "fast": ("delay_loop 0.2", "delay_before_retry 0.05\nretry 1"),
    "tightest": ("delay_loop 0.05", "delay_before_retry 0.02\nretry 1"),
}

SAMPLES = {"slow": 1, "usual": 2, "fast": 4, "tightest": 6}


def config(setting):
    loop, retry = SETTINGS[setting]
    reals = "".join(f"real_server {a} {PORT} {{\nweight 1\nTCP_CHECK {{\nconnect_timeout 1\nwarmup 0\n{retry}\n}}\n}}\n" for a in REALS)
    return (f"global_defs {{\nrouter_id bench\n}}\nvirtual_server {VIP} 80 {{\n{loop}\nlb_algo rr\nlb_kind NAT\n"
            f"protocol TCP\n{reals}}}\n")


class Server:
    """Listens; the kernel shakes hands by itself."""

    def __init__(self, node, address):
        self.node, self.address = node, address
        self.start()

    def start(self):
        with self.node.inside():
            self.sock = socket.create_server((self.address, PORT), backlog=4096)

    def stop(self):
        self.sock.close()


def until(node, count):
    start = now_us()
    if not wait_for(lambda: node.kernel.reals(VIP, 80) == count, 20, 0.001):
        raise SystemExit(f"{node.name}: {node.kernel.reals(VIP, 80)} real servers in the kernel, not {count}")
    return (now_us() - start) / 1000


def trial(node, web, setting, figures, kind, times):
    servers = [Server(web, a) for a in REALS]
    daemon = DAEMONS[kind](node, config(setting), detail=False)
    daemon.start()
    until(node, 2)
    time.sleep(3)
    # Where in its round a check is when its server dies is chance: the short rounds can have many.
    for _ in range(times * SAMPLES[setting]):
        time.sleep(random.uniform(0, 2 if setting == "slow" else 1))
        servers[0].stop()
        figures.add(f"detect_{setting}_down", "ms", kind, round(until(node, 1), 1))
        servers[0].start()
        figures.add(f"detect_{setting}_up", "ms", kind, round(until(node, 2), 1))
        for s in servers:
            s.sock.settimeout(0)
            try:
                while True:
                    s.sock.accept()[0].close()
            except OSError:
                pass
    daemon.stop()
    for s in servers:
        s.stop()
    note(f"{kind}, {setting}: done")


def main():
    need(modules=["ip_vs"], programs=["keepalived"])
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    switch, one, web, figures = Switch("sw"), Node("one"), Node("web"), Figures()
    one.plug("eth0", switch, "10.0.0.1/24", f"{VIP}/24")
    web.plug("eth0", switch, "10.0.0.2/24", *[f"{a}/24" for a in REALS])
    one.kernel = Kernel(one)
    for setting in SETTINGS:
        for kind in KINDS:
            trial(one, web, setting, figures, kind, times)
    figures.tell()


main()
