#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=3600 memory=1024
"""A walk at random through what befalls directors: crashes and returns, hand-overs, failed links, processes that
are killed or stand still, priorities that move, bad weather and no link at all between them. Before each step
connections of every sort are opened, and after it all that are left are asked: as long as one director that
has them all is there, every one lives.

sync_walk.py [--steps N] [--seed N] [--ring] [--mode dr|nat|tun] [--family 4|6] [--sessions N]

--ring: not a pair, but three directors, each Active for an address of its own, which talk by multicast.
A seed gives the same steps, though not at the same moments.
"""

import argparse
import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, ApartPair, Ring, Sessions, expect, note, run, wait_for  # noqa: E402
from lab import held  # noqa: E402

ROLES = ("tandem-vrrp", "tandem-check", "tandem-ipvs", "tandem-sync")
WEATHERS = ("", "", "loss 5%", "loss 20%", "delay 2ms 2ms loss 10% duplicate 5% reorder 25%")
CLIENTS = 20
KEPT = 300  # connections; the oldest are closed then
SETTLE_S = 60
ADVERT_S = 0.3  # so that a busy machine does not make a director believe that another one is dead


class WalkPair(ApartPair):
    shift = 0  # of the priorities

    def __init__(self, **options):
        super().__init__(**options)
        self.vips = [self.vip]
        bits = 24 if self.family == 4 else 64
        self.held.sources = [self.address(0, 150 + i) for i in range(CLIENTS)]
        self.client.ip(*[f"addr add {a}/{bits} dev eth0" for a in self.held.sources])
        self.helds = [(self.held, (*held.SORTS[:3], "persistent", "fresh"))]

    def services(self):
        return super().services() + [("TCP", held.KEPT_PORT)]

    def _service(self, protocol, port):
        text = super()._service(protocol, port)
        if port == held.KEPT_PORT:
            text = text.replace("    protocol", "    persistence_timeout 300\n    protocol")
        return text

    def priority(self, node, i):
        return 100 + 50 * ((node.name == "d1") ^ self.shift)

    def _instance(self, node):
        own = 150 if node is self.d1 else 100
        return super()._instance(node).replace(f"priority {own}", f"priority {self.priority(node, 0)}")

    def turn(self):
        self.shift ^= 1


class WalkRing(Ring):
    shift = 0

    def __init__(self, **options):
        super().__init__(ports=(ECHO_PORT, held.SERVER_PORT), apart=True, **options)
        held.serve(self.reals)
        self.helds = [(held.Held(self.client, vip), (*held.SORTS[:3], "fresh")) for vip in self.vips]

    def priority(self, node, i):
        return super().priority(node, (i + self.shift) % len(self.vips))

    def turn(self):
        self.shift += 1


