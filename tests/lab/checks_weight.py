#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60
"""The weight that misc_dynamic gives reaches the kernel's table, also over the death of every role,
and goes with the keyword."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Tandem, expect, need, run, wait_for  # noqa: E402
from lab.weights import weights  # noqa: E402

DIR = "/run/lab-one"


def config(dynamic="misc_dynamic"):
    reals = "".join(f"real_server 10.0.0.{i} 80 {{\n weight 9\n MISC_CHECK {{\n misc_path \"{DIR}/weight {i}\"\n {dynamic}\n"
                    " misc_timeout 10\n retry 0\n warmup 0\n }\n }\n" for i in (1, 2))
    return ("global_defs {\n router_id one\n script_user root\n}\nvirtual_server 10.0.0.100 80 {\n lb_algo wrr\n"
            f" lb_kind NAT\n protocol TCP\n delay_loop 0.5\n {reals} }}\n")


def give(server, status):
    with open(f"{DIR}/status{server}.new", "w") as f:
        f.write(f"{status}\n")
    os.rename(f"{DIR}/status{server}.new", f"{DIR}/status{server}")


def expect_weights(node, want, what):
    expect(wait_for(lambda: weights(node) == want, 15, 0.1), what, f"{weights(node)}, wanted {want}")


def main():
    need(modules=["ip_vs"])
    one = Node("one")
    tandem = Tandem(one, config())
    with open(f"{DIR}/weight", "w") as f:
        f.write(f"#!/bin/sh\nexit $(cat {DIR}/status$1)\n")
    os.chmod(f"{DIR}/weight", 0o755)
    give(1, 0)
    give(2, 22)
    tandem.start()
    expect_weights(one, {1: 9, 2: 20}, "status 0 leaves the weight, 22 makes it 20")
    give(1, 2)
    expect_weights(one, {1: 0, 2: 20}, "status 2 makes it 0, and the server stays in the table")
    give(2, 1)
    expect_weights(one, {1: 0}, "status 1 takes it out")
    give(2, 7)
    expect_weights(one, {1: 0, 2: 5}, "and 7 puts it back with weight 5")
    give(2, 0)
    for name, pid in tandem.roles().items():
        os.kill(pid, signal.SIGKILL)
        expect(tandem.wait_role(name, pid), f"{name} is started again")
    expect_weights(one, {1: 0, 2: 5}, "the weights are the same after the death of every role")
    code, text = tandem.reload(config(dynamic=""))
    expect(code == 0, "a reload without misc_dynamic", text)
    give(1, 0)
    expect_weights(one, {1: 9, 2: 9}, "brings the configured weights back")
    expect(tandem.stop() == 0 and weights(one) == {}, "it stops in order", weights(one))


run(main)
