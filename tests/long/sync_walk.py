#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=3600 memory=1024
"""A walk at random through what befalls a pair: crashes and returns, hand-overs, failed links, processes that
are killed or stand still, a priority that moves, bad weather and no link at all between the directors. Before each
step connections of every sort are opened, and after it all that are left are asked: as long as one director that
has them all is there, every one lives.

sync_walk.py [--steps N] [--seed N] [--mode dr|nat|tun] [--family 4|6] [--sessions N]

A seed gives the same steps, though not at the same moments.
"""

import argparse
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, ApartPair, Sessions, expect, note, run, wait_for  # noqa: E402
from lab import held  # noqa: E402

ROLES = ("tandem-vrrp", "tandem-check", "tandem-ipvs", "tandem-sync")
WEATHERS = ("", "", "loss 5%", "loss 20%", "delay 2ms 2ms loss 10% duplicate 5% reorder 25%")
CLIENTS = 20
KEPT = 300  # connections; the oldest are closed then
SETTLE_S = 60


class WalkPair(ApartPair):
    def __init__(self, **options):
        super().__init__(**options)
        self.priorities = {self.d1: 150, self.d2: 100}
        bits = 24 if self.family == 4 else 64
        self.held.sources = [self.address(0, 150 + i) for i in range(CLIENTS)]
        self.client.ip(*[f"addr add {a}/{bits} dev eth0" for a in self.held.sources])

    def services(self):
        return super().services() + [("TCP", held.KEPT_PORT)]

    def _service(self, protocol, port):
        text = super()._service(protocol, port)
        if port == held.KEPT_PORT:
            text = text.replace("    protocol", "    persistence_timeout 300\n    protocol")
        return text

    def _instance(self, node):
        own = 150 if node is self.d1 else 100
        priority = getattr(self, "priorities", {}).get(node, own)
        return super()._instance(node).replace(f"priority {own}", f"priority {priority}")

    def other(self, node):
        return self.d2 if node is self.d1 else self.d1


