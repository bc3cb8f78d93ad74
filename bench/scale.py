#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=900 ip_vs=no
"""Many virtual routers on a pair of directors: the CPU that the Active and the Backup need for
nothing but going on, their memory, the time from the start of both until all are settled, and the
addresses that move after that, which must be none."""

import argparse
import time

from common import KINDS, Figures, need, note
from crowd import Crowd, cpu_ms, memory_kib
from lab import now_us

MEASURED_S = 10
ANNOUNCED_S = 7  # the second burst of announcements comes 5 s after the first


def trial(crowd, kind, case, figures):
    crowd.employ(kind)
    start_us = now_us()
    crowd.start()
    crowd.wait_settled(60 + 10 * crowd.advert_s)
    settled_ms = (crowd.moves_since(start_us)[-1].at_us - start_us) / 1000
    time.sleep(ANNOUNCED_S)
    start_us = now_us()
    before_ms = [cpu_ms(node) for node in crowd.directors]
    time.sleep(MEASURED_S)
    spent_ms = [cpu_ms(node) - was for node, was in zip(crowd.directors, before_ms)]
    moves = len(crowd.moves_since(start_us))
    note(f"{case} {kind}: settled in {settled_ms:.0f} ms; CPU of Active {spent_ms[0]:.0f}, of "
         f"Backup {spent_ms[1]:.0f} ms in {MEASURED_S} s; {moves} moves")
    figures.add(f"{case}_active_cpu", "ms/s", kind, round(spent_ms[0] / MEASURED_S, 2))
    figures.add(f"{case}_backup_cpu", "ms/s", kind, round(spent_ms[1] / MEASURED_S, 2))
    for field in ("Rss", "Pss"):
        figures.add(f"{case}_{field.lower()}", "MiB", kind,
                    round(memory_kib(crowd.d1, field) / 1024, 1))
    figures.add(f"{case}_settled", "ms", kind, round(settled_ms))
    figures.add(f"{case}_moves_after", "addresses", kind, moves)
    crowd.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", nargs="?", default=3, type=int)
    parser.add_argument("--instances", default=250, type=int)
    parser.add_argument("--advert", default=0.1, type=float)
    parser.add_argument("--bridge", action="store_true", help="a bridge between them, not a cable")
    a = parser.parse_args()
    need(modules=["veth", "bridge"], programs=["keepalived"])
    case = f"scale_{a.instances}_at_{a.advert:g}s" + "_bridged" * a.bridge
    figures, crowd = Figures(), Crowd(a.instances, a.advert, a.bridge)
    for _ in range(a.trials):
        for kind in KINDS:
            trial(crowd, kind, case, figures)
    figures.tell()


main()
