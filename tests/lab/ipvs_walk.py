#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=400
"""A random walk of reloads between random configurations: after each the kernel's table is the one
that was configured, and it took exactly the edits that lie between the two. Sometimes tandem-ipvs is
killed on the way. --steps 1000 makes it longer, --seed 7 another one."""

import argparse
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import IpvsCommands, KINDS, Node, expect, need, note, run, wait_for  # noqa: E402
from lab.ipvsadm import table  # noqa: E402
from lab.random_config import edits_between, mutate, table_of, text_of  # noqa: E402

RESTART_AT_ONCE_S = 7  # a role that has not served for so long would not be started again at once


def differences(got, want):
    return "\n".join(f"{key}: {got.get(key)}, not {want.get(key)}"
                     for key in sorted(got.keys() | want.keys()) if got.get(key) != want.get(key))


def kill_ipvs(daemon):
    old = daemon.roles()["tandem-ipvs"]
    os.kill(old, signal.SIGKILL)
    return daemon.wait_role("tandem-ipvs", old)


def step(node, daemon, commands, services, before, killed):
    """Whether this reload did what it should, and what is there now; says what it did instead."""
    want = table_of(services)
    commands.take()
    code, said = daemon.reload(text_of(services))
    if killed:  # the new process may come to the reload at any point of its start
        wait_for(lambda: table(node) == want, 5)
    got, made, least = table(node), commands.take_changes(), edits_between(before, want)
    if code == 0 and got == want and made == least:
        return True, got
    note(f"exit {code}: {said.strip()[-100:]}\n{differences(got, want)}\nedits {made}, not {least}")
    return False, got


def main():
    need(modules=["ip_vs"])
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng, services = random.Random(asked.seed), {}
    node = Node("d1")
    node.run("ipvsadm", "-Ln")  # loads the module, if need be
    daemon = KINDS["tandem"](node, "")
    daemon.start()
    expect(wait_for(daemon.status, 15), "it runs")
    commands = IpvsCommands(node)
    wrong, now, started_s = 0, {}, time.monotonic()
    for i in range(asked.steps):
        services = mutate(rng, services)
        killed = rng.random() < 0.3 and time.monotonic() - started_s > RESTART_AT_ONCE_S
        if killed:
            expect(kill_ipvs(daemon), f"step {i}: killed and started again")
            started_s = time.monotonic()
        good, now = step(node, daemon, commands, services, now, killed)
        if not good:
            note(f"that was step {i} of seed {asked.seed}")
            wrong += 1
    expect(wrong == 0, f"{asked.steps} reloads: the table is right, with the least edits", f"{wrong} are not")
    daemon.stop()
    expect(table(node) == {}, "a stop leaves nothing", table(node))


run(main)
