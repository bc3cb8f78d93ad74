#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60
"""auth_hmac with anti_replay time, while the clock is set: a minute ahead, an hour back. The numbers
that the packets carry are times; no state changes all the same."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, clock_step, expect, run, skip_all, wait_for  # noqa: E402

CONFIG = """
vrrp_instance web {{
    interface eth0
    virtual_router_id 51
    priority {}
    version 3
    advert_int 0.2
    virtual_ipaddress {{
        10.0.0.100/24
    }}
    auth_hmac {{
        key 1 "the first key, thirty-two bytes."
        time_window 2
    }}
}}
"""


def instance(node):
    status = node.daemon.status()
    return status["vrrp_instances"][0] if status else {"state": None, "since": None}


def settled(pair):
    return wait_for(lambda: [instance(n)["state"] for n in pair] == ["MASTER", "BACKUP"], 10)


def main():
    if os.environ.get("LAB_BACKEND") != "uml":
        skip_all("only a guest has a clock of its own to set")
    switch, pair = Switch("sw"), []
    for i, priority in ((1, 150), (2, 100)):
        node = Node(f"d{i}")
        node.plug("eth0", switch, f"10.0.0.{i}/24")
        node.daemon = Tandem(node, CONFIG.format(priority))
        node.daemon.start()
        pair.append(node)
    expect(settled(pair), "the pair runs", pair[0].daemon.log_text()[-500:])
    for seconds in (60, -3600, 3540):
        before = [instance(n)["counters"] for n in pair]
        clock_step(seconds)
        time.sleep(1.5)
        after = [instance(n)["counters"] for n in pair]
        expect(all(b["became_active"] == a["became_active"] and
                   b["released_active"] == a["released_active"] for b, a in zip(before, after)),
               f"a step of {seconds} s: no transition", [n.daemon.log_text()[-500:] for n in pair])
        expect(after[1]["adverts_received"] > before[1]["adverts_received"] + 3,
               "and adverts are accepted", after[1])


run(main)
