#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=560 memory=1536
"""A kernel table of many services, 1,000 with 10 real servers each or what is asked for: wall clock
until the kernel has it, and CPU of all the daemon's processes, of

    program   the start, from an empty kernel table
    reload    one changed weight
    again     and once more: now the daemon has the memory for two configurations already
    replace   every service of the file is another one
    stop      until the last process is gone, and with it the table

the advertisements that a virtual router of 0.1 s misses during the reloads, the netlink messages to
IPVS (counted in a trial of their own), and how the programming compares with a bare writer of
netlink messages for the same entries (bench/ipvs_write.c), which is as fast as it can be."""

import argparse
import os
import re
import signal
import subprocess
import time

from capture import Capture
from common import KINDS, Figures, need, note
from crowd import instance
from lab import KINDS as DAEMONS, IpvsCommands, Node, Switch, many_services, many_services_address, now_us, wait_for
from lab.ipvs import Kernel, cpu_us

BUILD = os.environ.get("TANDEM_BUILD", ".")
PATIENCE_S, SETTLES_S, INTERVAL_MS, PORT, OTHER_PORT = 240, 2, 100, 80, 81


class Trial:
    """A daemon in a namespace of its own: the kernel keeps deleted real servers for two minutes."""

    def __init__(self, bench, kind, name):
        self.bench, self.kind = bench, kind
        self.node = Node(name)
        self.node.plug("eth0", bench.lan, "10.8.1.1/16")
        self.node.daemon = DAEMONS[kind](self.node, self.config(), detail=False)
        self.kernel = Kernel(self.node)

    def config(self, weight=1, port=PORT):
        services = many_services(self.bench.services, self.bench.reals, special_weight=weight)
        if port != PORT:
            services = re.sub(f"(virtual_server \\S+) {PORT} ", f"\\1 {port} ", services)
        return ("global_defs {\n    router_id bench\n}\n"
                + instance("V1", "eth0", 51, 100, INTERVAL_MS / 1000, ["10.8.1.100/24"]) + services)

    def weights(self, i, port=PORT):
        return self.kernel.weights(many_services_address(i)[0], port, self.bench.reals)

    def has_all(self, port=PORT):
        """Looked at one by one only when the count is right."""
        return self.kernel.services() == self.bench.services and all(
            self.weights(i, port) for i in reversed(range(self.bench.services)))

    def prepare(self, **change):
        """The file is there before the clock starts."""
        self.node.daemon.configure(self.config(**change))
        return lambda: self.node.daemon.proc.send_signal(signal.SIGHUP)

    def until(self, what, done):
        """Wall clock in ms, and CPU with what there is still to do afterwards."""
        before_us, start_us = cpu_us(self.node.pids()) if self.node.pids() else 0, now_us()
        yield
        if not wait_for(done, PATIENCE_S, 0.005):
            note(self.node.daemon.log_text()[-2000:])
            raise SystemExit(f"{self.kind}: {what} was not done after {PATIENCE_S} s")
        wall_ms = (now_us() - start_us) / 1000
        time.sleep(SETTLES_S)
        yield wall_ms, (cpu_us(self.node.pids()) - before_us) / 1000

    def measure(self, what, act, done):
        steps = self.until(what, done)
        next(steps)
        act()
        wall_ms, cpu_ms = next(steps)
        self.bench.add(what, "wall", "ms", self.kind, wall_ms)
        self.bench.add(what, "cpu", "ms", self.kind, cpu_ms)

    def missed(self, what, act, done):
        capture = Capture(self.bench.lan)
        self.measure(what, act, done)
        at_ns = [a.at_ns for a in capture.adverts()]
        capture.stop()
        lost = sum(max(0, round((b - a) / 1e6 / INTERVAL_MS) - 1) for a, b in zip(at_ns, at_ns[1:]))
        self.bench.add(what, "missed", "advertisements", self.kind, lost)
        self.bench.add(what, "gap_max", "ms", self.kind, max(b - a for a, b in zip(at_ns, at_ns[1:])) / 1e6)

    def run(self):
        middle = self.bench.services // 2
        self.measure("program", self.node.daemon.start, self.has_all)
        if self.kind == "tandem":
            took = re.findall(r"kernel table: .* in (\d+) ms", self.node.daemon.log_text())
            self.bench.add("program", "over_bare_writer", "ms", "tandem", float(took[-1]))
            self.bench.add("program", "over_bare_writer", "ms", "keepalived", self.bench.bare_writer_ms())
        self.missed("reload", self.prepare(weight=7), lambda: 7 in (self.weights(middle) or ()))
        self.missed("again", self.prepare(weight=8), lambda: 8 in (self.weights(middle) or ()))
        self.missed("replace", self.prepare(port=OTHER_PORT), lambda: self.has_all(OTHER_PORT))
        start_us = now_us()
        self.node.daemon.stop(PATIENCE_S)
        wait_for(lambda: self.kernel.services() == 0, PATIENCE_S)
        self.bench.add("stop", "wall", "ms", self.kind, (now_us() - start_us) / 1000)
        self.node.remove()

    def count(self):
        """A monitor of netlink costs what it sees: nothing is timed beside it."""
        commands = IpvsCommands(self.node)
        middle = self.bench.services // 2
        for what, act, done in (
                ("program", self.node.daemon.start, self.has_all),
                ("reload", lambda: self.prepare(weight=7)(), lambda: 7 in (self.weights(middle) or ())),
                ("replace", lambda: self.prepare(port=OTHER_PORT)(), lambda: self.has_all(OTHER_PORT)),
                ("stop", lambda: self.node.daemon.stop(PATIENCE_S), lambda: True)):
            commands.take()
            act()
            wait_for(done, PATIENCE_S, 0.05)
            time.sleep(SETTLES_S)
            self.bench.add(what, "messages", "messages", self.kind, sum(commands.take().values()))
        self.node.remove()


class Bench:
    def __init__(self, services, reals):
        self.services, self.reals, self.figures = services, reals, Figures()
        self.lan = Switch("lan")

    def add(self, phase, what, unit, kind, value):
        note(f"{kind}: {phase} {what} {value:.0f} {unit}")
        self.figures.add(f"table_{phase}_{what}", unit, kind, round(value, 1))

    def bare_writer_ms(self):
        node = Node("bare")
        node.ip("link set lo up")
        with node.inside():
            done = subprocess.run([f"{BUILD}/bench/ipvs_write", str(self.services), str(self.reals)],
                                  capture_output=True, text=True, check=True)
        node.remove()
        return int(done.stdout) / 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", nargs="?", default=3, type=int)
    parser.add_argument("--services", default=1000, type=int)
    parser.add_argument("--reals", default=10, type=int)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--count", action="store_true", help="netlink messages, too")
    a = parser.parse_args()
    # The scheduler, too: to load it in the first trial would be part of its programming.
    need(modules=["ip_vs", "ip_vs_rr", "veth", "bridge"], programs=["keepalived"])
    bench = Bench(a.services, a.reals)
    for n in range(a.trials):
        for kind in a.kinds.split(","):
            Trial(bench, kind, f"{kind[0]}{n}").run()
    for kind in a.kinds.split(",") if a.count else ():
        Trial(bench, kind, f"{kind[0]}c").count()
    bench.figures.tell()


main()
