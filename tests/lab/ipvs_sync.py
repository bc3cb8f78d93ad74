#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90
"""lvs_sync_daemon: the kernel's sync daemons follow the VRRP instance, are put right when somebody
else stops or starts them, change on a reload and go with a stop; connections reach the peer."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, expect, run, wait_for  # noqa: E402


def daemons(node):
    """What ipvsadm says of them: {"master": "sync-id 51 interface eth0 …"}."""
    found = {}
    for line in node.run("ipvsadm", "-l", "--daemon").splitlines():
        words = line.split()
        if words and words[0] in ("master", "backup"):
            found[words[0]] = line
    return found


def expect_daemons(node, what, *kinds, has=""):
    want = set(kinds)
    good = wait_for(lambda: set(daemons(node)) == want and all(
        has in line for line in daemons(node).values()), 15, 0.1)
    expect(good, f"{what}: {node.name} runs {' and '.join(kinds) or 'none'} {has}".strip(),
           daemons(node))


class SyncPair(Pair):
    sync_daemon = "eth0 inst VI_1"

    def config(self, node):
        line = f"    lvs_sync_daemon {self.sync_daemon}\n" if self.sync_daemon else ""
        return super().config(node).replace("global_defs {\n", "global_defs {\n" + line, 1)


def reload(pair, what, sync):
    pair.sync_daemon = sync
    code, said = pair.d1.daemon.reload(pair.config(pair.d1))
    expect(code == 0, f"{what}: the reload succeeds", said)


def main():
    pair = SyncPair()
    pair.start()
    expect_daemons(pair.d1, "active", "master", has="syncid=51")
    expect_daemons(pair.d2, "backup", "backup", has="syncid=51")
    with pair.traffic(sessions=50) as seen:
        expect(wait_for(lambda: pair.connections(pair.d2) > 23, 10, 0.2),
               "connections of the active director reach the other one")
    expect(seen.sessions.alive == seen.sessions.asked, "sessions live", seen.sessions.alive)

    pair.d1.run("ipvsadm", "--stop-daemon", "master")
    expect_daemons(pair.d1, "master stopped by hand", "master")
    pair.d1.run("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "eth0", "--syncid", "9")
    expect_daemons(pair.d1, "backup started by hand", "master")

    old = pair.d1.daemon.roles()["tandem-ipvs"]
    os.kill(old, signal.SIGKILL)
    expect(pair.d1.daemon.wait_role("tandem-ipvs", old), "tandem-ipvs is started again")
    expect_daemons(pair.d1, "kill -9 of tandem-ipvs", "master", has="syncid=51")

    reload(pair, "other options", "eth0 inst VI_1 id 7 maxlen 1400 port 8850 ttl 2 group 224.0.0.90")
    expect_daemons(pair.d1, "other options", "master", has="syncid=7, maxlen=1400, group=224.0.0.90, port=8850, ttl=2")
    reload(pair, "no instance", "eth0 id 7")
    expect_daemons(pair.d1, "no instance", "master", "backup")
    shown = pair.d1.daemon.status()["ipvs"]["sync_daemons"]
    expect(shown == {"interface": "eth0", "sync_id": 7, "master": True, "backup": True},
           "status shows both", shown)
    reload(pair, "an interface that is not there", "nowhere0 inst VI_1")
    expect(wait_for(lambda: "there is no such interface" in pair.d1.daemon.log_text(), 10),
           "an interface that is not there: the log says so")
    reload(pair, "taken out", "")
    expect_daemons(pair.d1, "taken out")
    pair.d1.run("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "eth0", "--syncid", "9")
    reload(pair, "somebody else's", "")
    expect_daemons(pair.d1, "somebody else's, without lvs_sync_daemon", "backup")
    pair.d1.run("ipvsadm", "--stop-daemon", "backup")
    reload(pair, "back in", "eth0 inst VI_1")
    expect_daemons(pair.d1, "back in", "master", has="syncid=51")

    pair.d1.daemon.stop()
    expect_daemons(pair.d1, "stop")
    expect_daemons(pair.d2, "failover", "master", has="syncid=51")


run(main)
