#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=30 ip_vs=no
"""More checks than descriptors: so many are under way, the others wait their turn and are all run;
that is told and counted."""

import os
import resource
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, run, wait_for  # noqa: E402

SERVERS = 150
CHECK = "TCP_CHECK {\n connect_timeout 1\n warmup 0\n retry 0\n }"
CONFIG = ("global_defs {\n router_id one\n}\nvirtual_server 10.0.0.100 80 {\n lb_algo rr\n lb_kind NAT\n"
          " protocol TCP\n delay_loop 20\n"
          + "".join(f"real_server 10.1.0.{i + 1} 80 {{\n {CHECK}\n }}\n" for i in range(SERVERS)) + "}\n")


def checks(status):
    return [c for real in status["services"][0]["real_servers"] for c in real["checks"]]


def all_have_run(tandem):
    status = tandem.status()
    return status and status["services"] and all(c.get("has_run") for c in checks(status))


def main():
    switch, one = Switch("sw"), Node("one")
    one.plug("eth0", switch, "10.1.0.254/24")  # nobody is there
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    tandem = Tandem(one, CONFIG)
    tandem.start()
    expect(wait_for(lambda: all_have_run(tandem), 20, 0.3), "every check is run")
    load = tandem.status()["checking"]
    expect(load["in_flight_max"] == 64, "of 128 descriptors 64 are for checks", str(load))
    expect(load["late_starts"] >= SERVERS - 2 * 64, "the others have waited, which is counted", str(load))
    expect("checks run late: 64 are in flight" in tandem.log_text(), "and told", tandem.log_text()[-300:])
    expect(tandem.stop() == 0, "it stops in order")


run(main)
