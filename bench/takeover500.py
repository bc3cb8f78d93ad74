#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=600 ip_vs=no
"""A failover of one virtual router with 500 virtual addresses, half IPv4, half IPv6: from the
first sign on the wire that the Backup has taken over until every address has been announced once,
and until the last announcement of the burst (each address five times, as both do by default)."""

import argparse
import time

from capture import Capture
from common import KINDS, Figures, need, note
from crowd import instance
from lab import KINDS as DAEMONS, Node, Switch, wait_for

ADVERT_S = 0.1
REPEAT = 5  # garp_master_repeat


def addresses(n):
    """One is advertised, the others are `virtual_ipaddress_excluded`: those may be of both kinds."""
    return [f"10.1.{i // 250}.{i % 250 + 1}" if i % 2 == 0 else f"fd00::1:{i:x}" for i in range(n)]


def config(node, priority, vips):
    bits = {False: 32, True: 128}
    excluded = "".join(f"        {v}/{bits[':' in v]}\n" for v in vips[1:])
    more = f"    virtual_ipaddress_excluded {{\n{excluded}    }}\n"
    return (f"global_defs {{\n    router_id {node.name}\n}}\n"
            + instance("V1", "eth0", 51, priority, ADVERT_S, [f"{vips[0]}/32"], more))


class Pair:
    def __init__(self, vips):
        self.vips, self.lan = vips, Switch("lan")
        self.d1, self.d2 = self.directors = [Node(f"d{i}") for i in (1, 2)]
        for i, node in enumerate(self.directors, 1):
            node.plug("eth0", self.lan, f"10.0.0.{i}/24", f"fd00::{i}/64")

    def start(self, kind):
        for node, priority in zip(self.directors, (150, 100)):
            node.daemon = DAEMONS[kind](node, config(node, priority, self.vips), detail=False)
            node.daemon.start()
            if not wait_for(lambda: self.held(self.d1) == len(self.vips), 30):
                note(self.d1.daemon.log_text()[-2000:])
                raise SystemExit(f"{kind}: d1 has {self.held(self.d1)} addresses")
        time.sleep(1)

    def held(self, node):
        text = node.run("ip", "-o", "addr", "show", "dev", "eth0")
        return sum(line.split()[3].split("/")[0] in self.vips for line in text.splitlines())

    def take_over(self):
        """d1's wire goes dead. What d2 sends from then on, until it is quiet."""
        capture = Capture(self.lan)
        self.d1.links["eth0"].cut()
        if not wait_for(lambda: self.held(self.d2) == len(self.vips), 20, 0.2):
            raise SystemExit(f"d2 has {self.held(self.d2)} addresses")
        time.sleep(1)
        capture.stop()
        return capture

    def stop(self):
        for node in self.directors:
            node.daemon.kill()
            node.ip("addr flush dev eth0 scope global")
        for i, node in enumerate(self.directors, 1):
            node.links["eth0"].join()
            node.ip(f"addr add 10.0.0.{i}/24 dev eth0", f"addr add fd00::{i}/64 dev eth0")


def times_ms(capture, vips):
    """(all announced once, the burst is over), since the first advertisement or announcement."""
    told = [a for a in capture.announcements() if a.address in vips]
    adverts = [a.at_ns for a in capture.adverts() if a.source == "10.0.0.2"]
    start_ns = min(adverts[0], told[0].at_ns)
    first = {}
    for a in told:
        first.setdefault(a.address, a.at_ns)
    if len(first) != len(vips) or len(told) < REPEAT * len(vips):
        raise SystemExit(f"{len(told)} announcements of {len(first)} addresses")
    last_ns = told[REPEAT * len(vips) - 1].at_ns
    return [(at_ns - start_ns) / 1e6 for at_ns in (max(first.values()), last_ns)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", nargs="?", default=5, type=int)
    parser.add_argument("--vips", default=500, type=int)
    a = parser.parse_args()
    need(modules=["veth", "bridge"], programs=["keepalived"])
    figures, pair = Figures(), Pair(addresses(a.vips))
    for n in range(a.trials):
        for kind in KINDS:
            pair.start(kind)
            once_ms, all_ms = times_ms(pair.take_over(), set(pair.vips))
            pair.stop()
            note(f"trial {n + 1}, {kind}: each once {once_ms:.1f} ms, all {all_ms:.1f} ms")
            figures.add(f"takeover{a.vips}_each_once", "ms", kind, round(once_ms, 1))
            figures.add(f"takeover{a.vips}_last", "ms", kind, round(all_ms, 1))
    figures.tell()


main()
