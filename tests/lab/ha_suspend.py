#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""ha_suspend: the director that is not Active does not check, and finds out at once when it is."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, expect, run, wait_for  # noqa: E402


class SuspendingPair(Pair):
    def _service(self, protocol, port):
        return super()._service(protocol, port).replace("    delay_loop",
                                                        "    ha_suspend\n    delay_loop", 1)


def main():
    pair = SuspendingPair(ip_vs=False, reals=2)
    pair.start()
    wait_for(lambda: "MASTER" in pair.d1.daemon.log_text(), 10)

    pair.stop_real(pair.reals[0])
    down = f"real server {pair.real_addresses[0]}:8000 down"
    expect(wait_for(lambda: down in pair.d1.daemon.log_text(), 10), "the active director sees it")
    expect(down not in pair.d2.daemon.log_text(), "the other one does not look")

    pair.d1.daemon.stop()
    expect(pair.wait_active(pair.d2, 5), "d2 becomes active", pair.holders())
    expect(wait_for(lambda: down in pair.d2.daemon.log_text(), 5), "and finds out at once")
    time.sleep(0.5)  # what it logs it also tells: not what its last word was is shown here
    os.kill(pair.d2.daemon.roles()["tandem-check"], 9)
    pair.start_real(pair.reals[0])
    up = f"real server {pair.real_addresses[0]}:8000 up"
    expect(wait_for(lambda: up in pair.d2.daemon.log_text(), 10),
           "its checks go on after a death of tandem-check")


run(main)
