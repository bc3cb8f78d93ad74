#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=600 memory=512
"""How long from the death of a real server until it is out of the kernel's table, and from its return
until it is back, for three settings and the tightest sensible one; the same settings for both daemons.

Where in its round a check is when its server dies decides most of it: the deaths are spread evenly over the round,
at the same places for both."""

import contextlib
import socket
import sys
import time

from common import KINDS, Figures, need, note
from lab import KINDS as DAEMONS, Node, Switch, now_us, wait_for
from lab.ipvs import Kernel

VIP, REALS, PORT = "10.0.0.100", ("10.0.0.11", "10.0.0.12"), 8000
SETTINGS = {
    "slow": (2, "delay_before_retry 0.5\nretry 1"),
    "usual": (1, "delay_before_retry 0.2\nretry 1"),
    "fast": (0.2, "delay_before_retry 0.05\nretry 1"),
    "tightest": (0.05, "delay_before_retry 0.02\nretry 1"),
}

SAMPLES = {"slow": 1, "usual": 2, "fast": 4, "tightest": 6}  # short rounds can have many


def config(setting):
    loop_s, retry = SETTINGS[setting]
    reals = "".join(f"real_server {a} {PORT} {{\nweight 1\nTCP_CHECK {{\nconnect_timeout 1\nwarmup 0\n{retry}\n}}\n}}\n" for a in REALS)
    return (f"global_defs {{\nrouter_id bench\n}}\nvirtual_server {VIP} 80 {{\ndelay_loop {loop_s}\nlb_algo rr\nlb_kind NAT\n"
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

    def hang_up(self):
        """On all who have come so far."""
        self.sock.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.sock.accept()[0].close()

    def wait_check(self):
        """Until the next check comes."""
        self.hang_up()
        self.sock.settimeout(20)
        self.sock.accept()[0].close()


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
    n, loop_s = times * SAMPLES[setting], SETTINGS[setting][0]
    for i in range(n):
        servers[0].wait_check()
        time.sleep((i + 0.5) / n * loop_s)
        servers[0].stop()
        figures.add(f"detect_{setting}_down", "ms", kind, round(until(node, 1), 1))
        servers[0].start()
        figures.add(f"detect_{setting}_up", "ms", kind, round(until(node, 2), 1))
        servers[1].hang_up()
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
