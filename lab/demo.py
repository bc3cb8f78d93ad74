#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=180
"""What ./demo shows, inside the lab: a pair of directors, a crash, a return, and a picture."""

import argparse
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lab import FAULTS, KINDS, Pair, change  # noqa: E402
from lab.daemon import installed  # noqa: E402
from lab.net import OUT  # noqa: E402
from lab.picture import Timeline, answered, held, write_svg  # noqa: E402


def say(text=""):
    print(text, flush=True)


def introduce(pair, daemon):
    say(f"""
Two directors, d1 and d2, run {daemon} ({pair.mode.upper()}, VRRPv3, an advertisement every \
{pair.advert_s * 1000:.0f} ms).
They share the address {pair.vip}; d1 is preferred. Behind it are {len(pair.reals)} real servers: \
an echo
server and nginx on each. A client holds 200 TCP sessions open, asks one question every
millisecond, and fetches a page from nginx every 20 ms.
""")


def show(pair, what, seen, to, holders_before):
    """Tell the figures of one change; returns its timeline."""
    lost = seen.sessions.asked - seen.sessions.alive
    if not seen.moved:
        say(f"  {to.name} did NOT take over: the address is held by {pair.holders() or 'nobody'}")
        pair.explain()
    else:
        gained = [m for m in pair.watch.moves_since(seen.at_us, pair.vip)
                  if m.node == to.name and m.gained]
        say(f"  {to.name} took the address {(gained[0].at_us - seen.at_us) / 1000:.0f} ms later"
            if gained else f"  {to.name} has the address")
    say(f"  outage seen by the client:  {seen.probe.outage_ms:.0f} ms")
    say(f"  questions lost:             {seen.probe.lost} of {seen.probe.sent}")
    say(f"  pages lost:                 {seen.http.lost} of {seen.http.sent}")
    say(f"  sessions lost:              {lost} of {seen.sessions.asked}\n")
    start, end = seen.at_us - 500_000, seen.probe.end_us
    picture = Timeline(f"{what}: outage {seen.probe.outage_ms:.0f} ms, {lost} sessions lost",
                       seen.at_us, start, end)
    picture.row("questions", answered(seen.probe))
    picture.row("pages", answered(seen.http))
    moves = pair.watch.moves_since(seen.at_us, pair.vip)
    for node in pair.directors:
        # A machine that is dead holds nothing, whatever its tables say.
        until = end if node.alive else seen.at_us
        picture.row(f"address on {node.name}", held(moves, holders_before, node.name, start, until))
    picture.mark(seen.at_us, what)
    return picture


def act(pair, what, do, to):
    say(f"{what} ...")
    holders_before = pair.holders()
    seen = change(pair, do, to, http=True, settle_s=1)
    return show(pair, what, seen, to, holders_before)


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
    pair = Pair((a.daemon, a.daemon), mode=a.mode, http=True)
    introduce(pair, a.daemon)
    pair.start()
    crash, back = FAULTS["crash"]
    pictures = [act(pair, "d1 crashes", crash, pair.d2), act(pair, "d1 comes back", back, pair.d1)]
    for picture in pictures:
        say(picture.text(width=min(shutil.get_terminal_size().columns, 100) - 20) + "\n")
    say("█ answered, or address held   · no answer")
    write_svg(f"{OUT}/timeline.svg", pictures)
    if a.keep:
        farewell(pair, a.daemon)
    sys.stdout.flush()
    os._exit(0 if all(" 0 sessions lost" in p.title for p in pictures) else 1)


main()
