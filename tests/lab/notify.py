#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120 ip_vs=no
"""Notify FIFOs: the lines are keepalived's, as keepalived itself writes them in the same run; a
reader that comes late gets every line in order; nothing is told twice or lost when programs die; a
FIFO's script is kept running and gets the last line too."""

import contextlib
import os
import signal
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, need, note, run, wait_for  # noqa: E402

MANY = 250


def instance(i, extra=""):
    return (f"vrrp_instance V{i} {{\n    state BACKUP\n    interface eth0\n"
            f"    virtual_router_id {i}\n    priority 100\n    version 3\n    advert_int 0.2\n"
            f"    virtual_ipaddress {{\n        10.0.9.{i}/24\n    }}\n{extra}}}\n")


def global_defs(node, extra):
    return f"global_defs {{\n    router_id {node.name}\n    script_user root\n{extra}}}\n"


def fifos(node):
    return (f"    notify_fifo /run/{node.name}.all\n"
            f"    vrrp_notify_fifo /run/{node.name}.vrrp nobody\n"
            f"    vrrp_notify_fifo_script \"/run/{node.name}.reader script\"\n"
            "    fifo_write_vrrp_states_on_reload\n")


class Reader:
    """What is in a FIFO, read when asked; it is opened like a reader that comes and goes."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.text = ""

    def lines(self):
        with contextlib.suppress(BlockingIOError):
            while more := os.read(self.fd, 65536):
                self.text += more.decode()
        return self.text.splitlines()

    def close(self):
        os.close(self.fd)


def reader_script(node):
    path = f"/run/{node.name}.reader"
    with open(path, "w") as f:
        f.write(f'#!/bin/sh\nwhile read line; do echo "$1 $line" >>/run/{node.name}.read; done <$2\n')
    os.chmod(path, 0o755)


def was_read(node):
    with contextlib.suppress(OSError), open(f"/run/{node.name}.read") as f:
        return f.read().splitlines()
    return []


def by_object(lines):
    """{"INSTANCE "V1"": ["BACKUP 100", …]}: only the order of one object's lines is promised."""
    found = {}
    for line in lines:
        words = line.split()
        found.setdefault(" ".join(words[:2]), []).append(" ".join(words[2:]))
    return found


def with_group(node):
    group = "vrrp_sync_group G {\n    group {\n        V1\n        V2\n    }\n}\n"
    return (global_defs(node, fifos(node)) + group + instance(1) + instance(2) + instance(3) +
            instance(4, "    notify_deleted\n"))


def without_two(node):
    group = "vrrp_sync_group G {\n    group {\n        V1\n        V2\n    }\n}\n"
    return global_defs(node, fifos(node)) + group + instance(1) + instance(2)


def as_each_tells_it(node, kind):
    """The same configuration, a start and a reload that removes two instances."""
    reader_script(node)
    with contextlib.suppress(OSError):
        os.unlink(f"/run/{node.name}.read")
    node.daemon = KINDS[kind](node, with_group(node))
    node.daemon.start()
    ready = wait_for(lambda: len([x for x in was_read(node) if "MASTER" in x]) == 5, 10)
    expect(ready, f"{kind}: all become MASTER, which its FIFO's script is told", was_read(node))
    start = by_object(x.partition(" ")[2] for x in was_read(node))
    seen = len(was_read(node))
    node.daemon.reload(without_two(node))
    wait_for(lambda: any("DELETED" in x for x in was_read(node)[seen:]), 5)
    removed = by_object(x.partition(" ")[2] for x in was_read(node)[seen:])
    return start, {name: removed.get(name) for name in ('INSTANCE "V3"', 'INSTANCE "V4"')}


def same_lines(tandem, keepalived):
    told = {node.name: as_each_tells_it(node, kind)
            for node, kind in ((keepalived, "keepalived"), (tandem, "tandem"))}
    note(told["d2"])
    expect(told["d1"][0] == told["d2"][0], "start: every object's lines are keepalived's", told)
    expect(told["d1"][1] == told["d2"][1], "removal: FAULT and DELETED as keepalived's", told)


