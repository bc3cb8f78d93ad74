#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=200
"""A random walk of reloads between random configurations: after each the kernel's table is the one
that was configured, and it took exactly the edits that lie between the two. Sometimes tandem-ipvs is
killed on the way. WALK_STEPS and WALK_SEED make it longer, or another one."""

import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import IpvsCommands, KINDS, Node, expect, need, note, run, wait_for  # noqa: E402

STEPS = int(os.environ.get("WALK_STEPS", "60"))
SEED = int(os.environ.get("WALK_SEED", "1"))
METHODS = {"DR": "-g", "NAT": "-m", "TUN": "-i"}


class Service:
    """A random virtual server, as text and as what the kernel should have."""

    def __init__(self, rng, number):
        self.group = rng.random() < 0.25
        self.name = f"g{number}"
        # Not those that hash: theirs are moved as well, which the plan's unit tests count.
        self.scheduler = rng.choice(["rr", "wrr", "wlc", "lc", "sed"])
        self.persistence = rng.choice([0, 0, 60, 120])
        self.addresses = self.pick_addresses(rng, number)
        self.servers = {f"10.1.{number}.{i}": (rng.choice(list(METHODS)), rng.randint(0, 3),
                                               rng.choice([0, 0, 100]))
                        for i in rng.sample(range(1, 7), rng.randint(1, 5))}

    def pick_addresses(self, rng, number):
        if not self.group:
            return [f"10.0.{number}.1"]
        first = rng.randint(1, 5)
        return [f"10.0.{number}.{i}" for i in range(first, first + rng.randint(2, 4))]

    def text(self):
        head, address = "", f"{self.addresses[0]} 80"
        if self.group:
            head = (f"virtual_server_group {self.name} {{\n"
                    f"    {self.addresses[0]}-{self.addresses[-1].rsplit('.', 1)[1]} 80\n}}\n")
            address = f"group {self.name}"
        text = f"{head}virtual_server {address} {{\n    protocol TCP\n    lvs_sched {self.scheduler}\n"
        if self.persistence:
            text += f"    persistence_timeout {self.persistence}\n"
        for server, (method, weight, limit) in self.servers.items():
            text += (f"    real_server {server} 80 {{\n        weight {weight}\n"
                     f"        lvs_method {method}\n        uthreshold {limit}\n    }}\n")
        return text + "    quorum 1\n}\n"

    def table(self):
        words = f"-s {self.scheduler}" + (f" -p {self.persistence}" if self.persistence else "")
        return {address: (words, dict(self.servers)) for address in self.addresses}


def edits_between(old, new):
    """What the least list of edits between two tables has of each kind."""
    count = {}

    def add(kind, n=1):
        if n:
            count[kind] = count.get(kind, 0) + n

    for address, (words, servers) in new.items():
        before = old.get(address)
        if before is None:
            add("NEW_SERVICE")
            add("NEW_DEST", len(servers))
            continue
        add("SET_SERVICE", before[0] != words)
        add("NEW_DEST", len(servers.keys() - before[1].keys()))
        add("DEL_DEST", len(before[1].keys() - servers.keys()))
        add("SET_DEST", sum(before[1][s] != servers[s] for s in servers.keys() & before[1].keys()))
    add("DEL_SERVICE", len(old.keys() - new.keys()))
    return count


def kernel_table(node):
    limits = {}
    service = None
    for row in map(str.split, node.run("ipvsadm", "-Ln", "--thresholds").splitlines()):
        if row[:1] == ["TCP"]:
            service = row[1]
        elif row[:1] == ["->"] and service:
            limits[service, row[1]] = int(row[2])
    found = {}
    for words in map(str.split, node.run("ipvsadm", "-Sn").splitlines()):
        address = words[2].rsplit(":", 1)[0]
        if words[0] == "-A":
            found[address] = (" ".join(words[3:]), {})
            continue
        method = next(m for m, flag in METHODS.items() if flag == words[5])
        found[address][1][words[4].rsplit(":", 1)[0]] = (
            method, int(words[7]), limits[words[2], words[4]])
    return found


def mutate(rng, services):
    """The next configuration: a few services come, go or change."""
    services = dict(services)
    for number in rng.sample(range(10), rng.randint(1, 4)):
        if rng.random() < 0.3:
            services.pop(number, None)
        else:
            services[number] = Service(rng, number)
    return services


def main():
    need(modules=["ip_vs"])
    rng, services, table = random.Random(SEED), {}, {}
    node = Node("d1")
    node.run("ipvsadm", "-A", "-t", "10.9.9.9:80")
    node.run("ipvsadm", "-D", "-t", "10.9.9.9:80")
    daemon = KINDS["tandem"](node, "")
    daemon.start()
    expect(wait_for(daemon.status, 15), "it runs")
    commands = IpvsCommands(node)
    wrong, started_s = 0, time.monotonic()
    for step in range(STEPS):
        services = mutate(rng, services)
        want = {a: t for s in services.values() for a, t in s.table().items()}
        # A role that has not served for 5 s would not be started again at once.
        killed = rng.random() < 0.3 and time.monotonic() - started_s > 7
        if killed:
            old = daemon.roles()["tandem-ipvs"]
            os.kill(old, signal.SIGKILL)
            expect(daemon.wait_role("tandem-ipvs", old), f"step {step}: killed and started again")
            started_s = time.monotonic()
        commands.take()
        code, said = daemon.reload("".join(s.text() for s in services.values()))
        if killed:  # the new process may come to the reload at any point of its start
            wait_for(lambda: kernel_table(node) == want, 5)
        got, made = kernel_table(node), commands.take_changes()
        if code or got != want or made != edits_between(table, want):
            note(f"step {step} of seed {SEED}: exit {code}: {said.strip()}\n{got}\nnot\n{want}\n"
                 f"edits {made}, not {edits_between(table, want)}")
            wrong += 1
        table = want
    expect(wrong == 0, f"{STEPS} reloads: the table is right, with the least edits", f"{wrong} are not")
    daemon.stop()
    expect(kernel_table(node) == {}, "a stop leaves nothing", kernel_table(node))


run(main)
