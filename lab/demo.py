#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=180
"""What ./demo shows, inside the lab: a pair of directors, a crash, a return with nothing in the
tables, kills and a reload under traffic; and a picture of each."""

import argparse
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lab import FAULTS, KINDS, IpvsCommands, Pair, change, now_us  # noqa: E402
from lab.daemon import installed  # noqa: E402
from lab.net import OUT  # noqa: E402
from lab.picture import Timeline, answered, held, write_svg  # noqa: E402


def say(text=""):
    print(text, flush=True)


def introduce(pair, daemon):
    how = {"peer": "copied to the other director", "kernel": "copied by lvs_sync_daemon"}[pair.sync]
    say(f"""
Two directors, d1 and d2, run {daemon} ({pair.mode.upper()}, VRRPv3, an advertisement every \
{pair.advert_s * 1000:.0f} ms).
They share the address {pair.vip}; d1 is preferred. Behind it are {len(pair.reals)} real servers: \
an echo
server and nginx on each. Connections go to them round robin, and are {how}.
A client holds 200 TCP sessions open, asks one question every millisecond, and fetches a page from
nginx every 20 ms.
""")


def lost_sessions(seen):
    return seen.sessions.asked - seen.sessions.alive


def tell(seen):
    say(f"  outage seen by the client:  {seen.probe.outage_ms:.0f} ms")
    say(f"  questions lost:             {seen.probe.lost} of {seen.probe.sent}")
    say(f"  pages lost:                 {seen.http.lost} of {seen.http.sent}")
    say(f"  sessions lost:              {lost_sessions(seen)} of {seen.sessions.asked}\n")


def draw(pair, what, seen, marks, holders_before):
    """The timeline of one change; marks: [(at_us, text)]."""
    start, end = marks[0][0] - 500_000, seen.probe.end_us
    picture = Timeline(f"{what}: outage {seen.probe.outage_ms:.0f} ms, "
                       f"{lost_sessions(seen)} sessions lost", marks[0][0], start, end)
    picture.row("questions", answered(seen.probe))
    picture.row("pages", answered(seen.http))
    moves = pair.watch.moves_since(start, pair.vip)
    for node in pair.directors:
        # A machine that is dead holds nothing, whatever its tables say.
        until = end if node.alive else seen.at_us
        picture.row(f"address on {node.name}", held(moves, holders_before, node.name, start, until))
    for at_us, text in marks:
        picture.mark(at_us, text)
    return picture


def move(pair, what, do, to):
    """Something after which the other director is to have the address."""
    say(f"{what} ...")
    holders_before = pair.holders()
    seen = change(pair, do, to, http=True, settle_s=1)
    gained = [m for m in pair.watch.moves_since(seen.at_us, pair.vip)
              if m.node == to.name and m.gained]
    if not seen.moved:
        say(f"  {to.name} did NOT take over: the address is held by {pair.holders() or 'nobody'}")
        pair.explain()
    elif gained:
        say(f"  {to.name} took the address {(gained[0].at_us - seen.at_us) / 1000:.0f} ms later")
    tell(seen)
    return lost_sessions(seen), draw(pair, what, seen, [(seen.at_us, what)], holders_before)


def stay(pair, what, acts):
    """Things after which all is to be as before; acts: [(text, function)]."""
    say(f"{what} ...")
    holders_before, marks = pair.holders(), []
    with pair.traffic(http=True) as seen:
        time.sleep(0.5)
        for text, act in acts:
            marks.append((now_us(), text))
            act()
            time.sleep(0.5)
        time.sleep(1)
    tell(seen)
    return lost_sessions(seen) + seen.probe.lost, draw(pair, what, seen, marks, holders_before)


def kill_role(pair, role):
    daemon = pair.d1.daemon
    pid = daemon.roles()[role]
    os.kill(pid, signal.SIGKILL)
    daemon.wait_role(role, pid)


def restart_supervisor(pair):
    pair.d1.daemon.proc.kill()
    pair.d1.daemon.proc.wait()
    pair.d1.daemon.start()


def kills(pair):
    """kill -9 of every process of the active director."""
    roles = [(f"kill -9 {role}", lambda role=role: kill_role(pair, role))
             for role in pair.d1.daemon.roles()]
    return roles + [("kill -9 tandemd, start it again", lambda: restart_supervisor(pair))]


def reload(pair):
    """Another weight for the first real server; tells what was asked of the kernel."""
    commands = IpvsCommands(pair.d1)
    config = pair.config(pair.d1).replace("weight 1", "weight 2", 1)

    def act():
        commands.take()
        pair.d1.daemon.reload(config)

    lost, picture = stay(pair, "d1 reloads: one weight is another", [("reload", act)])
    asked = ", ".join(f"{n} {name}" for name, n in commands.take_changes().items())
    say(f"  changes asked of the kernel's IPVS: {asked or 'none'}\n")
    return lost, picture


def farewell(pair, daemon):
    """How to look around by oneself, if the lab stays up."""
    say("The lab is up. Every node is a network namespace: lan, client, d1, d2, r1 … r4.")
    if daemon == "tandem":
        os.symlink(installed("bin/tandemctl"), "/run/tandemctl")
        say("  /run/tandemctl --run-dir /run/lab-d1/tandem status         the state of d1")
    say(f"""\
  ip netns exec d1 bash                                      a shell in d1
  ip netns exec d1 ipvsadm -Ln                               its IPVS table
  ip netns exec client busybox wget -qO- http://{pair.vip}/  a page, through the active director
  ip netns exec lan ip link set d1-eth0 down                 pull d1's cable; up puts it back
  ip netns exec d2 ip -br addr                               who has {pair.vip} now?
Logs: {OUT}/*.log. Leave with exit; all nodes go with it.""")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", default="tandem", choices=KINDS)
    parser.add_argument("--mode", default="dr", choices=("dr", "nat"))
    parser.add_argument("--keep", action="store_true")
    a = parser.parse_args()
    pair = Pair((a.daemon, a.daemon), mode=a.mode, http=True,
                sync="peer" if a.daemon == "tandem" else "kernel")
    introduce(pair, a.daemon)
    pair.start()
    pair.wait_synced()
    shown = [move(pair, "d1 crashes", FAULTS["crash"][0], pair.d2),
             move(pair, "d1 comes back, with empty tables", lambda p: p.power_cycle(p.d1), pair.d1)]
    if a.daemon == "tandem":
        pair.wait_synced()
        shown += [stay(pair, "every process of d1 is killed", kills(pair)), reload(pair)]
    pictures = [picture for _, picture in shown]
    for picture in pictures:
        say(picture.text(width=min(shutil.get_terminal_size().columns, 100) - 20) + "\n")
    say("█ answered, or address held   · no answer")
    write_svg(f"{OUT}/timeline.svg", pictures)
    if a.keep:
        farewell(pair, a.daemon)
    sys.stdout.flush()
    os._exit(1 if any(lost for lost, _ in shown) else 0)


main()
