#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120
"""All real servers fail at once: max_ejection keeps half of them in the table, and says so. They come
back at once: those that were out begin slowly, and go on so over the death of tandem-ipvs. The weights
over time are in weights.svg."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Tandem, expect, need, note, run  # noqa: E402
from lab.net import OUT  # noqa: E402
from lab.weights import Film, weights  # noqa: E402

SERVERS, DIR, SLOW_S = 10, "/run/lab-one", 8


def config():
    servers = "".join(f"real_server 10.0.0.{i} 80 {{\n weight 100\n MISC_CHECK {{\n misc_path \"{DIR}/up\"\n misc_timeout 10\n retry 0\n warmup 0.5\n }}\n }}\n"
                      for i in range(1, SERVERS + 1))
    return ("global_defs {\n router_id one\n script_user root\n}\n"
            f"virtual_server 10.0.0.100 80 {{\n lb_algo wrr\n lb_kind NAT\n protocol TCP\n delay_loop 0.5\n quorum 300\n"
            f" max_ejection 50%\n slow_start {SLOW_S}\n {servers} }}\n")


def service(tandem):
    status = tandem.status()
    return status["services"][0] if status else {}


def main():
    need(modules=["ip_vs"])
    one = Node("one")
    tandem = Tandem(one, config())
    with open(f"{DIR}/up", "w") as f:
        f.write(f"#!/bin/sh\nexec test ! -e {DIR}/dead\n")
    os.chmod(f"{DIR}/up", 0o755)
    tandem.start()
    watch, everybody = Film(one, range(1, SERVERS + 1)), {i: 100 for i in range(1, SERVERS + 1)}
    expect(watch.until(lambda w: w == everybody, 15), "all begin with their whole weight", watch.now())

    watch.mark("all fail")
    open(f"{DIR}/dead", "w").close()
    expect(watch.until(lambda w: len(w) == SERVERS // 2, 10), "all fail: half of them are taken out", watch.now())
    watch.run(2)
    kept = watch.now()
    expect(len(kept) == SERVERS // 2 and set(kept.values()) == {100}, "and no more, with their whole weight", kept)
    expect(tandem.log_text().count("but is kept: max_ejection of 50 % is reached") >= SERVERS // 2, "which is said loudly")
    expect(service(tandem)["servers_kept"] == SERVERS // 2 and service(tandem)["quorum_up"], "and in the status", service(tandem))
    _, text = tandem.ctl("explain", "rs", f"10.0.0.{min(kept)}:80")
    expect("would be taken out, but max_ejection 50 % is reached" in text, "and explained", text)
    pid = tandem.roles()["tandem-ipvs"]
    os.kill(pid, signal.SIGKILL)
    expect(tandem.wait_role("tandem-ipvs", pid), "tandem-ipvs is started again")
    watch.run(1)
    expect(watch.now() == kept, "and the same ones are kept", watch.now())

    watch.mark("all are back")
    os.unlink(f"{DIR}/dead")
    expect(watch.until(lambda w: len(w) == SERVERS, 10), "all come back", watch.now())
    first = len(watch.samples) - 1
    out = [i for i in everybody if i not in kept]
    expect(all(watch.now()[i] <= 30 for i in out), "those that were out begin slowly", watch.now())
    expect(watch.until(lambda w: min(w[i] for i in out) >= 40, 10), "and go on", watch.now())
    pid = tandem.roles()["tandem-ipvs"]
    os.kill(pid, signal.SIGKILL)
    watch.mark("tandem-ipvs dies")
    expect(watch.until(lambda w: w == everybody, SLOW_S + 8), "to their whole weight, also over its death", watch.now())
    ramp = [found for _, found in watch.samples[first:]]
    for i in out:
        values = [found[i] for found in ramp if i in found]
        steps = [b - a for a, b in zip(values, values[1:])]
        # A tenth of the way in each step of 0.5 s; twice that where a busy machine or the death held one up.
        expect(min(steps) >= 0 and max(steps) <= 35, f"10.0.0.{i} rises in small steps", values)
    expect(all(found.get(i) == 100 for found in ramp for i in kept), "those that were kept never left their weight")
    watch.svg(f"{OUT}/weights.svg")
    note(watch.text())
    expect(tandem.stop() == 0 and weights(one) == {}, "it stops in order", weights(one))


run(main)
