#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=300
"""Hand-overs on purpose, and the connections of every sort: the Active is stopped in the moment when sessions
were opened, is started again and preempts; its priority is lowered and raised by a reload. A fifth of what the
directors tell each other is lost on the way. Before it says that it leaves, the one that stops makes
sure that its peer has everything; and when that does not answer any more, it leaves all the same.
Sessions that are opened until a director is stopped, or is preempted, or leaves as what it tracks says so, and that
talk all the time, live when they were there at the moment when it began.

sync_planned.py [--sessions N] [--rounds N]
"""

import argparse
import datetime
import os
import re
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ApartPair, expect, note, run, wait_for  # noqa: E402
from lab import held  # noqa: E402

OLD = ("idle", "silent", "half-closed")
DRAINED = "the peers have all connections: handing over"
ASKS = r"tandem-vrrp\S* info: VI_1: about to preempt: asking for the connections"
BAD = "/run/bad-"  # and the node's name
FAILS = r"tandemd\S* notice: track_file bad: 0 → 1"
STOPS = r"tandemd\S* notice: stopping"
TAKES = r"tandem-vrrp\S* notice: VI_1: BACKUP → MASTER"
ALL_HERE = "all connections of the last moments are here"
NOT_ANSWERED = "which does not say that we have all connections"
TALKERS = 15
SESSIONS = 700
NOT_DRAINED = "the peers are not known to have all connections: handing over"


class PlannedPair(ApartPair):
    priority = 150

    def _instance(self, node):
        text = super()._instance(node).replace("priority 150", f"priority {self.priority}")
        return (f"track_file bad {{\n    file {BAD}{node.name}\n    weight 0\n}}\n"
                + text.replace("    virtual_ipaddress", "    track_file {\n        bad\n    }\n    virtual_ipaddress", 1))


def stop(pair):
    pair.d1.daemon.stop()
    expect(pair.wait_active(pair.d2, 10), "stop: d2 takes over", pair.holders())


def stop_and_start(pair, n):
    sessions = pair.held.open(n, OLD + ("fresh",))
    stop(pair)
    expect(DRAINED in pair.d1.daemon.log_text(), "stop: d1 has made sure that d2 has all connections")
    pair.judge("stop", sessions)
    sessions += pair.held.open(n, OLD)
    before = len(pair.d1.daemon.log_text())
    pair.d1.daemon.start()
    expect(pair.wait_active(pair.d1, 45), "start: d1 preempts", pair.holders())
    said = pair.d1.daemon.log_text()[before:]
    expect(0 < said.find("sync runs on port") < said.find("INIT → BACKUP: started") or "starts although" in said,
           "start: VRRP begins when sync is there, which withholds resets", said[:3000])
    pair.judge("start", sessions)
    expect(pair.wait_synced(), "both are synced")


def set_priority(pair, value, node):
    pair.priority = value
    code, said = pair.d1.daemon.reload(pair.config(pair.d1))
    expect(code == 0, f"priority {value}: d1 is reloaded", said)
    expect(pair.wait_active(node, 10), f"priority {value}: {node.name} is Active", pair.holders())


def lower_and_raise(pair, n):
    sessions = pair.held.open(n, OLD)
    time.sleep(0.06)
    set_priority(pair, 50, pair.d2)
    pair.judge("priority 50", sessions)
    set_priority(pair, 150, pair.d1)
    pair.judge("priority 150", sessions)


