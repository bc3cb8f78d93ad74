#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90
"""active_only: a service is in the kernel of the Active director only, and comes and goes with it."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, expect, run, wait_for


class ActiveOnlyPair(Pair):
    def _service(self, protocol, port):
        return super()._service(protocol, port).replace("    delay_loop",
                                                        "    active_only\n    delay_loop", 1)

    def start(self):
        for node in self.directors:
            node.daemon.start()
        expect(self.wait_active(self.d1, 15), "d1 becomes active", self.holders())


def main():
    pair = ActiveOnlyPair()
    pair.start()
    expect(pair.wait_table(pair.d1), "the active director has the services", pair.table(pair.d1))
    expect(wait_for(lambda: not pair.table(pair.d2), 5), "the other one has none",
           pair.table(pair.d2))

    pair.d1.daemon.stop()
    expect(pair.wait_active(pair.d2, 5) and pair.wait_table(pair.d2),
           "they come with the address", pair.table(pair.d2))
    expect("its vrrp instance is active" in pair.d2.daemon.log_text(), "the log says why")

    pair.d1.daemon.start()
    expect(pair.wait_active(pair.d1, 10) and pair.wait_table(pair.d1),
           "d1 has them again after it preempted", pair.table(pair.d1))
    expect(wait_for(lambda: not pair.table(pair.d2), 5), "and d2 none", pair.table(pair.d2))
    expect("its vrrp instance is not active here" in pair.d2.daemon.log_text(), "and says so")

    before = pair.table(pair.d1)
    os.kill(pair.d1.daemon.roles()["tandem-ipvs"], 9)
    expect(wait_for(lambda: pair.d1.daemon.roles().get("tandem-ipvs"), 5), "a new tandem-ipvs")
    expect(pair.table(pair.d1) == before, "a death of tandem-ipvs changes nothing", before)


run(main)
