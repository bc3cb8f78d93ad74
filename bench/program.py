#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240 memory=1024
"""How fast 1,000 services with 10 real servers each get from the file into an empty kernel: from
the daemon's start until the kernel has the last one; wall clock, and CPU of all its processes."""

import sys
import time

from common import KINDS, Figures, need, note
from lab import KINDS as DAEMONS, Node, many_services, many_services_address, now_us, wait_for
from lab.ipvs import Kernel, cpu_us

SERVICES, REALS = 1000, 10


def complete(kernel):
    """Every service there, every real server in each: looked at only when the count is right."""
    return kernel.services() == SERVICES and all(
        kernel.weights(*many_services_address(i), REALS) for i in reversed(range(SERVICES)))


def trial(kind, n):
    """A fresh namespace each time: the kernel keeps deleted real servers for two minutes."""
    node = Node(f"{kind}{n}")
    node.ip("link add eth0 type dummy", "addr add 10.8.1.1/16 dev eth0", "link set eth0 up")
    config = "global_defs {\n    router_id bench\n}\n" + many_services(SERVICES, REALS)
    daemon = DAEMONS[kind](node, config, detail=False)
    kernel = Kernel(node)
    start_us = now_us()
    daemon.start()
    if not wait_for(lambda: complete(kernel), 60, 0.005):
        note(daemon.log_text()[-2000:])
        raise SystemExit(f"{kind}: {kernel.services()} of {SERVICES} services after 60 s")
    wall_ms = (now_us() - start_us) / 1000
    cpu_ms = cpu_us([daemon.proc.pid, *daemon.roles().values()]) / 1000
    daemon.stop(60)
    node.remove()
    return wall_ms, cpu_ms


def main():
    need(modules=["ip_vs", "dummy"], programs=["keepalived"])
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    figures = Figures()
    for n in range(trials):
        for kind in KINDS:
            wall_ms, cpu_ms = trial(kind, n)
            note(f"trial {n + 1}, {kind}: {wall_ms:.0f} ms, CPU {cpu_ms:.0f} ms")
            figures.add("program_wall", "ms", kind, round(wall_ms, 1))
            figures.add("program_cpu", "ms", kind, round(cpu_ms, 1))
    figures.tell()


main()
