#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=900 memory=1024 ip_vs=no
"""Checks at scale: 1,000, 10,000 and 40,000 TCP_CHECKs and HTTP_GETs, each of another server, every 5 s:
CPU for each check, memory for each, and by how much the server sees them late (p99). What libcurl
takes for the same requests by itself is measured beside it (curl_floor.c): "floor", with libcurl as the peer.
Of the 18 system calls of an HTTP_GET eleven are libcurl's way of looking at a connection (connect once more,
fcntl and poll twice, getpeername twice, getsockname three times, getsockopt). keepalived makes as many, of
other kinds; what it needs less of is time outside the kernel.

    bench/run checks [TRIALS] [tcp|http] [COUNT ...]

The daemons run in turn. Where the kernel has no IPVS, keepalived's commands to it are answered by a
preloaded library (no_ipvs.c): this measures checks, and would not start without."""

import os
import subprocess
import sys
import time

from common import KINDS, Figures, need, note
from lab import KINDS as DAEMONS, Node, Switch, wait_for
from lab.ipvs import cpu_us

BUILD = os.environ.get("TANDEM_BUILD") or "build/plain"
INTERVAL_S, PORT, POOL, WINDOW_S = 5, 8000, 100, 15
CHECKS = {"tcp": "TCP_CHECK {{\n}}", "http": "HTTP_GET {{\nurl {{\npath /\nstatus_code 200\n}}\n}}"}


def address(i):
    return f"10.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"


def config(method, count):
    services = []
    for first in range(0, count, POOL):
        reals = "".join(f"real_server {address(i + 256)} {PORT} {{\nweight 1\n{CHECKS[method].format()}\n}}\n"
                        for i in range(first, min(first + POOL, count)))
        services.append(f"virtual_server 10.1.{first // POOL >> 8}.{first // POOL & 255} 80 {{\n"
                        f"delay_loop {INTERVAL_S}\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nconnect_timeout 3\n{reals}}}\n")
    return "global_defs {\nrouter_id bench\n}\n" + "".join(services)


class Targets:
    def __init__(self, node, method):
        with node.inside():
            self.proc = subprocess.Popen([f"{BUILD}/bench/targets", str(PORT), method, str(INTERVAL_S * 1_000_000)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.proc.stdout.readline().strip() == "ready"

    def say(self, word):
        self.proc.stdin.write(word + "\n")
        self.proc.stdin.flush()

    def mark(self):
        self.say("mark")

    def tell(self):
        self.say("tell")
        return [int(word) for word in self.proc.stdout.readline().split()]


class Floor:
    """curl_floor.c in a daemon's place."""

    def __init__(self, node, count):
        self.node, self.count = node, count

    def start(self):
        with self.node.inside():
            self.proc = subprocess.Popen([f"{BUILD}/bench/curl_floor", address(256), str(PORT), str(self.count),
                                          str(INTERVAL_S * 1_000_000)])

    def roles(self):
        return {"check": self.proc.pid}

    def kill(self):
        self.proc.kill()
        self.proc.wait()


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def check_pid(daemon):
    return next(pid for name, pid in daemon.roles().items() if "check" in name)


def bare(kind, node, method):
    """What it takes with hardly a check."""
    daemon = start(kind, node, method, 1)
    time.sleep(1)
    kib = rss_kib(check_pid(daemon))
    stop(daemon)
    return kib


def start(kind, node, method, count):
    if kind == "libcurl":
        daemon = Floor(node, count)
        daemon.start()
        return daemon
    daemon = DAEMONS[kind](node, config(method, count), detail=False)
    if kind == "keepalived" and not os.path.exists("/proc/net/ip_vs"):
        daemon.env = lambda: {"LD_PRELOAD": os.path.abspath(f"{BUILD}/bench/no_ipvs.so")}
    daemon.start()
    if not wait_for(lambda: any("check" in name for name in daemon.roles()), 60, 0.1):
        note(daemon.log_text()[-2000:])
        raise SystemExit(f"{kind}: no process for its checks")
    return daemon


def stop(daemon):
    daemon.kill()
    time.sleep(0.5)


def trial(kind, node, targets, method, count):
    daemon = start(kind, node, method, count)
    targets.mark()
    if not wait_for(lambda: targets.tell()[1] >= count * 0.99, 120, 1):
        raise SystemExit(f"{kind}: {targets.tell()[1]} of {count} servers were checked in 120 s")
    time.sleep(INTERVAL_S)
    pids = node.pids()
    targets.mark()
    before_us = cpu_us(pids)
    time.sleep(WINDOW_S)
    used_us = cpu_us(pids) - before_us
    checks, _, _, late_us, most_us = targets.tell()
    kib = rss_kib(check_pid(daemon))
    stop(daemon)
    return checks, used_us, late_us, most_us, kib


def main():
    need(programs=["keepalived"])
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    methods = [m for m in CHECKS if m in sys.argv[2:]] or list(CHECKS)
    counts = [int(w) for w in sys.argv[2:] if w.isdigit()] or [1000, 10000, 40000]
    switch, one, web, figures = Switch("sw"), Node("one"), Node("web"), Figures()
    one.plug("eth0", switch, "10.0.0.1/8")
    web.plug("eth0", switch, "10.0.0.2/8")
    # All of the servers are one host, and nobody asks for 40,000 link addresses.
    web.ip("route add local 10.64.0.0/12 dev lo")
    one.ip("route add 10.64.0.0/12 via 10.0.0.2")
    one.sysctl(ipv4__ip_local_port_range="1024 65535")
    for method in methods:
        empty = {kind: bare(kind, one, method) for kind in KINDS}
        targets = Targets(web, method)
        for n in range(trials):
            for count in counts:
                for kind in KINDS:
                    checks, used_us, late_us, most_us, kib = trial(kind, one, targets, method, count)
                    note(f"trial {n + 1}, {method} {count}, {kind}: {checks / WINDOW_S:.0f} checks/s, "
                         f"{used_us / checks:.1f} us each, late p99 {late_us / 1000:.1f} ms, most {most_us / 1000:.1f} ms, {kib} KiB")
                    figures.add(f"checks_{method}_{count}_cpu", "us/check", kind, round(used_us / checks, 2))
                    figures.add(f"checks_{method}_{count}_late_p99", "ms", kind, round(late_us / 1000, 1))
                    figures.add(f"checks_{method}_{count}_rss", "bytes/check", kind,
                                round((kib - empty[kind]) * 1024 / count))
                    if method == "http" and kind == "tandem":
                        figures.add(f"checks_http_{count}_floor", "us/check", kind, round(used_us / checks, 2))
                if method == "http":
                    checks, used_us, *_ = trial("libcurl", one, targets, method, count)
                    note(f"trial {n + 1}, http {count}, libcurl alone: {used_us / checks:.1f} us each")
                    figures.add(f"checks_http_{count}_floor", "us/check", "keepalived", round(used_us / checks, 2))
        targets.proc.kill()
    figures.tell()


main()
