#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120 ip_vs=no
"""track_virtual_server: a director whose servers are gone lets the other one have the address, by a
fault or by a weight; not before the checks have spoken, and not when programs die or reload."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, Watch, expect, need, now_us, run, wait_for  # noqa: E402

CHECK = "/run/track-service"


def config(weight, alpha=False, delay=1):
    return (f"vrrp_instance V {{\n    state BACKUP\n    interface eth0\n    virtual_router_id 51\n"
            f"    priority 100\n    version 3\n    advert_int 0.1\n"
            f"    virtual_ipaddress {{\n        10.0.0.100/24\n    }}\n"
            f"    track_virtual_server {{\n        10.0.0.100 80 TCP weight {weight}\n    }}\n}}\n"
            f"virtual_server 10.0.0.100 80 {{\n    protocol TCP\n    lvs_sched rr\n"
            f"    lvs_method DR\n    delay_loop {delay}\n    retry 1\n    delay_before_retry 0.2\n"
            + "    alpha\n" * alpha +
            f"    real_server 10.0.0.9 80 {{\n        MISC_CHECK {{\n"
            f"            misc_path {CHECK}\n            user root\n        }}\n    }}\n}}\n")


def set_check(does):
    with open(f"{CHECK}.new", "w") as f:
        f.write(f"#!/bin/sh\n{does}\n")
    os.chmod(f"{CHECK}.new", 0o755)
    os.rename(f"{CHECK}.new", CHECK)


def priority(d1):
    last = d1.watch.adverts[-1:]
    return last[0].priority if last and now_us() - last[0].at_us < 350_000 else 0


def expect_priority(d1, wanted, what, timeout_s=8):
    got = wait_for(lambda: priority(d1) == wanted, timeout_s, 0.05)
    expect(got, f"{what}: priority {wanted}", (priority(d1), d1.daemon.log_text()[-900:]))


def by_weight(d1):
    set_check("exit 0")
    d1.daemon = KINDS["tandem"](d1, config("-40"))
    d1.daemon.start()
    expect_priority(d1, 100, "start", 12)
    set_check("exit 1")
    expect_priority(d1, 60, "the quorum is lost")
    for role in ("tandem-check", "tandem-ipvs", "tandem-vrrp"):
        since, pid = len(d1.watch.adverts), d1.daemon.roles()[role]
        os.kill(pid, 9)
        d1.daemon.wait_role(role, pid)
        wait_for(lambda: False, 1.5)
        seen = {a.priority for a in d1.watch.adverts[since:]}
        expect(seen == {60}, f"kill -9 of {role}: the priority stays", seen)
    since = len(d1.watch.adverts)
    d1.daemon.configure(config("-40", delay=2))
    d1.daemon.ctl("reload")
    wait_for(lambda: False, 1)
    seen = {a.priority for a in d1.watch.adverts[since:]}
    expect(seen == {60}, "a reload: the priority stays", seen)
    text = d1.daemon.ctl("status")[1]
    expect("track virtual_server 10.0.0.100:80 TCP  down: has lost its quorum of 1" in text,
           "tandemctl status shows it", text)
    set_check("exit 0")
    expect_priority(d1, 100, "the quorum is back", 12)
    d1.daemon.stop()


def by_fault(d1):
    """alpha: the service is down until a check passes, which is no verdict yet."""
    set_check("sleep 0.5; exit 0")
    d1.daemon = KINDS["tandem"](d1, config("0", alpha=True))
    d1.daemon.start()
    expect_priority(d1, 100, "alpha, the first check passes", 12)
    expect("FAULT" not in d1.daemon.log_text(), "no fault before the first verdict",
           d1.daemon.log_text()[-900:])
    set_check("exit 1")
    expect_priority(d1, 0, "the quorum is lost: a fault")
    line = "virtual_server 10.0.0.100:80 TCP: has lost its quorum of 1"
    expect(line in d1.daemon.log_text(), "the log says why", d1.daemon.log_text()[-900:])
    set_check("exit 0")
    expect_priority(d1, 100, "it is back")
    d1.daemon.stop()
    set_check("exit 1")
    d1.daemon.boot()
    expect(not wait_for(lambda: priority(d1) == 100, 4), "down from the start: it does not begin",
           d1.daemon.log_text()[-900:])
    d1.daemon.stop()


def main():
    need(modules=["veth", "bridge"])
    lan = Switch("lan")
    d1 = Node("d1")
    d1.plug("eth0", lan, "10.0.0.1/24")
    d1.watch = Watch([d1], lan)
    by_weight(d1)
    by_fault(d1)


run(main)
