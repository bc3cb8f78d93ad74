#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""MISC_CHECK: scripts that pass, fail, hang, give a weight, run as somebody; FILE_CHECK: a file's
number moves the weight or takes the server out; over the death of tandem-check and of the
supervisor."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Tandem, expect, run, wait_for  # noqa: E402

DIR = "/run/lab-one"
SCRIPTS = {
    "pass": "exit 0",
    "fail": "exit 3",
    "hang": "trap '' TERM; sleep 1000",
    "killed": "kill -9 $$",
    "weight": f"exit $(cat {DIR}/status)",
    "count": f"echo x >>{DIR}/counted",
    "who": "test $(id -un) = nobody",
    "words": 'test "$1|$2" = "a b|c"',
}

# (what it is, the check's lines, is it up, its result in words)
CASES = [
    ("a script that passes", f"misc_path {DIR}/pass", True, "exit status 0 in"),
    ("one that fails", f"misc_path {DIR}/fail", False, "exit status 3 after"),
    ("one that hangs", f"misc_path {DIR}/hang\n misc_timeout 0.3", False, r"not done in 0.300 s: ended"),
    ("one that is killed", f"misc_path {DIR}/killed", False, "ended by signal 9"),
    ("a weight", f"misc_path {DIR}/weight\n misc_dynamic", True, "exit status 7, weight 5, in"),
    ("a status that is no weight", f"misc_path {DIR}/weight", False, "exit status 7 after"),
    ("one that is not there", f"misc_path {DIR}/nothing", True, f"not run: {DIR}/nothing: No such file"),
    ("a user", f"misc_path {DIR}/who\n user nobody", True, "exit status 0"),
    ("no such user", f"misc_path {DIR}/who\n user nemo", True, "not run: there is no user nemo"),
    ("arguments", f"misc_path \"{DIR}/words 'a b' c\"", True, "exit status 0"),
    ("one that counts", f"misc_path {DIR}/count\n delay_loop 0.2", True, "exit status 0"),
]


# Server 1 takes its weight from one file, another one may take it out.
FILES = f"""
track_file load {{
 file {DIR}/load
 weight -2
}}
track_file drain {{
 file {DIR}/drain
 weight 0
}}
virtual_server 10.0.0.101 80 {{
 lb_algo wrr
 lb_kind NAT
 protocol TCP
 alpha
 retry 5
 real_server 10.0.0.1 80 {{
  weight 100
  FILE_CHECK {{
   track_file load
  }}
  FILE_CHECK {{
   track_file drain
  }}
 }}
}}
"""


def config():
    reals = "".join(f"real_server 10.0.0.{i + 1} 80 {{\n weight 9\n MISC_CHECK {{\n retry 0\n warmup 0\n {check}\n }}\n}}\n"
                    for i, (_, check, _, _) in enumerate(CASES))
    return ("global_defs {\n router_id one\n script_user root\n}\nvirtual_server 10.0.0.100 80 {\n lb_algo rr\n"
            f" lb_kind NAT\n protocol TCP\n delay_loop 1\n {reals} }}\n{FILES}")


def write(name, text, mode=0o644):
    with open(f"{DIR}/{name}", "w") as f:
        f.write(text)
    os.chmod(f"{DIR}/{name}", mode)


def server(tandem, i, service=0):
    status = tandem.status()
    servers = status["services"][service]["real_servers"] if status and status["services"] else []
    return servers[i] if servers else None


def result(tandem, i):
    real = server(tandem, i)
    check = real["checks"][0] if real else {}
    return check.get("up"), check.get("result", "")


def fits(tandem, i):
    _, _, up, words = CASES[i]
    seen = result(tandem, i)
    return seen[0] is up and re.search(words, seen[1])


def counted():
    with open(f"{DIR}/counted") as f:
        return len(f.readlines())


def counts_on(seconds=3):
    before = counted()
    return wait_for(lambda: counted() > before + 2, seconds)


def proc_status(pid):
    with open(f"/proc/{pid}/status") as f:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in f)}


def has_few_rights(tandem):
    status = proc_status(tandem.roles()["tandem-check"])
    for kind in ("CapEff", "CapPrm", "CapInh"):
        expect(int(status[kind], 16) == 1 << 13, f"tandem-check: {kind} is CAP_NET_RAW alone", status[kind])
    expect(status["Seccomp"] == "2", "and its system calls are filtered", status["Seccomp"])


def file_says(tandem, up, words):
    def holds():
        real = server(tandem, 0, 1)
        return real and real["up"] is up and words in [c["result"] for c in real["checks"]]
    return wait_for(holds, 5)


def files_move_weights(tandem):
    expect(file_says(tandem, True, "holds 30: -60"), "a file's number moves the weight")
    expect("weight 100 -> 40: holds 30: -60" in tandem.log_text(), "which is told")
    write("load", "70")
    expect(file_says(tandem, True, "holds 70: -140"), "another number")
    expect(wait_for(lambda: "weight 40 -> 0: holds 70: -140" in tandem.log_text(), 3), "0 is the least")
    os.unlink(f"{DIR}/load")
    expect(file_says(tandem, True, "holds 0: +0"), "without the file it is as configured")
    write("drain", "1")
    expect(file_says(tandem, False, "holds 1"), "with weight 0 a number takes it out")
    expect("down: FILE_CHECK drain: holds 1" in tandem.log_text(), "at once, and why", tandem.log_text()[-300:])
    tandem.reload(config().replace("weight -2", "weight 3"))
    write("load", "5")
    expect(file_says(tandem, False, "holds 5: +15"), "a reload brings another weight")


def files_are_remembered(tandem):
    expect(file_says(tandem, False, "holds 5: +15"), "the files' numbers are known to the next tandem-check")
    write("drain", "0")
    expect(file_says(tandem, True, "holds 0"), "and heeded by it")


def main():
    one = Node("one")
    tandem = Tandem(one, config())
    os.chmod(DIR, 0o755)
    for name, text in SCRIPTS.items():
        write(name, f"#!/bin/sh\n{text}\n", 0o755)
    write("status", "7")
    write("load", "30")
    tandem.start()
    for i, (what, _, up, words) in enumerate(CASES):
        ok = wait_for(lambda i=i: fits(tandem, i), 8, 0.1)
        expect(ok, f"{what}: {result(tandem, i)[1]}", f"wanted {up}, {words}")

    write("status", "12")
    expect(wait_for(lambda: "weight 5 -> 10" in tandem.log_text(), 5), "a new weight is told")
    write("status", "1")
    expect(wait_for(lambda: server(tandem, 4)["up"] is False, 5), "status 1 takes it out")

    files_move_weights(tandem)
    has_few_rights(tandem)
    pid = tandem.roles()["tandem-check"]
    os.kill(pid, signal.SIGKILL)
    expect(tandem.wait_role("tandem-check", pid), "tandem-check is started again")
    files_are_remembered(tandem)
    expect(counts_on(), "scripts run on")
    tandem.proc.kill()
    tandem.proc.wait()
    tandem.start()
    expect(counts_on(8), "and under the next supervisor", tandem.log_text()[-400:])
    expect("refused itself" not in tandem.log_text(), "no system call was refused")
    expect(tandem.stop() == 0, "it stops in order")
    before = counted()
    expect(not wait_for(lambda: counted() > before + 1, 1), "and then no script runs")


run(main)