class Walk:
    """Where the pair is, and where it may go from there."""

    def __init__(self, pair, chance):
        self.pair, self.chance = pair, chance
        self.dead, self.cut, self.stopped = None, None, None

    def active(self):
        return next(node for node in self.pair.directors if node.name in self.pair.holders())

    def alone(self):
        return self.dead or self.cut or self.stopped

    def steps(self):
        """Nothing that takes the second director away while the first one is."""
        if self.dead:
            return [self.comes_back]
        if self.cut:
            return [self.link_up]
        if self.stopped:
            return [self.starts]
        return [self.crash, self.crash, self.stop, self.stop, self.link_down, self.kill_role, self.kill_role,
                self.kill_all, self.stands_still, self.prefer, self.weather, self.apart, self.upgrade, self.reboot]

    # ---- what happens; each returns what it was, in words

    def crash(self):
        self.dead = self.active()
        self.dead.crash()
        return f"{self.dead.name}, which is Active, crashes"

    def comes_back(self):
        node, self.dead = self.dead, None
        self.pair.power_cycle(node)
        return f"{node.name} comes back"

    def reboot(self):
        """Of the Backup."""
        node = self.pair.other(self.active())
        node.crash()
        time.sleep(self.chance.uniform(0.1, 3))
        self.pair.power_cycle(node)
        return f"{node.name}, which is Backup, is rebooted"

    def stop(self):
        self.stopped = self.active()
        self.stopped.daemon.stop()
        return f"{self.stopped.name}, which is Active, is stopped"

    def starts(self):
        node, self.stopped = self.stopped, None
        node.daemon.start()
        return f"{node.name} is started"

    def link_down(self):
        self.cut = self.active()
        for link in self.cut.links.values():
            link.down()
        return f"all links of {self.cut.name}, which is Active, go down"

    def link_up(self):
        node, self.cut = self.cut, None
        for link in node.links.values():
            link.up()
        return f"the links of {node.name} go up"

    def kill_role(self):
        node, role = self.chance.choice(self.pair.directors), self.chance.choice(ROLES)
        pid = node.daemon.roles().get(role)
        if pid:
            os.kill(pid, signal.SIGKILL)
        return f"{role} of {node.name} is killed"

    def kill_all(self):
        node = self.chance.choice(self.pair.directors)
        node.daemon.kill()
        time.sleep(self.chance.uniform(0, 2))
        node.daemon.start()
        return f"all of tandem on {node.name} is killed, and started again"

    def stands_still(self):
        node, role = self.chance.choice(self.pair.directors), self.chance.choice(ROLES)
        seconds = self.chance.uniform(0.05, 2)
        if role not in node.daemon.roles():
            return f"{role} of {node.name} is not there"
        with node.daemon.paused(role):
            time.sleep(seconds)
        return f"{role} of {node.name} stands still for {seconds:.2f} s"

    def prefer(self):
        node = self.pair.other(self.active())
        for n in self.pair.directors:
            self.pair.priorities[n] = 150 if n is node else 100
        for n in self.chance.sample(self.pair.directors, 2):
            n.daemon.reload(self.pair.config(n))
        return f"{node.name} is preferred by a reload of both"

    def weather(self):
        how = self.chance.choice(WEATHERS)
        for node in self.pair.directors:
            node.links["sync0"].netem(how)
        return f"weather between the directors: {how or 'good'}"

    def apart(self):
        node, seconds = self.chance.choice(self.pair.directors), self.chance.uniform(0.1, 5)
        node.links["sync0"].down()
        time.sleep(seconds)
        node.links["sync0"].up()
        return f"no link between the directors for {seconds:.1f} s"

    def upgrade(self):
        node = self.chance.choice(self.pair.directors)
        code, said = node.daemon.ctl("upgrade")
        return f"{node.name} is upgraded" + (f": {said}" if code else "")

    # ---- and then

    def settled(self):
        """One is Active, the one that is to be; and both are synced if both are there."""
        alone = self.alone()
        if alone:
            return self.pair.holders() in ([self.pair.other(alone).name], [d.name for d in self.pair.directors])
        best = max(self.pair.directors, key=self.pair.priorities.get)
        return self.pair.holders() == [best.name] and self.pair.wait_synced(0)


def walk(pair, chance, a):
    w, sessions = Walk(pair, chance), []
    for number in range(1, a.steps + 1):
        sessions += pair.held.open(a.sessions, ("idle", "silent", "half-closed", "persistent", "fresh"))
        time.sleep(0.06)
        told = chance.choice(w.steps())()
        if not expect(wait_for(w.settled, SETTLE_S, 0.1), f"step {number}: {told}: settled", pair.holders()):
            return False
        found = pair.held.ask(sessions, 15)
        lost = [f"{sort} {alive} of {asked}" for sort, (alive, asked) in found.items() if alive < asked]
        if not expect(not lost, f"step {number}: all {len(sessions)} live", lost):
            return False
        for s in sessions[:max(0, len(sessions) - KEPT)]:
            s.sock.close()
        del sessions[:max(0, len(sessions) - KEPT)]
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", default=60, type=int)
    parser.add_argument("--seed", default=random.randrange(1000000), type=int)
    parser.add_argument("--mode", default="dr", choices=("dr", "nat", "tun"))
    parser.add_argument("--family", default=4, type=int, choices=(4, 6))
    parser.add_argument("--sessions", default=4, type=int, help="of each sort, before each step")
    a = parser.parse_args()
    note(f"sync_walk --steps {a.steps} --seed {a.seed} --mode {a.mode} --family {a.family}")
    pair = WalkPair(mode=a.mode, family=a.family)
    pair.start()
    expect(pair.wait_synced(), "both are synced")
    busy = Sessions(pair.client, pair.vip, ECHO_PORT, 30, 15000, 200)
    ended = walk(pair, random.Random(a.seed), a)
    busy.end()
    seen = busy.result()
    if ended:
        expect(seen.alive == seen.asked, "every session that talks all the time lives", f"{seen.alive} of {seen.asked}")
    else:
        pair.explain(60)


run(main)
