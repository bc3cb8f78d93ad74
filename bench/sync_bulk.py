#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=900 memory=2048
"""What copying connections costs. First in bulk: a director starts beside one that knows so many
connections (bench/sync_channel plays it) until it is synced, its kernel included, and then hears a
change of each; the kernel's own sync has no such thing. Then as they come: new connections through one
of two directors, and what telling each costs it, what hearing of it costs the other, and what both cost
the machine, beside kernel sync; what the same traffic takes without any sync is taken off.
A guest's kernel looks a hundred times a second who runs, and sees what its host spends on others, too: only
figures from a quiet host say much.

IPVS has a table of 2^20 slots here, as tandemctl doctor recommends it for a million: with the 2^12 it
comes with, each of a million connections walks a list of 244, and what grows is not ours.

A guest is harsh on what runs beside the kernel: a system call takes 20 us there, not 0.2, and a million
connections are 27,000 pages, each of which it takes 50 us to get. What bench/sync_channel
1000000 100000 needs on the machine itself is the other end of the scale.

sync_bulk.py [TRIALS] [--sizes 10000,100000,1000000] [--rate 10000] [--only bulk|rate]
"""

import argparse
import contextlib
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
PATIENCE_S = 600
KEY = "hex:" + "00" * 32
MEASURED_S = 5


def service(protocol, port):
    return (f"virtual_server 10.0.0.100 {port} {{\n    lvs_sched rr\n    lvs_method DR\n    protocol {protocol}\n"
            f"    real_server 10.0.0.11 {port} {{\n        weight 1\n    }}\n}}\n")


def config(sync="", lines="", priority=150):
    return (f"global_defs {{\n    router_id d{priority}\n{lines}}}\n"
            "vrrp_instance VI_1 {\n    state BACKUP\n    interface eth0\n    virtual_router_id 51\n"
            f"    priority {priority}\n    version 3\n    advert_int 0.1\n"
            "    virtual_ipaddress {\n        10.0.0.100/24\n    }\n}\n" + service("UDP", 9) + sync)


def tandem(peers, priority=150):
    return config(priority=priority, sync=f"sync {{\n    interface eth0\n    group 224.0.0.82\n    key {KEY}\n    peers {peers}\n}}\n"
                  "virtual_server 10.0.0.1 80 {\n    lvs_sched rr\n    lvs_method DR\n    protocol TCP\n"
                  "    real_server 10.0.1.1 80 {\n        weight 1\n    }\n}\n")


def make_table_wide():
    """Where the kernel is ours to load modules into anew."""
    if os.environ.get("LAB_BACKEND") not in ("uml", "qemu"):
        return
    with open("/proc/modules") as f:
        loaded = [line.split()[0] for line in f]
    subprocess.run(["modprobe", "-r", *[m for m in loaded if m.startswith("ip_vs_")], "ip_vs"], check=True)
    subprocess.run(["modprobe", "ip_vs", "conn_tab_bits=20"], check=True)


class Bench:
    def __init__(self):
        self.lan = Switch("lan")
        self.d1, self.d2, self.client, self.real = (Node(n) for n in ("d1", "d2", "client", "real"))
        for node, host in ((self.d1, 1), (self.d2, 2), (self.client, 50), (self.real, 11)):
            node.plug("eth0", self.lan, f"10.0.0.{host}/24")
        self.d2.ip("route add 10.0.1.0/24 dev eth0")

    def close(self):
        for node in (self.d1, self.d2, self.client, self.real, self.lan):
            node.remove()


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
    daemon = bench.d2.daemon = Tandem(bench.d2, tandem(1))
    daemon.log = f"d2.bulk{size}.{time.monotonic_ns()}.log"
    daemon.start()
    if not wait_for(lambda: "generation 1 runs" in daemon.log_text(), 60, 0.1):
        raise RuntimeError("tandem does not come up")
    return daemon


def bulk(size, figures):
    bench = Bench()
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
    bench.close()


# ---- as they come

VIP, CLIENTS = "10.0.0.100", "10.0.0.51"


def busy_us():
    """Of the whole machine."""
    with open("/proc/stat") as f:
        words = [int(w) for w in f.readline().split()[1:]]
    return (sum(words[:8]) - words[3] - words[4]) * 1e6 / os.sysconf("SC_CLK_TCK")


