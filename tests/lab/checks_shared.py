#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=150 ip_vs=no
"""Many services with the same real servers: one probe for each target, counted at the servers; over
reloads and the death of tandem-check; and each service learns the result."""

import os
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, note, run, wait_for  # noqa: E402

SERVICES, SERVERS, PORT = 1000, 10, 8000
seen = []


def accept(sock):
    while True:
        try:
            sock.accept()[0].close()
        except OSError:
            return
        seen.append(time.monotonic())


def listen(node, host):
    with node.inside():
        sock = socket.create_server((f"10.0.0.{10 + host}", PORT), backlog=512)
    threading.Thread(target=accept, args=(sock,), daemon=True).start()
    return sock


def config(services=SERVICES):
    reals = "".join(f"real_server 10.0.0.{10 + i} {PORT} {{\n TCP_CHECK {{\n connect_timeout 1\n retry 0\n }}\n }}\n"
                    for i in range(SERVERS))
    return "global_defs {\n router_id one\n}\n" + "".join(
        f"virtual_server 10.9.{(i + 1) >> 8}.{(i + 1) & 255} 80 {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n delay_loop 1\n warmup 1\n {reals} }}\n"
        for i in range(services))


def probes_in(seconds):
    before = len(seen)
    time.sleep(seconds)
    return len(seen) - before


def ups(tandem):
    """For each real server, how many services have it up."""
    status = tandem.status()
    services = status["services"] if status else []
    return [sum(s["real_servers"][i].get("up", False) for s in services) for i in range(SERVERS)]


def histogram(tandem):
    """How many passes of one check have been counted."""
    status = tandem.status()
    checks = status["services"][0]["real_servers"][1]["checks"] if status and status["services"] else [{}]
    return sum(bucket["passes"] for bucket in checks[0].get("latency_histogram", []))


def expect_rate(what):
    n = probes_in(4)
    expect(4 * SERVERS * 0.5 <= n <= 4 * SERVERS * 1.5, f"{what}: {n} probes in 4 s of {SERVERS} servers a second")


def main():
    switch, one, web = Switch("sw"), Node("one"), Node("web")
    one.plug("eth0", switch, "10.0.0.1/24")
    web.plug("eth0", switch, "10.0.0.2/24")
    for i in range(SERVERS):
        web.ip(f"addr add 10.0.0.{10 + i}/24 dev eth0")
    socks = [listen(web, i) for i in range(SERVERS)]
    tandem = Tandem(one, config(), detail=False)
    tandem.start()
    expect(wait_for(lambda: ups(tandem) == [SERVICES] * SERVERS and len(seen) >= SERVERS, 10, 0.3), "all are up", ups(tandem))
    note(next((line for line in tandem.log_text().splitlines() if "different ones:" in line), ""))
    expect_rate(f"{SERVICES} services share")
    for n in range(20):
        tandem.reload(config(SERVICES - n % 2))
    expect(len(ups(tandem)) == SERVERS, "twenty reloads")
    expect_rate("and after them")
    socks[0].shutdown(socket.SHUT_RDWR)
    socks[0].close()
    expect(wait_for(lambda: ups(tandem)[0] == 0, 20, 0.3), "one that dies is down in every service", ups(tandem))
    expect(min(ups(tandem)[1:]) >= SERVICES - 1, "and no other is", ups(tandem))
    passes = histogram(tandem)
    pid = tandem.roles()["tandem-check"]
    os.kill(pid, signal.SIGKILL)
    expect(tandem.wait_role("tandem-check", pid), "tandem-check is started again")
    listen(web, 0)
    expect(wait_for(lambda: ups(tandem)[0] >= SERVICES - 1, 20, 0.3), "one that is back is up in every service", ups(tandem))
    expect(histogram(tandem) >= passes > 0, "how long its passes took is not forgotten", (passes, histogram(tandem)))
    expect_rate("and after all that")
    expect(tandem.stop() == 0, "it stops in order")


run(main)
