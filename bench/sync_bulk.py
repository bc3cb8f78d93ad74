#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=900 memory=2048
"""What copying connections costs. First in bulk: a director starts beside one that knows so many
connections (bench/sync_channel plays it) until it is synced, its kernel included, and then hears a
change of each; the kernel's own sync has no such thing. Then as they come: new connections through one
director, and what telling each costs, in CPU of the whole machine, beside kernel sync; what the same
traffic takes without any sync is taken off. From that follows the share at the wanted rate, which a
guest may not reach. A million is too much for a guest that shares its processors: bench/sync_channel
1000000 100000 measures the way between two directors without a kernel, anywhere.

sync_bulk.py [TRIALS] [--sizes 10000,100000] [--rate 10000] [--only bulk|rate]
"""

import argparse
import json
import os
import re
import subprocess
import time

from common import Figures, need, note
from lab import Node, Switch, Keepalived, Tandem, wait_for
from lab.ipvs import cpu_us
from lab.traffic import program

CHANNEL_RATE = 20000
PATIENCE_S = 400
KEY = "hex:" + "00" * 32
MEASURED_S = 5


def service(protocol, port):
    return (f"virtual_server 10.0.0.100 {port} {{\n    lvs_sched rr\n    lvs_method DR\n    protocol {protocol}\n"
            f"    real_server 10.0.0.11 {port} {{\n        weight 1\n    }}\n}}\n")


def config(sync="", lines=""):
    return (f"global_defs {{\n    router_id d2\n{lines}}}\n"
            "vrrp_instance VI_1 {\n    state MASTER\n    interface eth0\n    virtual_router_id 51\n"
            "    priority 150\n    version 3\n    advert_int 0.1\n"
            "    virtual_ipaddress {\n        10.0.0.100/24\n    }\n}\n" + service("UDP", 9) + sync)


def tandem(sync):
    return config(f"sync {{\n    interface eth0\n    group 224.0.0.82\n    key {KEY}\n    peers {sync}\n}}\n"
                  "virtual_server 10.0.0.1 80 {\n    lvs_sched rr\n    lvs_method DR\n    protocol TCP\n"
                  "    real_server 10.0.1.1 80 {\n        weight 1\n    }\n}\n")


class Bench:
    def __init__(self):
        self.lan = Switch("lan")
        self.d1, self.d2, self.client, self.real = (Node(n) for n in ("d1", "d2", "client", "real"))
        for node, host in ((self.d1, 1), (self.d2, 2), (self.client, 50), (self.real, 11)):
            node.plug("eth0", self.lan, f"10.0.0.{host}/24")
        self.d2.ip("route add 10.0.1.0/24 dev eth0")

    def empty(self):
        for kind in ("master", "backup"):
            self.d2.run("ipvsadm", "--stop-daemon", kind, check=False)
        self.d2.sysctl(ipv4__vs__expire_nodest_conn=1, ipv4__vs__sync_threshold="3 50",
                       ipv4__vs__sync_refresh_period=0)
        self.d2.run("ipvsadm", "-C", check=False)


def counters(daemon):
    code, text = daemon.ctl("sync", "--json")
    return json.loads(text) if code == 0 else {"sync": None, "counters": {}}


def is_synced(daemon, size):
    """Its own table has all of them, and so has its kernel."""
    return f"the kernel has all {size} connections" in daemon.log_text()


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def span_s(log):
    """From the first word of the peer until all that it knew is in the kernel."""
    stamps = [line.split()[0] for line in log.splitlines()
              if re.search(r"tandem-sync.*(: following|synced: the kernel)", line)]
    return seconds(stamps[-1]) - seconds(stamps[0])


def seconds(stamp):
    hours, minutes, rest = stamp.split("T")[1].rstrip("Z").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


