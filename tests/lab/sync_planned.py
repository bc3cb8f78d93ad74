#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=300
"""Hand-overs on purpose, and the connections of every sort: the Active is stopped in the moment when sessions
were opened, is started again and preempts; its priority is lowered and raised by a reload. A fifth of what the
directors tell each other is lost on the way. Before it says that it leaves, the one that stops makes
sure that its peer has everything; and when that does not answer any more, it leaves all the same.
Sessions that are opened while a director preempts, and that talk all the time, live when they are older
than a moment: it asks for them before it takes over.

sync_planned.py [--sessions N] [--rounds N]
"""

import argparse
import datetime
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ApartPair, expect, note, run  # noqa: E402
from lab import held  # noqa: E402

OLD = ("idle", "silent", "half-closed")
DRAINED = "the peers have all connections: handing over"
ALL_HERE = "all connections of the last moments are here"
NOT_ANSWERED = "which does not say that we have all connections"
MOMENT_S = 0.02
TALKERS = 15
NOT_DRAINED = "the peers are not known to have all connections: handing over"


class PlannedPair(ApartPair):
    priority = 150

    def _instance(self, node):
        return super()._instance(node).replace("priority 150", f"priority {self.priority}")


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
    """[(when it was established, session)], one after the other, the youngest of which talk."""
    opened, end = [], time.time() + seconds
    with pair.client.inside():
        while time.time() < end:
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
            for _, s in opened[-TALKERS:]:
                try:
                    s.sock.send(b"hello\n")
                except OSError:
                    pass  # seen when it is asked
    return opened


def taken_at(node, text):
    """When it last became Active, by its log."""
    when = re.findall(r"^(\S+)Z tandem-vrrp\S* notice: VI_1: BACKUP → MASTER", text, re.M)[-1]
    return datetime.datetime.fromisoformat(when + "+00:00").timestamp()


def last_moments(pair):
    before = len(pair.d1.daemon.log_text())
    pair.priority = 50
    pair.d1.daemon.reload(pair.config(pair.d1))
    expect(pair.wait_active(pair.d2, 10) and pair.wait_synced(), "last moments: d2 is Active")
    time.sleep(1.5)
    pair.priority = 150
    pair.d1.daemon.reload(pair.config(pair.d1))
    opened = open_for(pair, 5.5)
    expect(pair.wait_active(pair.d1, 10), "last moments: d1 preempts", pair.holders())
    said = pair.d1.daemon.log_text()[before:]
    at = taken_at(pair.d1, said)
    ages = {id(s): at - when for when, s in opened}
    mine = [s for _, s in opened if ages[id(s)] > 0]
    asked = list(mine)
    pair.held.ask(mine)
    lost = sorted(ages[id(s)] for s in set(asked) - set(mine))
    young = sum(ages[id(s)] < 0.2 for s in asked)
    note(f"last moments: {len(asked)} sessions before the takeover, {young} in its last 200 ms; lost: "
         f"{', '.join(f'{1000 * age:.0f} ms' for age in lost) or 'none'} old")
    expect(ALL_HERE in said and NOT_ANSWERED not in said, "last moments: d1 has asked for them, and has them", said[-1500:])
    expect(young and not [age for age in lost if age > MOMENT_S],
           f"last moments: every session older than {1000 * MOMENT_S:.0f} ms lives", lost)
    for _, s in opened:
        s.sock.close()


def deaf_peer(pair):
    """What d2 would answer is lost, as it can't be heard: there is an end to the waiting."""
    pair.held.open(1, ("idle",))
    pair.d2.links["sync0"].netem("loss 100%")
    pair.d1.links["sync0"].netem("loss 100%")
    pair.held.open(1, ("idle",))
    stop(pair)
    said = pair.d1.daemon.log_text()
    expect(NOT_DRAINED in said or "peer 10.0.9.2: left" in said, "d2 does not answer: d1 says so, and leaves")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", default=10, type=int, help="of each sort")
    parser.add_argument("--rounds", default=1, type=int)
    a = parser.parse_args()
    pair = PlannedPair()
    for node in pair.directors:
        node.links["sync0"].netem("loss 10%")  # on each end of each cable
    pair.start()
    expect(pair.wait_synced(), "both are synced")
    for _ in range(a.rounds):
        stop_and_start(pair, a.sessions)
        lower_and_raise(pair, a.sessions)
        last_moments(pair)
    deaf_peer(pair)


run(main)
