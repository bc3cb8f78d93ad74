#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90 ip_vs=no
"""The supervisor by itself: one director, its files, notify scripts, a broken file at a bad moment,
a role that hangs, a stop at any moment."""

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, note, run, wait_for  # noqa: E402

CONFIG = """
global_defs {{
    router_id one
    script_user root
}}
vrrp_instance web {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    version 3
    advert_int 0.1
    virtual_ipaddress {{
        10.0.0.100/24
    }}
    notify "{dir}/notify"
    notify_master "{dir}/notify alone"
}}
virtual_server 10.0.0.100 80 {{
    lb_algo rr
    lb_kind NAT
    protocol TCP
    delay_loop 1
    real_server 10.0.0.1 1 {{
        weight {weight}
        TCP_CHECK {{
            connect_timeout 1
            warmup 0
        }}
        notify_down "{dir}/notify server down"
    }}
}}
"""


class Director:
    """A node with a tandem, and what its notify scripts said."""

    def __init__(self):
        self.switch = Switch("sw")
        self.node = Node("one")
        self.node.plug("eth0", self.switch, "10.0.0.1/24")
        self.dir = "/run/lab-one"
        self.daemon = Tandem(self.node, "")
        with open(f"{self.dir}/notify", "w") as f:
            f.write(f"#!/bin/sh\necho \"$*\" >>{self.dir}/said\n")
        os.chmod(f"{self.dir}/notify", 0o755)

    def config(self, weight=7, priority=150):
        return CONFIG.format(dir=self.dir, weight=weight, priority=priority)

    def said(self):
        try:
            with open(f"{self.dir}/said") as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def start(self):
        self.daemon.start()
        return wait_for(self.runs, 15)  # adoption waits for 5 s

    def runs(self):
        status = self.daemon.status()
        return status and status["node"]["phase"] == "running" and status

    def state(self):
        status = self.runs()
        return status and status["vrrp_instances"][0]["state"]

    def file(self, name):
        return f"{self.dir}/tandem/{name}"

    def has_pid(self):
        """From here on a signal is heard, however early it comes."""
        try:
            with open(self.file("tandemd.pid")) as f:
                return f.read().strip() == str(self.daemon.proc.pid)
        except OSError:
            return False

    def kill_supervisor(self):
        self.daemon.proc.kill()
        self.daemon.proc.wait()


def start(one):
    one.daemon.configure(one.config(weight=1))
    expect(one.start(), "it starts, and is ready when every role is", one.daemon.log_text()[-500:])
    expect(wait_for(lambda: one.state() == "MASTER", 3), "it becomes MASTER", one.state())
    expect(wait_for(lambda: "server down" in one.said(), 5), "notify_down has run", one.said())
    vrrp = [line for line in one.said() if line != "server down"]
    expect(vrrp == ["INSTANCE web BACKUP 150", "alone", "INSTANCE web MASTER 150"],
           "notify scripts run in order, with keepalived's arguments", vrrp)


def report(one):
    code, text = one.daemon.ctl("status")
    expect(code == 0 and "node one  MASTER" in text and "! " in text, "status as text", text)
    status = one.daemon.status()
    server = status["services"][0]["real_servers"][0]
    expect(status["schema"] == "tandem.status/1" and server["up"] is False and
           server["checks"][0]["result"] == "connection refused", "status as JSON", server)
    sent = status["vrrp_instances"][0]["counters"]["adverts_sent"]
    time.sleep(0.5)
    now = one.daemon.status()["vrrp_instances"][0]["counters"]["adverts_sent"]
    expect(now > sent, "its counters are fresh", f"{sent}, then {now}")
    one.daemon.proc.send_signal(signal.SIGUSR1)
    one.daemon.proc.send_signal(signal.SIGUSR2)
    for name, words in (("keepalived.data", "State = MASTER"), ("keepalived.stats", "Became master: 1")):
        path = one.file(name)
        expect(wait_for(lambda p=path: os.path.exists(p), 2) and words in open(path).read(),
               f"{name} is written", words)


def reload(one):
    code, text = one.daemon.reload(one.config())
    expect(code == 0 and "1 real_server changed" in text, "a reload says what has changed", text)
    code, text = one.daemon.ctl("reload")
    expect(code == 0 and "nothing has changed" in text, "the same again is no change", text)
    code, text = one.daemon.reload(one.config(weight=8) + "}\n")
    expect(code == 1 and f"{one.daemon.file}:" in text, "a broken file is refused", text)
    for _ in range(5):
        one.daemon.proc.send_signal(signal.SIGHUP)
    expect(wait_for(lambda: "runs on" in one.daemon.log_text(), 2), "SIGHUP in quick succession")