class Sender:
    """The director that knows them all; tells after each of its two acts what that took."""

    def __init__(self, bench, size):
        with bench.d1.inside():
            self.process = subprocess.Popen([program("../bench/sync_channel"), str(size), str(CHANNEL_RATE), "send", "eth0"],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def cpu_us(self):
        return float(re.search(r"CPU ([0-9.]+) us", self.process.stdout.readline())[1])

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()


def begin(bench, size):
    bench.empty()
    daemon = bench.d2.daemon = Tandem(bench.d2, tandem(1))
    daemon.log = f"d2.bulk{size}.{time.monotonic_ns()}.log"
    daemon.start()
    if not wait_for(lambda: "generation 1 runs" in daemon.log_text(), 60, 0.1):
        raise RuntimeError("tandem does not come up")
    return daemon


def bulk(bench, size, figures):
    def add(name, unit, value):
        figures.add(f"sync_bulk_{size}_{name}", unit, "tandem", round(value, 3))

    daemon = begin(bench, size)
    pid = daemon.roles()["tandem-sync"]
    before_us, before_kib = cpu_us([pid]), rss_kib(pid)
    sender = Sender(bench, size)
    if not wait_for(lambda: is_synced(daemon, size), PATIENCE_S, 0.02):
        raise RuntimeError(f"{size} connections: not synced: {daemon.ctl('sync')[1]}")
    spent_us, took_s = cpu_us([pid]) - before_us, span_s(daemon.log_text())
    table = counters(daemon)["counters"]
    add("synced", "s", took_s)
    add("rate", "connections/s", size / took_s)
    add("receiver_cpu", "us/connection", spent_us / size)
    add("sender_cpu", "us/connection", sender.cpu_us())
    add("table", "bytes/connection", table["table_bytes"] / size)
    add("rss", "bytes/connection", (rss_kib(pid) - before_kib) * 1024 / size)
    before_us, begun = cpu_us([pid]), time.monotonic()
    sender.go_on()
    add("relay_sender_cpu", "us/change", sender.cpu_us())
    if not wait_for(lambda: counters(daemon)["counters"]["inject_lag"] == 0, PATIENCE_S, 0.2):
        raise RuntimeError(f"{size} changes: the kernel is not told: {daemon.ctl('sync')[1]}")
    add("relay", "changes/s", size / (time.monotonic() - begun))
    add("relay_receiver_cpu", "us/change", (cpu_us([pid]) - before_us) / size)
    note(f"{size} connections: {took_s:.2f} s; the kernel was given {table['injected']}, "
         f"dropped {table['inject_drops']} datagrams, {table['inject_repeats']} bursts again")
    sender.process.wait()
    daemon.stop()
    bench.empty()


# ---- as they come

# UDP from another port each time is a new connection; the real server's machine drops them.
FLOOD = """
import socket, sys, time
rate, end = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
start = time.monotonic()
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
head = bytes.fromhex("4500001c00000000401100000a0000320a000064")
sent = 0
while (now := time.monotonic()) < end:
    due = int((now - start) * rate)
    while sent < due:
        host, port = divmod(sent, 60000)
        raw.sendto(head[:12] + bytes((10, 0, 0, 51 + host % 40)) + head[16:] +
                   (1024 + port).to_bytes(2, "big") + b"\\x00\\x09\\x00\\x08\\x00\\x00", ("10.0.0.100", 0))
        sent += 1
    time.sleep(0.002)
print(sent)
"""


def busy_s():
    """Of the whole machine."""
    with open("/proc/stat") as f:
        words = [int(w) for w in f.readline().split()[1:]]
    return (sum(words[:8]) - words[3] - words[4]) / os.sysconf("SC_CLK_TCK")


def flood(bench, rate, seconds_):
    with bench.client.inside():
        done = subprocess.run(["python3", "-c", FLOOD, str(rate), str(seconds_)], capture_output=True, text=True,
                              check=True)
    return int(done.stdout)


def start(bench, daemon):
    bench.d2.daemon = daemon
    daemon.start()
    bench.client.ip("neigh flush all")
    if not wait_for(lambda: "UDP" in bench.d2.run("ipvsadm", "-Ln") and
                    "10.0.0.100" in bench.d2.run("ip", "addr"), 20, 0.2):
        raise RuntimeError("no service")
    time.sleep(3)


def rate_trial(bench, kind, daemon, rate):
    """(CPU of the whole machine for each connection in us, connections a second, how many were told)."""
    bench.empty()
    bench.d2.sysctl(ipv4__vs__sync_threshold="0 0", ipv4__vs__sync_refresh_period=10)  # as tandem has it
    start(bench, daemon)
    flood(bench, rate, 1)
    told = counters(daemon)["counters"]["captured"] if kind == "tandem" else 0
    before, begin = busy_s(), time.monotonic()
    sent = flood(bench, rate, MEASURED_S)
    span, spent = time.monotonic() - begin, busy_s() - before
    if kind == "tandem":
        time.sleep(2.5)  # the kernel holds the last of them for 2 s
        told = counters(daemon)["counters"]["captured"] - told
    daemon.stop()
    return spent * 1e6 / sent, sent / span, told


def as_they_come(bench, rate, figures):
    bench.d2.sysctl(ipv4__ip_forward=1)
    none, got, _ = rate_trial(bench, "keepalived", Keepalived(bench.d2, config()), rate)
    note(f"without sync: {none:.1f} us a connection, at {got:.0f} new connections/s")
    for kind, daemon in (("tandem", Tandem(bench.d2, tandem(1))),
                         ("keepalived", Keepalived(bench.d2, config(lines="    lvs_sync_daemon eth0 VI_1\n")))):
        spent, got, told = rate_trial(bench, kind, daemon, rate)
        more = max(0.0, spent - none)
        note(f"{kind}: {spent:.1f} us a connection, at {got:.0f} new connections/s, {told} told")
        figures.add("sync_bulk_new", "us/connection", kind, round(more, 2))
        figures.add(f"sync_bulk_share_at_{rate}", "percent", kind, round(more * rate / 1e4, 2))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", nargs="?", default=1, type=int)
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--rate", default=10000, type=int)
    parser.add_argument("--only", choices=("bulk", "rate"))
    a = parser.parse_args()
    need(modules=["ip_vs", "veth", "bridge"], programs=["keepalived", "ipvsadm"])
    bench, figures = Bench(), Figures()
    for _ in range(a.trials):
        for size in map(int, a.sizes.split(",") if a.only != "rate" else ()):
            bulk(bench, size, figures)
        if a.only != "bulk":
            as_they_come(bench, a.rate, figures)
    figures.tell()


main()
