#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=300
"""All real servers of a pool fail at once, and come back at once: a picture of their weights in the kernel over time,
for tandem with max_ejection and slow_start, and for keepalived, which has neither.

    bench/run pool [SERVERS]

pool_least        servers in the table at the worst moment: less is a service that is gone
pool_steepest     by how much of the pool's whole weight it rises within half a second when all come back
pool_whole        until all have their whole weight again

pool-KIND.svg beside the log is the same picture."""

import socket
import sys
import time

from common import KINDS, Figures, need, note
from lab import KINDS as DAEMONS, Node, Switch
from lab.net import OUT
from lab.weights import Film

VIP, PORT, SLOW_START_S = "10.0.0.250", 8000, 8
MORE = {"tandem": f"max_ejection 50%\nslow_start {SLOW_START_S}\n", "keepalived": ""}
STEP_S = 0.5


def config(kind, servers):
    reals = "".join(f"real_server 10.0.0.{i} {PORT} {{\nweight 100\nTCP_CHECK {{\nconnect_timeout 1\nwarmup 0\n"
                    "retry 1\ndelay_before_retry 0.2\n}\n}\n" for i in servers)
    return (f"global_defs {{\nrouter_id bench\n}}\nvirtual_server {VIP} 80 {{\ndelay_loop 0.5\nlb_algo wrr\nlb_kind NAT\n"
            f"protocol TCP\n{MORE[kind]}{reals}}}\n")


class Pool:
    """All servers, which live and die together; the kernel shakes hands by itself."""

    def __init__(self, node, servers):
        self.node, self.servers, self.socks = node, servers, []

    def start(self):
        with self.node.inside():
            self.socks = [socket.create_server((f"10.0.0.{i}", PORT), backlog=4096) for i in self.servers]

    def stop(self):
        for sock in self.socks:
            sock.close()


def steepest(film, since_s, whole):
    """Percent of the whole."""
    sums = film.sums(since_s)
    rises = [later - now for at, now in sums for at_later, later in sums if 0 < at_later - at <= STEP_S]
    return 100 * max(rises, default=0) / whole


def trial(kind, node, web, servers, figures):
    pool, film = Pool(web, servers), Film(node, servers)
    whole = {i: 100 for i in servers}
    pool.start()
    daemon = DAEMONS[kind](node, config(kind, servers), detail=False)
    daemon.start()
    if not film.until(lambda w: w == whole, 30):
        note(daemon.log_text()[-1000:])
        raise SystemExit(f"{kind}: the pool is not whole: {film.now()}")
    film = Film(node, servers)
    film.run(2)
    film.mark("all fail")
    pool.stop()
    film.run(5)
    least = min(len(found) for _, found in film.samples)
    film.mark("all are back")
    back_s = film.marks[-1][0]
    pool.start()
    film.until(lambda w: w == whole, 4 * SLOW_START_S)
    figures.add("pool_least", "servers", kind, least)
    figures.add("pool_steepest", "%", kind, round(steepest(film, back_s, 100 * len(servers)), 1))
    figures.add("pool_whole", "s", kind, round(film.samples[-1][0] - back_s, 1))
    film.run(1)
    print(f"\n{kind}: weights in the kernel, half a second a character\n{film.text(STEP_S)}", flush=True)
    film.svg(f"{OUT}/pool-{kind}.svg", f"{kind}: weights in the kernel")
    daemon.stop()
    pool.stop()
    time.sleep(0.5)


def main():
    need(modules=["ip_vs"], programs=["keepalived"])
    servers = range(11, 11 + (int(sys.argv[1]) if len(sys.argv) > 1 else 10))
    switch, one, web, figures = Switch("sw"), Node("one"), Node("web"), Figures()
    one.plug("eth0", switch, "10.0.0.1/24", f"{VIP}/24")
    web.plug("eth0", switch, *[f"10.0.0.{i}/24" for i in servers])
    for kind in KINDS:
        trial(kind, one, web, servers, figures)
    figures.tell()


main()
