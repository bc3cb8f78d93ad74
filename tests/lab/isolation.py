#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90 ip_vs=no
"""Nothing in the program delays an advertisement: the supervisor stopped for ten seconds, and all
that is not VRRP stopped with it. And what the file says of scheduling is so: real-time priority
and locked memory, until a reload takes them back."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, Watch, expect, need, note, now_us, run, wait_for  # noqa: E402

ADVERT_S = 0.1
STOPPED_S = 10
CAPS_OF_VRRP = 1 << 12 | 1 << 13 | 1 << 14  # NET_ADMIN, NET_RAW; IPC_LOCK for vrrp_no_swap


def config(more=""):
    return ("global_defs {\n    router_id one\n" + more + "}\n"
            "vrrp_instance V1 {\n    interface eth0\n    virtual_router_id 51\n    priority 150\n"
            f"    version 3\n    advert_int {ADVERT_S}\n"
            "    virtual_ipaddress {\n        10.0.0.100/24\n    }\n}\n")


def status_line(pid, key):
    with open(f"/proc/{pid}/status") as f:
        return next(line.split()[1] for line in f if line.startswith(f"{key}:"))


def scheduling(pid):
    """(policy, priority) as the kernel has them."""
    return os.sched_getscheduler(pid), os.sched_getparam(pid).sched_priority


def rttime_limit(pid):
    with open(f"/proc/{pid}/limits") as f:
        return next(line.split()[3] for line in f if line.startswith("Max realtime timeout"))


def tuning(pid):
    """(nice, CPUs, limit of real-time CPU time in us) as the kernel has them."""
    return os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid), rttime_limit(pid)


def as_configured(one):
    pid = one.vrrp_pid()
    expect(scheduling(pid) == (os.SCHED_RR, 37), "tandem-vrrp runs with SCHED_RR, priority 37",
           scheduling(pid))
    expect(int(status_line(pid, "VmLck")) >= int(status_line(pid, "VmRSS")) // 2,
           "its memory is locked", f"VmLck {status_line(pid, 'VmLck')} kB")
    expect(tuning(pid) == (-7, {0}, "900000"), "with its nice value, CPU and limit", tuning(pid))
    caps = int(status_line(pid, "CapPrm"), 16)
    expect(caps == CAPS_OF_VRRP, "and no capability for that", hex(caps))
    others = {name: scheduling(p) for name, p in one.roles().items() if name != "tandem-vrrp"}
    expect(all(s[0] == os.SCHED_OTHER for s in others.values()),
           "no other process of it is in real time", others)


def undisturbed(watch, what, pids):
    """An advertisement is late by an interval when the next one would have been due."""
    since_us = now_us()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(STOPPED_S)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    gap_ms = watch.advert_gap_us(since_us) / 1000
    count = len([a for a in watch.adverts if a.at_us >= since_us])
    note(f"{what}: {count} advertisements, the longest silence {gap_ms:.0f} ms")
    expect(count >= 0.9 * STOPPED_S / ADVERT_S and gap_ms < 3000 * ADVERT_S,
           f"{what}: the advertisements go on", f"{count}, longest silence {gap_ms:.0f} ms")


def main():
    need(modules=["veth", "bridge"])
    lan, node = Switch("lan"), Node("one")
    node.plug("eth0", lan, "10.0.0.1/24")
    watch = Watch((node,), lan)
    one = Tandem(node, config("    vrrp_rt_priority 37\n    vrrp_no_swap\n    vrrp_priority -7\n"
                              "    vrrp_cpu_affinity 0\n    vrrp_rlimit_rttime 900000\n"))
    one.start()
    expect(wait_for(lambda: "one" in watch.holders["10.0.0.100"], 10), "it is MASTER",
           one.log_text()[-500:])
    as_configured(one)
    undisturbed(watch, "the supervisor stopped", [one.proc.pid])
    rest = [pid for name, pid in one.roles().items() if name != "tandem-vrrp"]
    undisturbed(watch, "all but tandem-vrrp stopped", [one.proc.pid, *rest])
    moves = [m for m in watch.moves if m.address == "10.0.0.100"]
    expect(len(moves) == 1, "the address never moved", moves)
    expect(wait_for(lambda: one.status() is not None, 10), "the supervisor answers again")
    one.reload(config())
    pid = one.vrrp_pid()
    expect(scheduling(pid) == (os.SCHED_OTHER, 0) and status_line(pid, "VmLck") == "0",
           "a reload takes it back", (scheduling(pid), status_line(pid, "VmLck")))
    expect(tuning(pid) == (-15, os.sched_getaffinity(0), "unlimited"), "all of it", tuning(pid))
    one.reload(config("    vrrp_rt_priority 12\n    vrrp_no_swap\n"))
    expect(scheduling(pid) == (os.SCHED_RR, 12) and status_line(pid, "VmLck") != "0",
           "and a reload switches it on, without another process",
           (scheduling(pid), status_line(pid, "VmLck")))
    expect(one.vrrp_pid() == pid, "which is the same one", one.vrrp_pid())


run(main)
