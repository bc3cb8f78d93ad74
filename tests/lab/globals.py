#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""What global_defs says of the daemon itself: a script before everything starts and one after all has
ended, names of processes, umask and groups of scripts, where dumps go, a copy of each configuration,
and a reload at the time that a file says."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, need, run, wait_for  # noqa: E402

DIR = "/run/lab-globals"
SCRIPTS = {
    "up": f"ip -4 -o addr show dev eth0 > {DIR}/at-start; sleep 1; date +%s.%N > {DIR}/up.done",
    "slow": "sleep 60",
    "down": f"pgrep -c -f libexec/tandem/tandem-vrrp > {DIR}/at-end; touch {DIR}/down.done",
    "master": f"touch {DIR}/made; id -G > {DIR}/groups",
}


def config(more="", priority=150):
    return (f"global_defs {{\n    router_id one\n    script_user root :\n{more}}}\n"
            "vrrp_instance V1 {\n    interface eth0\n    virtual_router_id 51\n    version 3\n"
            f"    priority {priority}\n    advert_int 0.1\n    notify_master {DIR}/master\n"
            "    virtual_ipaddress {\n        10.0.0.100/24\n    }\n}\n")


FULL = (f"    startup_script {DIR}/up\n    shutdown_script {DIR}/down\n    umask 0137\n"
        "    process_name lb_main\n    vrrp_process_name lb_vrrp\n    checker_process_name lb_check\n"
        f"    state_dump_file {DIR}/dumps/\n    stats_dump_file {DIR}/dumps/numbers\n"
        f"    config_save_dir {DIR}/saved\n    reload_time_file {DIR}/when\n"
        f"    reload_file {DIR}/reading\n")


def text(name):
    try:
        with open(f"{DIR}/{name}") as f:
            return f.read()
    except FileNotFoundError:
        return None


def put(name, content):
    with open(f"{DIR}/{name}", "w") as f:
        f.write(content)


def comm(pid):
    with open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


def has_address(node):
    return " 10.0.0.100/" in node.run("ip", "-4", "-o", "addr", "show", "dev", "eth0")


def starts_after_its_script(node, one):
    one.start()
    expect(wait_for(lambda: text("at-start") is not None, 5), "the startup script runs")
    expect("10.0.0.100" not in text("at-start"), "before there is an address", text("at-start"))
    expect(not one.roles(), "and before any process is started", one.roles())
    expect(wait_for(lambda: has_address(node), 10), "then it becomes MASTER", one.log_text()[-500:])
    expect(text("up.done") is not None, "after the script has ended", one.log_text()[-500:])


def looks_as_it_says(one):
    def names():
        roles = one.roles()
        return [comm(one.proc.pid), *(comm(roles[f"tandem-{r}"]) for r in ("vrrp", "check") if
                                      f"tandem-{r}" in roles)]
    expect(wait_for(lambda: names() == ["lb_main", "lb_vrrp", "lb_check"], 10),
           "processes have their names", names())
    expect(wait_for(lambda: text("groups"), 5), "the notify script has run", one.log_text()[-500:])
    mode = os.stat(f"{DIR}/made").st_mode & 0o777
    expect(mode == 0o640, "what it made has the umask's mode", oct(mode))
    groups = sorted(text("groups").split())
    ours = sorted(os.popen("id -G root").read().split())
    expect(groups == ours, "it has the user's supplementary groups", (groups, ours))
    one.proc.send_signal(signal.SIGUSR1)
    one.proc.send_signal(signal.SIGUSR2)
    expect(wait_for(lambda: "V1" in (text("dumps/keepalived.data") or ""), 5), "data go to a directory")
    expect(wait_for(lambda: "V1" in (text("dumps/numbers") or ""), 5), "and numbers to a file")
    expect("priority 150" in (text("saved/tandem-1.conf") or ""), "the configuration is kept")


def reloads_at_its_time(one):
    one.configure(config(FULL, priority=140))
    at = int(time.time()) + 3
    put("reading", "the configuration is being written")
    put("when", time.strftime("%Y-%m-%d %H:%M:%SZ\n", time.gmtime(at)))
    expect(wait_for(lambda: "a reload is scheduled for" in one.log_text(), 10), "a reload is scheduled",
           one.log_text()[-500:])
    expect(wait_for(lambda: "priority 140" in (text("saved/tandem-2.conf") or ""), 15),
           "and comes into force", one.log_text()[-500:])
    kept = os.stat(f"{DIR}/saved/tandem-2.conf").st_mtime
    # A file's time is that of the last tick of the kernel's clock, up to 10 ms behind.
    expect(kept >= at - 0.01, "not before its time", kept - at)
    expect(text("when") is None, "the file is removed")
    expect(text("reading") is None, "and so is reload_file, once the configuration was read")
    put("when", "tomorrow\n")
    expect(wait_for(lambda: "its first line is not" in one.log_text(), 10), "what is no time is told",
           one.log_text()[-500:])


def stays_where_it_is(one):
    code, said = one.reload("net_namespace one\nnet_namespace_ipvs one\n" + config(FULL, priority=140))
    expect(code == 0, "the network namespace that it runs in", said)
    code, said = one.reload("net_namespace lan\n" + config(FULL))
    expect(code != 0 and "NetworkNamespacePath=/run/netns/lan" in said, "another one is refused", said)


def ends_with_its_script(node, one):
    pid = one.proc.pid
    one.reload(config(f"    shutdown_script {DIR}/down\n"))
    expect(comm(pid) == "tandemd" and comm(one.vrrp_pid()) == "tandem-vrrp",
           "a reload takes the names back", (comm(pid), comm(one.vrrp_pid())))
    one.stop()
    expect(text("down.done") is not None, "the shutdown script has run", one.log_text()[-500:])
    expect(text("at-end").strip() == "0", "when no process was left", text("at-end"))
    expect(not has_address(node), "and no address")


def does_not_wait_for_ever(node, one):
    one.configure(config(f"    startup_script {DIR}/slow\n    startup_script_timeout 1\n"))
    one.start()
    expect(wait_for(lambda: has_address(node), 15), "a script that hangs is ended, and all goes on",
           one.log_text()[-500:])
    expect("startup_script: takes longer than startup_script_timeout" in one.log_text(),
           "which is told", one.log_text()[-500:])
    one.stop()
    one.start()
    expect(wait_for(lambda: "startup_script: runs" in one.log_text(), 5), "it runs again")
    t0 = time.time()
    one.stop()
    expect(time.time() - t0 < 8 and not has_address(node), "a stop meanwhile is a stop",
           one.log_text()[-500:])


def main():
    need(modules=["veth", "bridge"])
    for part in (DIR, f"{DIR}/dumps"):
        os.makedirs(part, exist_ok=True)
    for name, does in SCRIPTS.items():
        put(name, f"#!/bin/sh\n{does}\n")
        os.chmod(f"{DIR}/{name}", 0o755)
    lan, node = Switch("lan"), Node("one")
    node.plug("eth0", lan, "10.0.0.1/24")
    one = Tandem(node, config(FULL))
    starts_after_its_script(node, one)
    looks_as_it_says(one)
    reloads_at_its_time(one)
    stays_where_it_is(one)
    ends_with_its_script(node, one)
    does_not_wait_for_ever(node, one)


run(main)
