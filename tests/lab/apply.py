#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""tandemctl apply, confirm and rollback: a file is tried, comes into force, and goes again when
nobody confirms it; meanwhile no reload replaces it by chance."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, run, wait_for  # noqa: E402


def config(priority):
    return ("vrrp_instance VI_1 {\n    interface eth0\n    version 3\n    virtual_router_id 51\n"
            f"    advert_int 0.1\n    priority {priority}\n"
            "    virtual_ipaddress {\n        10.0.0.100/24\n    }\n}\n")


def priority(daemon):
    return daemon.status()["vrrp_instances"][0].get("priority")


def main():
    node = Node("d1")
    node.plug("eth0", Switch("lan"), "10.0.0.1/24")
    daemon = KINDS["tandem"](node, config(100))
    other = f"{daemon.dir}/other.conf"
    daemon.start()
    wait_for(lambda: daemon.status() and priority(daemon) == 100, 10)

    with open(other, "w") as f:
        f.write(config(150))
    code, said = daemon.ctl("rollback")
    expect(code == 1 and "no former configuration" in said, "nothing to go back to yet", said)
    code, said = daemon.ctl("apply", other, "--confirm-within", "soon")
    expect(code == 1 and "wants a time" in said and priority(daemon) == 100,
           "a wrong time changes nothing", said)

    code, said = daemon.ctl("apply", other, "--confirm-within", "3s")
    expect(code == 0 and priority(daemon) == 150, "the other file is in force", said)
    code, said = daemon.ctl("reload")
    expect(code == 1 and "waits to be confirmed" in said, "a reload is refused meanwhile", said)
    said = daemon.ctl("status")[1]
    expect("waits to be confirmed" in said, "status tells of it", said)
    expect(wait_for(lambda: priority(daemon) == 100, 10), "nobody confirms: it goes again",
           priority(daemon))
    expect("nobody has confirmed" in daemon.log_text(), "and the log says so")

    daemon.ctl("apply", other, "--confirm-within", "1h")
    code, said = daemon.ctl("confirm")
    expect(code == 0 and "stays in force" in said, "confirmed, it stays", said)
    code, said = daemon.ctl("confirm")
    expect(code == 1 and "nothing waits" in said, "once", said)
    said = daemon.ctl("status")[1]
    expect("what runs is" in said, "status tells which file runs", said)

    code, said = daemon.ctl("rollback")
    expect(code == 0 and priority(daemon) == 100, "rollback: the former one", said)
    code, said = daemon.ctl("rollback")
    expect(code == 0 and priority(daemon) == 150, "and back again", said)
    code, said = daemon.ctl("reload")
    expect(code == 0 and priority(daemon) == 100, "a reload reads the configured file", said)

    with open(other, "w") as f:
        f.write("vrrp_instance VI_1 {\n")
    code, said = daemon.ctl("apply", other, "--confirm-within", "60")
    expect(code == 1 and other in said and priority(daemon) == 100,
           "a broken file changes nothing", said)
    expect(daemon.ctl("confirm")[0] == 1, "and nothing waits then")
    daemon.ctl("apply", other, "--confirm-within", "2s")
    daemon.reload(config(120))
    with open(other, "w") as f:
        f.write(config(120))
    code, said = daemon.ctl("apply", other, "--confirm-within", "2s")
    expect(code == 0 and "nothing has changed" in said, "what runs already is no change", said)
    time.sleep(3)
    expect(priority(daemon) == 120, "neither a refused file nor one that changes nothing takes a "
           "later configuration away", priority(daemon))
    transitions = len(re.findall("VI_1: [A-Z]+ → ", daemon.log_text()))
    expect(transitions == 2, "VRRP has changed its state at the start only", transitions)


run(main)
