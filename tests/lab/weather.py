#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120
"""What a LAN and a machine can do to a pair without anybody being dead: delay, a partition between
the directors, a clock that is set, a VRRP process that is held up.

weather.py [--daemon tandem|keepalived]
"""

import argparse
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import (KINDS, Pair, clock_step, expect, has_module, now_us, run, skip,  # noqa: E402
                 wait_for)


def expect_calm(pair, what, act):
    """Nothing moves while act() goes on."""
    at = now_us()
    act()
    moves = pair.watch.moves_since(at, pair.vip)
    expect(not moves and pair.holders() == ["d1"], f"{what}: d1 keeps the address", moves)


def delay(pair):
    cable = pair.d1.links["eth0"]
    cable.netem("delay 20ms 10ms")
    time.sleep(3)
    cable.netem()
    time.sleep(0.5)


def set_clock(seconds):
    clock_step(seconds)
    time.sleep(1)


def partition(pair):
    cables = [d.links["eth0"] for d in pair.directors]
    for cable in cables:
        cable.isolate()
    expect(wait_for(lambda: pair.holders() == ["d1", "d2"], 5),
           "partition: each side serves", pair.holders())
    for cable in cables:
        cable.isolate(False)
    expect(pair.wait_active(pair.d1, 5), "partition healed: d1 alone is active", pair.holders())


def held_up(pair):
    pid = pair.d1.daemon.vrrp_pid()
    os.kill(pid, signal.SIGSTOP)
    expect(wait_for(lambda: "d2" in pair.holders(), 5),
           "VRRP held up on d1: d2 takes over", pair.holders())
    os.kill(pid, signal.SIGCONT)
    expect(pair.wait_active(pair.d1, 5), "VRRP goes on: d1 alone is active", pair.holders())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", default="tandem", choices=KINDS)
    kind = parser.parse_args().daemon
    pair = Pair((kind, kind))
    pair.start()
    if has_module("sch_netem"):
        expect_calm(pair, "a delay of 10 to 30 ms", lambda: delay(pair))
    else:
        skip("a delay of 10 to 30 ms", "this kernel has no netem")
    if os.environ["LAB_BACKEND"] == "uml":
        expect_calm(pair, "the clock set an hour ahead", lambda: set_clock(3600))
        expect_calm(pair, "the clock set two hours back", lambda: set_clock(-7200))
    else:
        skip("the clock is set", "only a guest has a clock of its own")
    partition(pair)
    held_up(pair)


run(main)
