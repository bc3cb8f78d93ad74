#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=300
"""tandem-ipvs, tandemd or both are killed at a random moment of a reload, under traffic, and some a
second time while they put things right: a second after they are back the kernel has what is
configured, and no session of a server that the reloads do not touch is lost.

ipvs_kills.py [--kills 5] [--seed 1]     100 kills take 15 minutes: lab/run -t 1500 … --kills 100"""

import argparse
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, Pair, Sessions, expect, note, run, wait_for  # noqa: E402

VICTIMS = ("tandem-ipvs", "tandemd", "both")
AGREE_S = 1.0  # or, on a machine that is that slow, twice what an undisturbed reload takes
FORGIVEN_S = 5.5  # a role that lived shorter is started again with a delay
BULK, REALS = 200, 4


class Director(Pair):
    """d1 alone; r1 and r2 have the sessions, everything else changes with each configuration."""

    def services(self):
        return []

    def text_and_table(self, rng):
        r1, r2, r3, r4 = self.real_addresses
        echo = {r1: 1, r2: 1, r3: rng.randint(0, 3)}
        if rng.random() < 0.5:
            echo[r4] = 1
        services = {(self.vip, ECHO_PORT): echo}
        first = rng.choice((0, BULK // 2))
        for i in range(first, first + BULK):
            services[f"10.9.{i // 250}.{i % 250 + 1}", 80] = {
                f"10.{100 + j}.{i // 250}.{i % 250 + 1}": rng.randint(1, 2) for j in range(REALS)}
        text = self.config(self.d1) + "".join(map(self._text, services, services.values()))
        return text, {("TCP", f"{address}:{port}"): {f"{a}:{port}": w for a, w in reals.items()}
                      for (address, port), reals in services.items()}

    @staticmethod
    def _text(key, reals):
        return (f"virtual_server {key[0]} {key[1]} {{\n    lvs_sched rr\n    lvs_method DR\n    protocol TCP\n"
                + "".join(f"    real_server {a} {key[1]} {{\n        weight {w}\n    }}\n" for a, w in reals.items())
                + "}\n")


class Reload(threading.Thread):
    def __init__(self, daemon, text):
        super().__init__(daemon=True)
        self.director, self.text, self.code = daemon, text, None
        self.start()

    def run(self):
        self.code, _ = self.director.reload(self.text)


class TableWatch(threading.Thread):
    """Notes when the kernel's table was which of two; cheaper, so nearer to the truth, than asking."""

    def __init__(self, pair, tables):
        super().__init__(daemon=True)
        self.pair, self.tables = pair, tables
        self.seen, self.wanted = [], None
        self.start()

    def run(self):
        while self.wanted is None or not self.seen[-1][1 + self.wanted]:
            table = self.pair.table(self.pair.d1)
            self.seen.append((time.monotonic(), *(table == t for t in self.tables)))
            time.sleep(0.02)

    def agreed_since_s(self, wanted, timeout_s=10):
        """Since when the table has been the wanted one; None: it is not."""
        self.wanted = wanted
        self.join(timeout_s)
        since_s = None
        for at_s, *same in self.seen:
            since_s = (since_s or at_s) if same[wanted] else None
        return since_s


def generation(daemon):
    return daemon.status()["node"]["generation"]


def kill_and_restart(daemon, victim):
    """Until both serve again; then says when that was."""
    role = daemon.roles()["tandem-ipvs"]
    if victim != "tandem-ipvs":
        os.kill(daemon.proc.pid, signal.SIGKILL)
    if victim != "tandemd":
        os.kill(role, signal.SIGKILL)
    if victim != "tandem-ipvs":
        daemon.proc.wait()
        daemon.start()
        wait_for(daemon.status, 10)
    if victim != "tandemd" and not daemon.wait_role("tandem-ipvs", role, 10):
        raise RuntimeError("tandem-ipvs did not come back")
    return time.monotonic()


def one_kill(pair, rng, span_s, former):
    """(victim, seconds from the restart until kernel and model agree or None, what is configured)"""
    daemon = pair.d1.daemon
    text, table = pair.text_and_table(rng)
    before, victim = generation(daemon), rng.choice(VICTIMS)
    reload, watch = Reload(daemon, text), TableWatch(pair, (former, table))
    time.sleep(rng.uniform(0, span_s))
    back_s = kill_and_restart(daemon, victim)
    if rng.random() < 0.3:
        time.sleep(rng.uniform(0, 0.1))
        back_s = kill_and_restart(daemon, victim)
        victim += " twice"
    reload.join(15)
    # A reload that loses a role before it is decided is refused; a new tandemd reads the new file.
    refused = reload.code and "tandem-ipvs" in victim and generation(daemon) == before
    since_s = watch.agreed_since_s(not refused)
    return victim, since_s and max(0, since_s - back_s), former if refused else table


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng, pair = random.Random(asked.seed), Director()
    daemon = pair.d1.daemon
    text, table = pair.text_and_table(rng)
    daemon.configure(text)
    daemon.start()
    expect(pair.wait_active(pair.d1, 15) and wait_for(lambda: pair.table(pair.d1) == table, 15),
           "the director serves")
    started_s = time.monotonic()
    code, said = daemon.reload(pair.config(pair.d1) + pair._text(
        (pair.vip, ECHO_PORT), dict.fromkeys(pair.real_addresses[:2], 1)))
    reload_s = time.monotonic() - started_s
    limit_s = max(AGREE_S, 2 * reload_s)
    expect(code == 0, f"a reload for measure: {reload_s:.2f} s", said)
    results, table = [], pair.table(pair.d1)
    with_sessions = Sessions(pair.client, pair.vip, ECHO_PORT, 100)
    for _ in range(asked.kills):
        time.sleep(FORGIVEN_S)
        victim, took_s, table = one_kill(pair, rng, 1.2 * reload_s, table)
        results.append((victim, took_s))
        note(f"{victim}: " + ("they do not agree" if took_s is None else f"agreed after {took_s:.2f} s"))
    with_sessions.end()
    seen = with_sessions.result()
    late = [r for r in results if r[1] is None or r[1] > limit_s]
    expect(not late, f"{asked.kills} kills: kernel and model agree within {limit_s:.2g} s of each restart", late)
    expect(seen.alive == seen.asked, "no session is lost", vars(seen))
    note(f"longest wait of a session: {seen.longest_wait_ms:.0f} ms")


run(main)