def open_for(pair, seconds):
    """[(when it was established, session)], one after the other, the youngest of which talk. No more than a process
    may have open: a quick machine rests in between."""
    opened, began = [], time.time()
    with pair.client.inside():
        while time.time() < began + seconds:
            sock = socket.socket()
            sock.settimeout(1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                sock.connect((pair.vip, held.SERVER_PORT))
            except OSError:
                sock.close()  # a handshake in the moment of the takeover is nobody's session
                continue
            sock.setblocking(False)
            opened.append((time.time(), held.Session("fresh", sock)))
            time.sleep(max(0, len(opened) * seconds / SESSIONS - (time.time() - began)))
            for _, s in opened[-TALKERS:]:
                try:
                    s.sock.send(b"hello\n")
                except OSError:
                    pass  # seen when it is asked
    return opened


def time_of(node, line):
    """When it last said so, by its log."""
    when = re.findall(rf"^(\S+)Z {line}", node.daemon.log_text(), re.M)[-1]
    return datetime.datetime.fromisoformat(when + "+00:00").timestamp()


def lossy(pair):
    for node in pair.directors:
        node.links["sync0"].netem("loss 10%")  # on each end of each cable


def last_moments(pair, what, node, act, begin):
    """How sessions fare that are opened and talk until the moment when this director takes over. What was there at
    `begin`, a director and its line, is copied before; what came later, in the moment that it takes."""
    acting = threading.Thread(target=act)
    acting.start()
    opened = open_for(pair, 4)
    acting.join()
    expect(pair.wait_active(node, 10), f"{what}: {node.name} takes over", pair.holders())
    at, begun = time_of(node, TAKES), time_of(*begin)
    mine = [(at - when, s) for when, s in opened if when < at]
    alive = [s for _, s in mine]
    pair.held.ask(alive)
    lost = sorted(age for age, s in mine if s not in alive)
    young = sum(age < 0.2 for age, _ in mine)
    note(f"{what}: {len(mine)} sessions before the takeover, {young} in its last 200 ms; it began {1000 * (at - begun):.0f} "
         f"ms before; lost: {', '.join(f'{1000 * age:.0f} ms' for age in lost) or 'none'} old")
    expect(mine and not [age for age in lost if age > at - begun], f"{what}: every session from before it began lives",
           lost)
    for _, s in opened:
        s.sock.close()


def last_moments_of_both(pair):
    """d1 stops, and the other waits for its Skew_Time; d1 preempts. What is lost on the way would come again, but
    it takes a moment."""
    for node in pair.directors:
        node.links["sync0"].netem()
    last_moments(pair, "last moments, stop", pair.d2, pair.d1.daemon.stop, (pair.d1, STOPS))
    pair.priority = 50
    pair.d1.daemon.configure(pair.config(pair.d1))
    pair.d1.daemon.start()
    expect(wait_for(pair.d1.daemon.status, 20, 0.1) and pair.wait_synced() and pair.wait_table(pair.d1),
           "both are synced")
    pair.priority = 150
    before = len(pair.d1.daemon.log_text())
    last_moments(pair, "last moments, preemption", pair.d1, lambda: pair.d1.daemon.reload(pair.config(pair.d1)),
                 (pair.d1, ASKS))
    said = pair.d1.daemon.log_text()[before:]
    expect(ALL_HERE in said and NOT_ANSWERED not in said, "d1 has asked for them, and has them", said[-1500:])
    lossy(pair)


def set_bad(node, value):
    with open(f"{BAD}{node.name}", "w", encoding="ascii") as f:
        f.write(f"{value}\n")


def last_moments_of_fault(pair):
    before = len(pair.d1.daemon.log_text())
    last_moments(pair, "last moments, fault", pair.d2, lambda: set_bad(pair.d1, 1), (pair.d1, FAILS))
    said = pair.d1.daemon.log_text()[before:]
    expect(0 < said.find(DRAINED) < said.find("VI_1: MASTER → FAULT: track_file bad: holds 1"),
           "d1 has made sure that d2 has all connections", said)
    set_bad(pair.d1, 0)
    expect(pair.wait_active(pair.d1, 30), "no fault: d1 preempts", pair.holders())


def deaf_peer(pair):
    """What d2 would answer is lost, as it can't be heard: there is an end to the waiting."""
    pair.held.open(1, ("idle",))
    pair.d2.links["sync0"].netem("loss 100%")
    pair.d1.links["sync0"].netem("loss 100%")
    pair.held.open(1, ("idle",))
    stop(pair)
    said = pair.d1.daemon.log_text()
    expect(NOT_DRAINED in said or "peer 10.0.9.2: left" in said, "d2 does not answer: d1 says so, and leaves")
    if NOT_DRAINED in said:
        waited_s = time_of(pair.d1, rf"tandem-vrrp\S* warning: .*{NOT_DRAINED}") - time_of(pair.d1, STOPS)
        expect(waited_s > 0.49, "after the time that it says", waited_s)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", default=10, type=int, help="of each sort")
    parser.add_argument("--rounds", default=1, type=int)
    a = parser.parse_args()
    pair = PlannedPair()
    for node in pair.directors:
        set_bad(node, 0)
    lossy(pair)
    pair.start()
    expect(pair.wait_synced(), "both are synced")
    for _ in range(a.rounds):
        stop_and_start(pair, a.sessions)
        lower_and_raise(pair, a.sessions)
        last_moments_of_both(pair)
        last_moments_of_fault(pair)
    deaf_peer(pair)


run(main)