def owners(node):
    modes = {}
    for name in ("all", "vrrp"):
        st = os.stat(f"/run/{node.name}.{name}")
        modes[name] = (stat.S_ISFIFO(st.st_mode), oct(st.st_mode & 0o777), st.st_uid)
    nobody = int(subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True).stdout)
    expect(modes == {"all": (True, "0o600", 0), "vrrp": (True, "0o600", nobody)},
           "mode 600, root's or its owner's", modes)


def reader_is_kept(node):
    """The script is killed: another one takes over, and is told all that follows."""
    pids = node.run("pgrep", "-f", f"{node.name}.reader scrip[t]").split()
    for pid in pids:
        os.kill(int(pid), signal.SIGKILL)
    before = len(was_read(node))
    back = wait_for(lambda: set(node.run("sh", "-c", f"pgrep -f '{node.name}.reader scrip[t]'; true")
                                .split()) - set(pids), 5)
    expect(back, "a script that was killed is started again", node.daemon.log_text()[-400:])
    node.daemon.ctl("reload")  # nothing has changed: nothing is told
    pid = node.daemon.vrrp_pid()
    os.kill(pid, signal.SIGKILL)
    node.daemon.wait_role("tandem-vrrp", pid)
    expect(was_read(node)[before:] == [], "kill -9 of tandem-vrrp tells nobody anything",
           was_read(node)[before:])


def stop(node):
    """The last word arrives before the FIFO goes; one that was there before stays."""
    node.daemon.stop()
    last = by_object(x.partition(" ")[2] for x in was_read(node))
    expect(last['INSTANCE "V1"'][-1].startswith("STOP"), "the script reads the last line", last)
    gone = [p for p in ("all", "vrrp") if not os.path.exists(f"/run/{node.name}.{p}")]
    expect(gone == ["all", "vrrp"], "a stop removes the FIFOs that were made", gone)
    left = node.run("sh", "-c", f"pgrep -f '{node.name}.reader scrip[t]'; true")
    expect(not left.strip(), "and no script is left", left)


def late_reader(node):
    """Hundreds change at once, again and again, and nobody reads: then all of it is there."""
    path = f"/run/{node.name}.late"
    os.mkfifo(path, 0o640)
    config = (global_defs(node, f"    notify_fifo {path}\n") +
              "".join(instance(i) for i in range(1, MANY + 1)))
    node.daemon = KINDS["tandem"](node, config)
    node.daemon.start()

    def states():
        found = node.daemon.status()
        return {i["state"] for i in found["vrrp_instances"]} if found else None

    expect(wait_for(lambda: states() == {"MASTER"}, 15), f"{MANY} instances are MASTER", states())
    turns = 6
    for _ in range(turns):
        node.run("ip", "link", "set", "eth0", "down")
        wait_for(lambda: states() == {"FAULT"}, 10)
        node.run("ip", "link", "set", "eth0", "up")
        wait_for(lambda: states() == {"MASTER"}, 15)
    known = node.daemon.status()["notify_fifos"][0]
    note(f"while nobody reads: {known}")
    expect(known["lines_waiting"] > 0, "more than the pipe takes waits in its order", known)
    reader = Reader(path)
    want = MANY * (2 + 3 * turns)
    wait_for(lambda: len(reader.lines()) >= want, 10)
    lines = by_object(reader.lines())
    expected = ["BACKUP 100", "MASTER 100"] + ["FAULT 100", "BACKUP 100", "MASTER 100"] * turns
    wrong = {name: got for name, got in lines.items() if got != expected}
    expect(len(lines) == MANY and not wrong, f"{want} lines, each instance's in their order",
           dict(list(wrong.items())[:2]) or len(lines))
    known = node.daemon.status()["notify_fifos"][0]
    expect((known["lines_lost"], known["lines_waiting"]) == (0, 0), "none is lost", known)
    reader.close()
    node.daemon.stop()
    expect(os.path.exists(path), "a FIFO that was there before stays", "")


def main():
    need(modules=["veth", "bridge"], programs=["keepalived"])
    lans = [Switch("lan1"), Switch("lan2")]  # each alone: who is MASTER is not the question
    d1, d2 = Node("d1"), Node("d2")
    for i, (node, lan) in enumerate(zip((d1, d2), lans), 1):
        node.plug("eth0", lan, f"10.0.0.{i}/24")
    same_lines(d1, d2)
    d2.daemon.stop()
    owners(d1)
    reader_is_kept(d1)
    stop(d1)
    late_reader(d1)


run(main)
