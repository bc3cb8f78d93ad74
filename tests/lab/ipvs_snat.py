#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90 memory=768 guest=qemu
"""lvs_method SNAT: real servers without a route back serve clients of another network, and see the
director's address. The table is put back when somebody flushes it, and gone after the stop."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ECHO_PORT, Pair, expect, run, wait_for


def table(node):
    return node.run("nft", "list", "table", "inet", "tandem_ipvs", check=False)


def peers(pair):
    """Whom the real servers talk to."""
    said = "".join(r.run("ss", "-Htn", "state", "established", f"sport = :{ECHO_PORT}")
                   for r in pair.reals)
    return {line.split()[3].rsplit(":", 1)[0] for line in said.splitlines()}


def main():
    pair = Pair(mode="snat", advert_s=1)
    # An emulated machine takes seconds to load what nftables needs.
    pair.client.run("nft", "table inet warm { chain c { type nat hook postrouting priority 100; "
                    "ct original ip daddr 192.0.2.1 masquerade; }; }")
    pair.start()
    whole = wait_for(lambda: table(pair.d1).count("masquerade") == 2 * len(pair.reals), 15)
    expect(whole, "a rule for each real server", table(pair.d1))
    conntrack = pair.d1.run("cat", "/proc/sys/net/ipv4/vs/conntrack").strip()
    expect(conntrack == "1", "IPVS keeps conntrack entries", conntrack)

    with pair.traffic(sessions=20) as seen:
        who = wait_for(lambda: peers(pair), 10)
        own = [pair.address(1, i) for i in (1, 2)]  # slow as it is, they may have changed places
        expect(who and all(any(a in w for a in own) for w in who), "the real servers see a director's address", who)
        pair.d1.run("nft", "flush", "ruleset")
        expect(wait_for(lambda: "masquerade" in table(pair.d1), 15),
               "a flushed table is put back", table(pair.d1))
        expect("was gone: set again" in pair.d1.daemon.log_text(), "and the log says so")
    expect(seen.sessions.alive == seen.sessions.asked, "no session is lost", vars(seen.sessions))

    pair.d1.daemon.stop()
    expect(not table(pair.d1), "nothing is left after the stop", table(pair.d1))
    conntrack = pair.d1.run("cat", "/proc/sys/net/ipv4/vs/conntrack").strip()
    expect(conntrack == "0", "and vs.conntrack is as it was", conntrack)


run(main)
