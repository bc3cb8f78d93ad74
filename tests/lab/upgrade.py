#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=300
"""Other programs take the place of those that run, under traffic: tandemctl upgrade, and a restart
of tandemd, of the active director of a pair and of one that is alone; also from a version whose
messages are others, and not when the new programs don't work.

upgrade.py [--daemon tandem|keepalived]     keepalived: a restart, for comparison"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import (ECHO_PORT, KINDS, Pair, Probe, Sessions, Traffic, expect,  # noqa: E402
                 figures, note, now_us, run, wait_for)
from lab.daemon import installed  # noqa: E402

PROGRAMS = ["sbin/tandemd"] + [f"libexec/tandem/tandem-{r}" for r in ("vrrp", "check", "ipvs")]
# A field's name is all that tells versions apart that number their messages alike.
FIELD, OTHER = b"u32:rivals", b"u32:rivalz"


def install(change=lambda name, program: program):
    """Put other files in the place of the programs, as a package does: written anew, and renamed."""
    for name in PROGRAMS:
        path = installed(name)
        with open(path, "rb") as f:
            program = f.read()
        with open(f"{path}.new", "wb") as f:
            f.write(change(name, program))
        os.chmod(f"{path}.new", 0o755)
        os.rename(f"{path}.new", path)


def other_messages(name, program):
    return program.replace(FIELD, OTHER) if FIELD in program else program.replace(OTHER, FIELD)


def upgrade(pair):
    install()
    code, said = pair.d1.daemon.ctl("upgrade")
    expect(code == 0, "tandemctl upgrade says that it is done", said)
    note(said)


def leave_and_start(daemon):
    code, said = daemon.ctl("leave")
    expect(code == 0, "tandemctl leave: tandemd ends", said)
    daemon.proc.wait(5)
    time.sleep(0.3)  # the service manager's
    daemon.start()
    ready = wait_for(lambda: (daemon.status() or {}).get("node", {}).get("phase") == "running", 20)
    expect(ready, "the next one is ready", daemon.log_text()[-500:])


def restart(pair):
    leave_and_start(pair.d1.daemon)


def restart_other_programs(pair):
    install()
    leave_and_start(pair.d1.daemon)


def restart_other_messages(pair):
    install(other_messages)
    leave_and_start(pair.d1.daemon)


def stop_and_start(pair):
    """All that keepalived has."""
    pair.d1.daemon.stop()
    pair.d1.daemon.start()
    pair.wait_active(pair.d1, 20)


def under_traffic(pair, act, after_s=1.0):
    # A probe each 5 ms: what is to be seen here is what the change of programs costs, not the guest.
    with Traffic(sessions=Sessions(pair.client, pair.vip, ECHO_PORT, 100),
                 probe=Probe(pair.client, pair.vip, ECHO_PORT, interval_us=5000)) as seen:
        time.sleep(0.5)
        seen.at_us = now_us()
        act(pair)
        time.sleep(after_s)
    return seen


def transitions(daemon):
    return [i["transitions"] for i in daemon.status()["vrrp_instances"]]


def expect_nothing_happened(pair, what, seen, table):
    saw = figures(seen)
    gap_ms = pair.watch.advert_gap_us(seen.at_us) / 1000
    note(f"{what}: {saw}; the longest silence between adverts {gap_ms:.0f} ms")
    expect(seen.probe.lost == 0, f"{what}: no probe is lost", saw)
    expect(seen.sessions.alive == seen.sessions.asked, f"{what}: no session is lost", saw)
    moves = pair.watch.moves_since(seen.at_us, pair.vip)
    expect(not moves, f"{what}: the address stays", moves)
    senders = {a.source for a in pair.watch.adverts if a.at_us >= seen.at_us}
    expect(senders == {"10.0.0.1"}, f"{what}: only d1 advertises", senders)
    expect(wait_for(lambda: pair.table(pair.d1) == table, 3), f"{what}: the table is as before",
           pair.table(pair.d1))


def replaces(pair, what, act, all_new):
    daemon = pair.d1.daemon
    wait_for(lambda: "stand_by_pid" in str(daemon.status()["roles"]), 5)
    table, old, before = pair.table(pair.d1), daemon.roles(), transitions(daemon)
    seen = under_traffic(pair, act)
    expect_nothing_happened(pair, what, seen, table)
    new = daemon.roles()
    kept = [name for name in old if new.get(name) == old[name]]
    expect(kept == ([] if all_new else list(old)),
           f"{what}: {'every program is a new process' if all_new else 'the roles are kept'}",
           (old, new))
    expect(transitions(daemon) == before, f"{what}: no transition", transitions(daemon))
    time.sleep(1)


def broken(pair):
    """The new VRRP program does not run: the old one serves on, and all is well when it is mended."""
    daemon = pair.d1.daemon
    good = installed("libexec/tandem/tandem-vrrp")
    os.rename(good, f"{good}.good")
    with open(good, "w") as f:
        f.write("#!/bin/sh\nexit 1\n")
    os.chmod(good, 0o755)
    old = daemon.roles()["tandem-vrrp"]

    def act(pair):
        daemon.ctl("leave")
        daemon.proc.wait(5)
        daemon.start()
        wait_for(lambda: daemon.log_text().count("vrrp stand-by: ended with status 1") > 1, 10)

    seen = under_traffic(pair, act)
    expect(seen.probe.lost == 0 and daemon.roles()["tandem-vrrp"] == old,
           "a new VRRP program that does not run: the old one serves on", figures(seen))
    os.rename(f"{good}.good", good)
    came = wait_for(lambda: daemon.roles().get("tandem-vrrp") not in (None, old), 15)
    expect(came, "and is replaced when it does", daemon.log_text()[-600:])
    wait_for(lambda: daemon.status()["node"]["phase"] == "running", 5)


def refused(pair):
    daemon = pair.d1.daemon
    good = daemon.config
    daemon.configure(good + "vrrp_instance {\n")
    code, said = daemon.ctl("upgrade")
    expect(code == 1 and "refuses the configuration" in said,
           "an upgrade with a broken configuration is refused", said)
    daemon.configure(good)
    program = installed("sbin/tandemd")
    os.rename(program, f"{program}.good")
    with open(program, "w") as f:
        f.write("#!/bin/sh\nexit 127\n")  # as the loader, without a library
    os.chmod(program, 0o755)
    code, said = daemon.ctl("upgrade")
    expect(code == 1 and "ended with status 127" in said,
           "an upgrade to a program that can't be loaded is refused", said)
    os.rename(f"{program}.good", program)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", default="tandem", choices=KINDS)
    kind = parser.parse_args().daemon
    pair = Pair((kind, kind))
    pair.start()
    if kind == "keepalived":
        pair.d2.daemon.stop()
        seen = under_traffic(pair, stop_and_start)
        note(f"keepalived, alone, a restart: {figures(seen)}")
        expect(seen.probe.lost > 0, "keepalived's restart is measured", figures(seen))
        return
    replaces(pair, "pair, upgrade", upgrade, True)
    replaces(pair, "pair, restart", restart, False)
    refused(pair)
    pair.d2.daemon.stop()  # nobody else may help out
    replaces(pair, "alone, upgrade", upgrade, True)
    replaces(pair, "alone, restart with other programs", restart_other_programs, True)
    replaces(pair, "alone, restart with other messages", restart_other_messages, True)
    told = pair.d1.daemon.log_text().count("speaks another version's messages")
    expect(told >= 3, "which is told", told)
    broken(pair)


run(main)
