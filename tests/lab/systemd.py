#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120 ip_vs=no
"""A lone director under Debian's systemd, which runs as the first process of a container, with the
unit file as it is installed: start, restart under traffic, reload, kill -9, and stop."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import (ECHO_PORT, Node, Probe, Switch, expect, need, note, run, skip_all,  # noqa: E402
                 wait_for)
from lab.daemon import installed  # noqa: E402
from lab.net import OUT  # noqa: E402
from lab.traffic import program  # noqa: E402

SYSTEMD = "/lib/systemd/systemd"
VIP = "10.0.0.100"
LOG = f"{OUT}/tandem.log"
# What the unit asks for beside itself; the rest of a machine is not started.
TARGETS = ("sysinit", "basic", "shutdown", "network-online", "default")
# The container's mounts are its own, and so is /usr/local; there systemd is the first process.
INSIDE = f"""
mount --make-rprivate / &&
mount --bind {{tree}} /usr/local &&
mount -t tmpfs tmpfs /var/lib &&
umount -l /sys/fs/cgroup; mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
exec env container=lab SYSTEMD_UNIT_PATH=/run/units {SYSTEMD} --system --log-target=console
"""


def config(priority):
    return ("vrrp_instance VI_1 {\n    state MASTER\n    interface eth0\n    version 3\n"
            f"    virtual_router_id 51\n    priority {priority}\n    advert_int 0.1\n"
            f"    virtual_ipaddress {{\n        {VIP}/24\n    }}\n}}\n")


def control_groups():
    """Where cgroup2 is mounted, and a group can be made; None: nowhere."""
    with open("/proc/mounts") as f:
        mounts = [line.split() for line in f]
    return next((m[1] for m in mounts if m[2] == "cgroup2" and os.access(m[1], os.W_OK)
                 and "rw" in m[3].split(",")), None)


class Container:
    """systemd, with tandem's unit; started on a node."""

    def __init__(self, node, above):
        self.tree = os.path.dirname(installed("."))
        self.group = f"{above}/lab-{os.getpid()}-{int(time.time())}"
        os.mkdir(self.group)
        self._write_units()
        self.configure(150)
        start = (f"echo $$ >{self.group}/cgroup.procs; exec unshare --pid --mount --ipc --cgroup"
                 ' --fork --kill-child --mount-proc sh -c "$0"')
        self.proc = node.spawn(["sh", "-c", start, INSIDE.format(tree=self.tree)],
                               log="systemd.log")

    def _write_units(self):
        os.makedirs("/run/units/tandem.service.d")
        for target in TARGETS:
            with open(f"/run/units/{target}.target", "w") as f:
                f.write("[Unit]\nDefaultDependencies=no\n")
        shutil.copy(installed("lib/systemd/system/tandem.service"), "/run/units")
        for name in ("run", "lib"):
            os.makedirs(f"{self.tree}/var/{name}", exist_ok=True)
        with open("/run/units/tandem.service.d/lab.conf", "w") as f:
            # A package has its run directory in /run, and there is no journal here.
            f.write(f"[Service]\nReadWritePaths=/usr/local/var\nStandardOutput=append:{LOG}\n"
                    f"StandardError=append:{LOG}\n")
        os.makedirs(f"{self.tree}/etc/default", exist_ok=True)
        with open(f"{self.tree}/etc/default/tandem", "w") as f:
            f.write('TANDEMD_OPTIONS="--log-console"\n')

    def configure(self, priority):
        os.makedirs(f"{self.tree}/etc/tandem", exist_ok=True)
        with open(f"{self.tree}/etc/tandem/tandem.conf", "w") as f:
            f.write(config(priority))

    def ctl(self, *args):
        """systemctl's (exit status, output); systemd answers its own processes only."""
        done = subprocess.run(["nsenter", "--target", str(self.first_pid()), "--pid", "--mount",
                               "systemctl", *args], capture_output=True, text=True, timeout=60)
        return done.returncode, (done.stdout + done.stderr).strip()

    def first_pid(self):
        """systemd's own, seen from here."""
        pid = self.proc.pid
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return int(f.read() or pid)

    def main_pid(self):
        return self.ctl("show", "--property=MainPID", "--value", "tandem")[1]

    def state(self):
        return self.ctl("is-active", "tandem")[1]

    def roles(self):
        """{(name, pid)} of what is in the unit's control group, but for tandemd."""
        found = set()
        with contextlib.suppress(OSError):
            with open(f"{self.group}/system.slice/tandem.service/cgroup.procs") as f:
                for pid in f.read().split():
                    found.add((os.path.basename(os.readlink(f"/proc/{pid}/exe")), pid))
        return {role for role in found if role[0] != "tandemd"}

    def end(self):
        self.proc.send_signal(signal.SIGKILL)
        self.proc.wait()
        if not wait_for(self._removed, 5):
            note(f"{self.group} is left")

    def _removed(self):
        """What is killed leaves its control group in a moment."""
        with contextlib.suppress(OSError):
            for inner, _, _ in os.walk(self.group, topdown=False):
                os.rmdir(inner)
        return not os.path.exists(self.group)


