#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240 memory=1024 ip_vs=no
"""A reload each second, so many of them (default 20), with 10,000 checks: counted at the servers, not one
check is late by more than its interval, and none is starved.

    lab/run tests/lab/checks_reload.py [RELOADS]"""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, note, run, wait_for  # noqa: E402
from lab.traffic import BUILD  # noqa: E402

CHECKS, INTERVAL_S, PORT, POOL = 10000, 10, 8000, 100
RELOADS = int(sys.argv[1]) if len(sys.argv) > 1 else 20


def config(weight):
    """The reload changes a weight of one service and the timing of nothing."""
    services = []
    for first in range(0, CHECKS, POOL):
        reals = "".join(f"real_server 10.64.{1 + (i >> 8)}.{i & 255} {PORT} {{\nweight {weight if i == 0 else 1}\nTCP_CHECK {{\n}}\n}}\n"
                        for i in range(first, first + POOL))
        services.append(f"virtual_server 10.1.0.{first // POOL} 80 {{\ndelay_loop {INTERVAL_S}\nlb_algo wrr\nlb_kind NAT\n"
                        f"protocol TCP\nconnect_timeout 5\n{reals}}}\n")
    return "global_defs {\nrouter_id one\n}\n" + "".join(services)


class Targets:
    """bench/targets.c: one process that is all the servers, and notes when each was asked."""

    def __init__(self, node):
        with node.inside():
            self.proc = subprocess.Popen([f"{BUILD}/bench/targets", str(PORT), "tcp", str(INTERVAL_S * 1_000_000)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.proc.stdout.readline()

    def say(self, word):
        self.proc.stdin.write(word + "\n")
        self.proc.stdin.flush()

    def tell(self):
        """(checks, servers asked, lateness of the median, p99 and worst interval in us)"""
        self.say("tell")
        return [int(word) for word in self.proc.stdout.readline().split()]


def main():
    switch, one, web = Switch("sw"), Node("one"), Node("web")
    one.plug("eth0", switch, "10.0.0.1/8")
    web.plug("eth0", switch, "10.0.0.2/8")
    web.ip("route add local 10.64.0.0/12 dev lo")
    one.ip("route add 10.64.0.0/12 via 10.0.0.2")
    one.sysctl(ipv4__ip_local_port_range="1024 65535")
    targets = Targets(web)
    tandem = Tandem(one, config(1), detail=False)
    tandem.start()
    expect(wait_for(lambda: targets.tell()[1] == CHECKS, 60, 1), f"{CHECKS} servers are checked", targets.tell())
    time.sleep(INTERVAL_S)
    targets.say("mark")
    start, failed = time.monotonic(), []
    for n in range(RELOADS):
        code, text = tandem.reload(config(2 + n))
        if code:
            failed.append(text)
        time.sleep(max(0, start + n + 1 - time.monotonic()))
    took_s = time.monotonic() - start
    expect(not failed, f"{RELOADS} reloads in {took_s:.0f} s", failed[:1])
    time.sleep(INTERVAL_S)
    checks, asked, late_us, late_p99_us, late_most_us = targets.tell()
    note(f"{checks} checks, late: median {late_us / 1000:.1f} ms, p99 {late_p99_us / 1000:.1f} ms, most {late_most_us / 1000:.1f} ms")
    expect(asked == CHECKS, "none is starved", asked)
    expect(late_most_us <= INTERVAL_S * 1_000_000, "none is late by more than its interval", late_most_us)
    rounds = (took_s + INTERVAL_S) / INTERVAL_S
    expect(checks >= 0.8 * rounds * CHECKS, "the rhythm goes on", f"{checks} in {rounds:.1f} rounds")
    targets.proc.kill()
    expect(tandem.stop() == 0, "it stops in order")


run(main)
