#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60
"""The kernel's table is kept as configured: what somebody changes by hand is put right, what is
not ours is left alone, by a reload and by the stop as well."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, expect, need, note, now_us, run, wait_for  # noqa: E402

SERVICE, REAL = "10.0.0.100:80", "10.1.0.1:80"
FOREIGN = "10.0.0.200:99"
CONFIG = """virtual_server 10.0.0.100 80 {
    lvs_sched rr
    lvs_method DR
    protocol TCP
    real_server 10.1.0.1 80 { weight 1 }
    real_server 10.1.0.2 80 { weight 2 }
}
"""


def table(node):
    return sorted(node.run("ipvsadm", "-Sn").splitlines())


def repaired(node, line, wanted, *command):
    """Told with what was found, which is also how we know that something was."""
    def told():
        return node.daemon.log_text().count(line)

    before, at = told(), now_us()
    node.run("ipvsadm", *command)
    expect(wait_for(lambda: told() > before and table(node) == wanted, 15), line, table(node))
    note(f"after {(now_us() - at) / 1e6:.1f} s")


def main():
    need(modules=["ip_vs"])
    node = Node("d1")
    node.daemon = daemon = KINDS["tandem"](node, CONFIG)
    daemon.start()
    expect(wait_for(lambda: len(table(node)) == 3, 15), "the service is there", table(node))
    node.run("ipvsadm", "-A", "-t", FOREIGN, "-s", "rr")
    node.run("ipvsadm", "-a", "-t", FOREIGN, "-r", "10.1.0.2:99", "-g")
    wanted = table(node)

    repaired(node, "10.1.0.1:80 was missing: added again", wanted, "-d", "-t", SERVICE, "-r", REAL)
    repaired(node, "10.1.0.1:80 was changed: put back: weight 7 -> 1", wanted,
             "-e", "-t", SERVICE, "-r", REAL, "-g", "-w", "7")
    repaired(node, "service was missing: added again", wanted, "-D", "-t", SERVICE)
    repaired(node, "10.1.0.3:80 was there, but should not be: removed", wanted,
             "-a", "-t", SERVICE, "-r", "10.1.0.3:80", "-g")

    code, said = daemon.reload(CONFIG)
    expect(code == 0, "a reload succeeds", f"exit {code}: {said}")
    expect(table(node) == wanted, "a foreign service is left alone by repairs and by a reload", table(node))

    daemon.stop()
    left = table(node)
    expect(len(left) == 2 and all(FOREIGN in line for line in left), "a stop takes away ours, and only ours",
           left)


run(main)