def broken_file_and_death(one):
    """The file is still the broken one."""
    roles = one.daemon.roles()
    one.kill_supervisor()
    expect(one.start(), "it starts again although the file is broken", one.daemon.log_text()[-500:])
    expect(one.daemon.roles() == roles, "the roles are the same processes", one.daemon.roles())
    warnings = " ".join(one.runs()["warnings"])
    expect("last reload was not taken over" in warnings, "the status says so", warnings)
    code, _ = one.daemon.reload(one.config())
    expect(code == 0, "the mended file is taken")

    one.daemon.configure("}")
    one.daemon.kill()
    expect(one.start(), "the same when everything was killed", one.daemon.log_text()[-500:])
    expect(one.state() == "MASTER", "it goes on as MASTER", one.state())
    one.daemon.configure(one.config())


def aged_state(one):
    """Killed all together; when they come back, another router would have taken over long ago."""
    one.daemon.kill()
    time.sleep(2.5)
    expect(one.start(), "it starts after a while of silence")
    expect("web: was MASTER" in one.daemon.log_text(), "the state is too old to resume from",
           one.daemon.log_text()[-500:])
    expect(wait_for(lambda: one.state() == "MASTER", 3), "it is elected as from the beginning", one.state())


def hanging_role(one):
    pid = one.daemon.roles()["tandem-check"]
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    status = one.runs()
    took = time.monotonic() - began
    stale = [r["name"] for r in status["roles"] if r["stale"]]
    expect(stale == ["check"] and took < 2, "a role that does not answer is shown as stale", stale)
    one.kill_supervisor()
    expect(one.start(), "a hanging role does not keep a new supervisor from starting")
    expect(one.daemon.roles()["tandem-check"] != pid, "and is replaced", one.daemon.roles())


def stand_by(one):
    def spare():
        return one.runs()["roles"][0].get("stand_by_pid")

    first = wait_for(spare, 5)
    expect(first, "a second tandem-vrrp stands by", one.runs()["roles"][0])
    os.kill(first, signal.SIGKILL)
    second = wait_for(lambda: spare() not in (None, first) and spare(), 5)
    expect(second, "when it dies there is another one", one.runs()["roles"][0])
    one.daemon.reload(one.config(priority=140))
    os.kill(one.daemon.roles()["tandem-vrrp"], signal.SIGKILL)
    expect(wait_for(lambda: one.daemon.roles().get("tandem-vrrp") == second, 2),
           "it takes over when the one that serves dies", one.daemon.roles())
    web = one.runs()["vrrp_instances"][0]
    expect((web["state"], web["priority"]) == ("MASTER", 140), "on the model in force, as MASTER", web)
    one.kill_supervisor()
    expect(one.start() and one.daemon.roles()["tandem-vrrp"] == second,
           "a new supervisor finds the one that serves", one.daemon.roles())


def stop(one):
    before = len(one.said())
    one.kill_supervisor()
    one.daemon.start()
    expect(wait_for(lambda: one.has_pid(), 5, 0.001), "its pid is known")
    status = one.daemon.stop()
    expect(status == 0 and not one.daemon.roles(), "a stop while roles are adopted ends them too",
           one.daemon.roles())
    expect(one.said()[before:] == ["INSTANCE web STOP 140"],
           "notify has run for the stop, and for no resumption", one.said()[before:])
    left = sorted(os.listdir(f"{one.dir}/tandem"))
    expect("state" not in left and "control.sock" not in left, "nothing is left to resume from", left)
    addresses = json.loads(one.node.run("ip", "-j", "addr", "show", "dev", "eth0"))[0]["addr_info"]
    expect("10.0.0.100" not in [a["local"] for a in addresses], "the address is gone", addresses)
    for delay in (0, 0.003, 0.01, 0.03, 0.1):
        one.daemon.start()
        time.sleep(delay)
        status = one.daemon.stop()
        if not expect(status in (0, -signal.SIGTERM) and not one.daemon.roles(),
                      f"a stop {delay * 1000:.0f} ms after the start", f"{status} {one.daemon.roles()}"):
            note(one.daemon.log_text()[-2000:])


def main():
    one = Director()
    for step in (start, report, reload, broken_file_and_death, aged_state, hanging_role, stand_by, stop):
        step(one)


run(main)
