#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""AGENT_CHECK and HAProxy's agent-check ask the same agents: both make the same of every word, also of what
a later line leaves out."""

import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, certificates, expect, need, responders, run, wait_for  # noqa: E402

WEB, AGENTS, DIR, PYTHON = "10.0.0.2", 7100, "/run/lab-one", "/usr/bin/python3"
# Each is said by an agent of its own, one line after the other.
STORIES = (
    ("up\n", "75%\n", "up 25%\n", "200%\n", "0%\n", "up 100%\n"),
    ("down # the disk is full\n", "75%\n", "up\n", "fail\n", "stopped\n", "up 10%\n"),
    ("drain\n", "up\n", "50%\n", "ready\n", "maint\n", "up\n", "ready\n"),
    ("up,ready 50%\n", "down,drain\n", "ready\n", "up\n"),
    ("up ready\n", "nonsense\n", "drain", "\n", "ready 33%\r\n", "DOWN\n", "Up 44%\n"),
)
# Lines that say nothing, and what is said of them.
NOTHING = {"nonsense\n": "not in its language", "\n": "not in its language", "drain": "in the middle of its line"}
SOCKET = f"{DIR}/haproxy.sock"
MAINT, DRAIN = 0x01, 0x08  # of srv_admin_state


def tandem_config():
    servers = "".join(f"real_server {WEB} {1000 + i} {{\n weight 100\n AGENT_CHECK {{\n connect_port {AGENTS + i}\n retry 0\n warmup 0\n"
                      " delay_loop 0.2\n delay_before_retry 0.2\n connect_timeout 2\n }\n }\n" for i in range(len(STORIES)))
    return ("global_defs {\n router_id one\n}\nvirtual_server 10.0.0.100 80 {\n lb_algo wrr\n lb_kind NAT\n protocol TCP\n"
            f" {servers} }}\n")


def start_haproxy(node):
    servers = "".join(f" server s{i} {WEB}:80 weight 100 agent-check agent-port {AGENTS + i} agent-inter 200ms\n" for i in range(len(STORIES)))
    with open(f"{DIR}/haproxy.cfg", "w") as f:
        f.write(f"global\n stats socket {SOCKET} level admin\ndefaults\n mode tcp\n timeout connect 2s\n timeout client 2s\n timeout server 2s\n"
                f"frontend f\n bind 127.0.0.1:99\n default_backend b\nbackend b\n{servers}")
    node.spawn(["haproxy", "-db", "-f", f"{DIR}/haproxy.cfg"], log="haproxy.log")


def haproxys():
    """For each server (is up, administrative state, percent of its weight); what is in maintenance is not asked for more."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(SOCKET)
        sock.sendall(b"show servers state b\n")
        text = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
    lines = [line.split() for line in text.splitlines() if line.startswith("3 ") or " s" in line[:12]]
    found = []
    for words in (w for w in lines if len(w) > 8 and w[3].startswith("s")):
        state, admin, weight = int(words[5]), int(words[6]), int(words[7])
        found.append(("maint",) if admin & MAINT else (state != 0, "drain" if admin & DRAIN else "ready", weight))
    return found


def tandems(tandem):
    status = tandem.status()
    checks = [s["checks"][0] for s in status["services"][0]["real_servers"]] if status and status["services"] else []
    return [("maint",) if c["agent_admin"] == "maint" else (c["up"], c["agent_admin"], c["agent_percent"]) for c in checks if c.get("has_run")]


def say(i, line):
    path = f"{responders.DIR}/{AGENTS + i}"
    with open(f"{path}.new", "w") as f:
        f.write(line)
    os.rename(f"{path}.new", path)


def heard(tandem, i, line):
    status = tandem.status()
    said = status["services"][0]["real_servers"][i]["checks"][0]["result"]
    return NOTHING.get(line, line.strip()) in said


def follow(tandem, step):
    told = {i: story[step] for i, story in enumerate(STORIES) if step < len(story)}
    for i, line in told.items():
        say(i, line)
    wait_for(lambda: all(heard(tandem, i, line) for i, line in told.items()), 6, 0.1)
    wait_for(lambda: haproxys() == tandems(tandem), 4, 0.2)
    ours, theirs = tandems(tandem), haproxys()
    for i, line in told.items():
        expect(ours[i] == theirs[i] and heard(tandem, i, line), f"agent {i + 1} says {line.strip()!r}: {ours[i]}", f"HAProxy: {theirs[i]}")


def main():
    need(programs=["haproxy", "openssl"])
    if subprocess.run([PYTHON, "-c", "import grpc"], capture_output=True).returncode:
        need(programs=["python3-grpcio"])
    switch, one, web = Switch("sw"), Node("one"), Node("web")
    one.plug("eth0", switch, "10.0.0.1/24")
    web.plug("eth0", switch, f"{WEB}/24")
    tandem = Tandem(one, tandem_config())
    certificates.make(DIR)
    os.makedirs(responders.DIR, exist_ok=True)
    for i, story in enumerate(STORIES):
        say(i, story[0])
    web.spawn([PYTHON, "-m", "lab.responders", str(AGENTS), f"{DIR}/good.pem", f"{DIR}/key.pem"], log="responders.log",
              env={"PYTHONPATH": os.path.dirname(os.path.dirname(responders.__file__))})
    expect(wait_for(lambda: "ready" in open(f"{os.environ['LAB_OUT']}/responders.log").read(), 10, 0.1), "the agents listen")
    start_haproxy(one)
    tandem.start()
    expect(wait_for(lambda: os.path.exists(SOCKET) and len(tandems(tandem)) == len(haproxys()) == len(STORIES), 10, 0.2),
           "both ask them", (tandems(tandem), os.path.exists(SOCKET) and haproxys()))
    for step in range(max(map(len, STORIES))):
        follow(tandem, step)
    expect(tandem.stop() == 0, "it stops in order")


run(main)