class Walk:
    """Where the directors are, and where they may go from there."""

    def __init__(self, lab, chance):
        self.lab, self.chance = lab, chance
        self.away = {}  # director: how it comes back

    def present(self):
        return [node for node in self.lab.directors if node not in self.away]

    def any(self):
        return self.chance.choice(self.present())

    def an_active(self):
        return self.chance.choice([n for n in self.present() if any(n.name in self.lab.holders(v) for v in self.lab.vips)])

    def steps(self):
        """Nothing takes the last director away."""
        steps = [self.returns] * (2 * len(self.away))
        if len(self.present()) > 1:
            steps += [self.crash, self.crash, self.stop, self.stop, self.link_down, self.kill_role, self.kill_role,
                      self.kill_all, self.stands_still, self.prefer, self.weather, self.apart, self.upgrade]
        return steps

    def step(self):
        """Takes one, and says which."""
        return self.chance.choice(self.steps())()

    # ---- what happens

    def leaves(self, node, back):
        self.away[node] = back
        return node

    def returns(self):
        node = self.chance.choice(sorted(self.away, key=lambda n: n.name))
        self.away.pop(node)(node)
        return f"{node.name} is back"

    def crash(self):
        node = self.leaves(self.chance.choice((self.any(), self.an_active())), self.lab.power_cycle)
        node.crash()
        return f"{node.name} crashes"

    def stop(self):
        node = self.leaves(self.an_active(), lambda n: n.daemon.start())
        node.daemon.stop()
        return f"{node.name} is stopped"

    def link_down(self):
        def up(node):
            for link in node.links.values():
                link.up()

        node = self.leaves(self.an_active(), up)
        for link in node.links.values():
            link.down()
        return f"all links of {node.name} go down"

    def kill_role(self):
        node, role = self.any(), self.chance.choice(ROLES)
        pid = node.daemon.roles().get(role)
        if pid:
            os.kill(pid, signal.SIGKILL)
        return f"{role} of {node.name} is killed"

    def kill_all(self):
        node, seconds = self.any(), self.chance.uniform(0, 2)
        node.daemon.kill()
        time.sleep(seconds)
        node.daemon.start()
        return f"all of tandem on {node.name} is killed, and started after {seconds:.2f} s"

    def stands_still(self):
        node, role, seconds = self.any(), self.chance.choice(ROLES), self.chance.uniform(0.05, 2)
        if role not in node.daemon.roles():
            return f"{role} of {node.name} is not there"
        with node.daemon.paused(role):
            time.sleep(seconds)
        return f"{role} of {node.name} stands still for {seconds:.2f} s"

    def prefer(self):
        self.lab.turn()
        for node in self.lab.directors:
            node.daemon.configure(self.lab.config(node))
        for node in self.chance.sample(self.present(), len(self.present())):
            node.daemon.reload(self.lab.config(node))
        return "priorities go round by a reload"

    def weather(self):
        how = self.chance.choice(WEATHERS)
        for node in self.lab.directors:
            node.links["sync0"].netem(how)
        return f"weather between the directors: {how or 'good'}"

    def apart(self):
        node, seconds = self.any(), self.chance.uniform(0.1, 5)
        node.links["sync0"].down()
        time.sleep(seconds)
        node.links["sync0"].up()
        return f"no link between {node.name} and the others for {seconds:.1f} s"

    def upgrade(self):
        node = self.any()
        code, said = node.daemon.ctl("upgrade")
        return f"{node.name} is upgraded" + (f": {said}" if code else "")

    # ---- and then

    def is_served(self, i):
        """By the one that is to. (One without links serves itself.)"""
        best = max(self.present(), key=lambda node: self.lab.priority(node, i))
        here = [node.name for node in self.present()]
        return [name for name in self.lab.holders(self.lab.vips[i]) if name in here] == [best.name]

    def knows(self, node, other):
        """Has this one all that the other has?"""
        answer = node.daemon.ask("sync")
        peers = answer["peers"] if answer and answer.get("sync") else []
        return any(p["router_id"] == other.name and p["in"]["synced"] and not p["out"]["lag"] for p in peers)

    def is_settled(self):
        here = self.present()
        return (all(map(self.is_served, range(len(self.lab.vips)))) and
                all(self.knows(a, b) for a in here for b in here if a is not b) and
                (self.away or self.lab.wait_synced(0)))


def close_oldest(sessions):
    for s in sessions[:-KEPT]:
        s.sock.close()
    del sessions[:-KEPT]


def walk(lab, chance, a):
    w, sessions = Walk(lab, chance), [[] for _ in lab.helds]
    for number in range(1, a.steps + 1):
        for i, (holder, sorts) in enumerate(lab.helds):
            sessions[i] += holder.open(a.sessions, sorts)
        time.sleep(0.06)
        told = f"step {number}: {w.step()}"
        if not expect(wait_for(w.is_settled, SETTLE_S, 0.1), f"{told}: settled", [lab.holders(v) for v in lab.vips]):
            return False
        lost = []
        for i, (holder, _) in enumerate(lab.helds):
            found = holder.ask(sessions[i], 15)
            lost += [f"{sort} {alive} of {asked}" for sort, (alive, asked) in found.items() if alive < asked]
            close_oldest(sessions[i])
        if not expect(not lost, f"{told}: all {sum(map(len, sessions))} live", lost):
            return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", default=60, type=int)
    parser.add_argument("--seed", default=random.randrange(1000000), type=int)
    parser.add_argument("--ring", action="store_true")
    parser.add_argument("--mode", default="dr", choices=("dr", "nat", "tun"))
    parser.add_argument("--family", default=4, type=int, choices=(4, 6))
    parser.add_argument("--sessions", default=4, type=int, help="of each sort and address, before each step")
    a = parser.parse_args()
    note(f"--steps {a.steps} --seed {a.seed} --mode {a.mode} --family {a.family}" + " --ring" * a.ring)
    lab = WalkRing(advert_s=ADVERT_S) if a.ring else WalkPair(mode=a.mode, family=a.family, advert_s=ADVERT_S)
    lab.start()
    expect(lab.wait_synced(), "all are synced")
    busy = [Sessions(lab.client, vip, ECHO_PORT, 30 // len(lab.vips), 15000, 200) for vip in lab.vips]
    ended = walk(lab, random.Random(a.seed), a)
    for program in busy:
        program.end()
    seen = [program.result() for program in busy]
    if not ended:
        lab.explain(60)
        for node in lab.directors:
            note(f"{node.name}: {json.dumps(node.daemon.ask('sync'))}")
        return
    for vip, s in zip(lab.vips, seen):
        expect(s.alive == s.asked, f"{vip}: every session that talks all the time lives", f"{s.alive} of {s.asked}")


run(main)
