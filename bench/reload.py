#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240 memory=1024
"""A reload that changes one weight among 1,000 services with 10 real servers each: from the signal
until the kernel has it; wall clock, and CPU of all the daemon's processes."""

import signal
import sys
import time

from common import KINDS, Figures, need, note
from lab import KINDS as DAEMONS, Node, many_services, many_services_address, now_us, wait_for
from lab.ipvs import Kernel, cpu_us

SERVICES, REALS = 1000, 10
CHANGED, LAST = (many_services_address(i) for i in (SERVICES // 2, SERVICES - 1))


def start(kind):
    node = Node(kind)
    node.ip("link add eth0 type dummy", "addr add 10.8.1.1/16 dev eth0", "link set eth0 up")
    node.daemon = DAEMONS[kind](node, config(1), detail=False)
    node.kernel = Kernel(node)
    node.daemon.start()
    if not wait_for(lambda: node.kernel.weights(*LAST, REALS), 60, 0.1):
        note(node.daemon.log_text()[-2000:])
        raise SystemExit(f"{kind}: did not program the kernel in 60 s")
    time.sleep(2)
    return node


def config(weight):
    return ("global_defs {\n    router_id bench\n}\n"
            + many_services(SERVICES, REALS, special_weight=weight))


def trial(node, weight):
    """Both daemons reload on SIGHUP."""
    node.daemon.configure(config(weight))
    before_us = cpu_us(node.pids())
    start_us = now_us()
    node.daemon.proc.send_signal(signal.SIGHUP)
    if not wait_for(lambda: weight in (node.kernel.weights(*CHANGED, REALS) or ()), 30, 0.002):
        raise SystemExit(f"{node.name}: the weight did not arrive in 30 s")
    wall_ms = (now_us() - start_us) / 1000
    time.sleep(1.5)  # what it still has to do is its cost as well
    return wall_ms, (cpu_us(node.pids()) - before_us) / 1000


def main():
    need(modules=["ip_vs", "dummy"], programs=["keepalived"])
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    nodes, figures = {kind: start(kind) for kind in KINDS}, Figures()
    for n in range(trials):
        for kind, node in nodes.items():
            wall_ms, cpu_ms = trial(node, n + 2)
            note(f"trial {n + 1}, {kind}: {wall_ms:.0f} ms, CPU {cpu_ms:.0f} ms")
            figures.add("reload_wall", "ms", kind, round(wall_ms, 1))
            figures.add("reload_cpu", "ms", kind, round(cpu_ms, 1))
    figures.tell()


main()