def kernel_threads(kind):
    """Those of IPVS sync: of both directors, but only one has something to say."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if comm(pid).startswith(f"ipvs-{kind}:")]


def comm(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as f:
        return f.read()
    return ""


class Flood:
    """New connections through the director; each of them once in the life of this benchmark."""

    next = 0

    def __init__(self, bench, rate, seconds_):
        with bench.client.inside():
            done = subprocess.run([program("../bench/new_connections"), str(rate), str(seconds_), str(Flood.next), VIP,
                                   CLIENTS], capture_output=True, text=True, check=True)
        self.sent = int(done.stdout)
        Flood.next += self.sent


class Pair:
    """Two directors, the second one Active; what each of them spends on sync."""

    def __init__(self, bench, kind, configs):
        self.bench, self.kind = bench, kind
        make = Tandem if kind == "tandem" else Keepalived
        self.daemons = [make(node, text) for node, text in zip((bench.d1, bench.d2), configs)]
        for node, daemon in zip((bench.d1, bench.d2), self.daemons):
            node.daemon = daemon
            node.sysctl(ipv4__ip_forward=1, ipv4__vs__sync_threshold="0 0",
                        ipv4__vs__sync_refresh_period=10)  # as tandem has it
            daemon.start()
        bench.client.ip("neigh flush all")
        self.wait_for("the service", lambda: "UDP" in bench.d2.run("ipvsadm", "-Ln") and
                      VIP in bench.d2.run("ip", "addr"))
        if kind == "tandem":
            self.wait_for("sync", lambda: all(counters(d)["sync"] and counters(d)["sync"]["synced"]
                                              for d in self.daemons))
        time.sleep(3)

    def wait_for(self, what, test):
        if not wait_for(test, 30, 0.2):
            raise RuntimeError(f"{self.kind}: no {what}: {self.daemons[1].log_text()}")

    def spent_us(self):
        """By (the director that tells, the one that hears, the whole machine)."""
        own = [[d.roles()["tandem-sync"]] if self.kind == "tandem" else [] for d in self.daemons]
        return (cpu_us(own[1] + kernel_threads("m")), cpu_us(own[0] + kernel_threads("b")), busy_us())

    def heard(self):
        """How many connections the other director's kernel has."""
        with self.bench.d1.inside(), open("/proc/self/net/ip_vs") as f:
            lines = [line.split() for line in f]
        return sum(int(words[4]) + int(words[5]) for words in lines if words[0] == "->" and words[4].isdigit())

    def stop(self):
        for daemon in self.daemons:
            daemon.stop()


def rate_trial(kind, configs, rate):
    """What each of them spends on a connection, in us; how many a second there were; how many of a hundred
    the other director's kernel has."""
    bench = Bench()
    pair = Pair(bench, kind, configs)
    Flood(bench, rate, 1)
    time.sleep(3)  # the kernel holds the last of them for 2 s
    heard, before = pair.heard(), pair.spent_us()
    sent = Flood(bench, rate, MEASURED_S).sent
    after = pair.spent_us()
    time.sleep(3)
    heard = pair.heard() - heard
    pair.stop()
    bench.close()  # with all that its kernels know
    return [(b - a) / sent for a, b in zip(before, after)], sent / MEASURED_S, 100 * heard / sent


def as_they_come(rate, figures):
    (*_, base), got, _ = rate_trial("keepalived", [config(priority=p) for p in (100, 150)], rate)
    note(f"without sync: {base:.1f} us a connection, at {got:.0f} new connections/s")
    for kind, configs in (("tandem", [tandem(1, p) for p in (100, 150)]),
                          ("keepalived", [config(lines="    lvs_sync_daemon eth0 VI_1\n", priority=p)
                                          for p in (100, 150)])):
        (tells, hears, whole), got, heard = rate_trial(kind, configs, rate)
        note(f"{kind}: {whole:.1f} us a connection, at {got:.0f} new connections/s")
        for name, unit, value in (("tells", "us/connection", tells), ("hears", "us/connection", hears),
                                  ("costs", "us/connection", max(0.0, whole - base)),
                                  (f"share_at_{rate}", "percent", tells * rate / 1e4),
                                  ("reached", "connections/s", got), ("heard", "percent", heard)):
            figures.add(f"sync_new_{name}", unit, kind, round(value, 2))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", nargs="?", default=1, type=int)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--rate", default=10000, type=int)
    parser.add_argument("--only", choices=("bulk", "rate"))
    a = parser.parse_args()
    need(modules=["ip_vs", "veth", "bridge"], programs=["keepalived", "ipvsadm"])
    make_table_wide()
    figures = Figures()
    for _ in range(a.trials):
        for size in map(int, a.sizes.split(",") if a.only != "rate" else ()):
            bulk(size, figures)
        if a.only != "bulk":
            as_they_come(a.rate, figures)
    figures.tell()


main()