def log_text():
    with contextlib.suppress(OSError), open(LOG, errors="replace") as f:
        return f.read()
    return ""


def holds(node):
    return f" {VIP}/" in node.run("ip", "-4", "-o", "addr", "show", "dev", "eth0")


def transitions():
    return re.findall(r"VI_1: [A-Z]+ → [A-Z]+.*", log_text())


def probed(client, node, what, act):
    """act() loses no packet, and changes no state."""
    told, probe = transitions(), Probe(client, VIP, ECHO_PORT)
    time.sleep(0.3)
    code, said = act()
    expect(code == 0, what, said)
    time.sleep(1)
    probe.end()
    saw = probe.result()
    note(f"{what}: {saw.lost} of {saw.sent} probes lost")
    expect(saw.lost == 0, f"{what}: no probe is lost", (saw.lost, saw.outage_ms))
    expect(transitions() == told, f"{what}: no transition", transitions())
    expect(holds(node), f"{what}: the address stays")


def scenario(client, node, box):
    expect(wait_for(lambda: box.ctl("is-active", "default.target")[1] == "active", 20),
           "systemd runs", box.ctl("status", "--no-pager")[1])
    code, said = box.ctl("start", "tandem")
    expect(code == 0 and box.state() == "active", "systemctl start", said + log_text()[-600:])
    expect(wait_for(lambda: holds(node), 10), "the address comes", log_text()[-600:])
    main, roles = box.main_pid(), box.roles()
    expect("tandem-vrrp" in dict(roles), "the roles are in the unit's control group", roles)

    probed(client, node, "systemctl restart", lambda: box.ctl("restart", "tandem"))
    expect(box.main_pid() != main, "it is another tandemd", main)
    # The stand-by of a role is another one.
    expect(dict(roles & box.roles()).keys() == dict(roles).keys(), "with the same roles",
           (roles, box.roles()))
    expect(box.state() == "active", "and active")

    box.configure(140)
    probed(client, node, "systemctl reload", lambda: box.ctl("reload", "tandem"))
    expect("VI_1: priority 150 → 140" in log_text(), "what changed is done", log_text()[-300:])
    with open(f"{box.tree}/etc/tandem/tandem.conf", "w") as f:
        f.write("vrrp_instance VI_1 {\n")
    expect(box.ctl("reload", "tandem")[0] != 0, "systemctl reload fails with a wrong file")
    expect(box.state() == "active" and holds(node), "and nothing has happened")
    box.configure(140)

    main = box.main_pid()
    probed(client, node, "kill -9 of tandemd",
           lambda: box.ctl("kill", "--kill-whom=main", "--signal=KILL", "tandem"))
    expect(wait_for(lambda: box.state() == "active" and box.main_pid() not in ("0", main), 10),
           "systemd starts it again", (box.state(), log_text()[-300:]))

    code, said = box.ctl("stop", "tandem")
    expect(code == 0 and box.state() == "inactive", "systemctl stop", (said, box.state()))
    expect(not holds(node) and not box.roles(), "nothing is left", box.roles())


def main():
    need(modules=["veth", "bridge"], programs=[SYSTEMD, "systemctl"])
    above = control_groups()
    if not above:
        skip_all("no cgroup2 here that a group can be made in")
    lan, client, node = Switch("lan"), Node("client"), Node("d1")
    client.plug("eth0", lan, "10.0.0.50/24")
    node.plug("eth0", lan, "10.0.0.1/24")
    node.spawn([program("echo"), "-p", str(ECHO_PORT)])
    box = Container(node, above)
    try:
        scenario(client, node, box)
    finally:
        box.end()


run(main)
