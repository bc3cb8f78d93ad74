#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60
"""tandemctl services, servers and connections say what ipvsadm says, under traffic."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, expect, run  # noqa: E402

SESSIONS = 60


def ipvsadm_servers(node, *options):
    """{(service, server): columns} of a listing with two levels."""
    found, service = {}, None
    for words in map(str.split, node.run("ipvsadm", "-Ln", "--exact", *options).splitlines()):
        if words[:1] and words[0] in ("TCP", "UDP"):
            service = f"{words[1]} {words[0]}"
        elif words[:1] == ["->"] and service:
            found[service, words[1]] = words[2:]
    return found


def ctl(pair, *args):
    with pair.d1.inside():
        return pair.d1.daemon.ctl(*args)


def tandem_servers(pair):
    code, text = ctl(pair, "--json", "services")
    expect(code == 0, "services: exit status", text)
    return {(s["name"], f"{r['address']}:{r['port']}"): r
            for s in json.loads(text)["services"] for r in s["real_servers"]}


def check_diff(pair):
    path = f"{pair.d1.daemon.dir}/next.conf"

    def diff(text):
        with open(path, "w") as f:
            f.write(text)
        return ctl(pair, "diff", path)

    config = pair.config(pair.d1)
    code, text = diff(config)
    expect(code == 0 and text == "nothing would change\n", "diff: the same file", text)
    code, text = diff(config.replace("weight 1", "weight 5", 1))
    expect(code == 0 and text.startswith("~ ") and "weight 1 -> 5" in text, "diff: a weight", text)
    start = config.index("    real_server 10.0.0.11 8000")
    end = config.index("    real_server 10.0.0.12 8000")
    code, text = diff(config[:start] + config[end:])
    expect(code == 0 and text.startswith("- ") and "active connections)" in text,
           "diff: a removed server, and its sessions", text)
    code, text = diff("virtual_server {\n")
    expect(code == 1 and "can't be used" in text, "diff: a broken file", text)
    expect(pair.d1.daemon.status()["node"]["generation"] == 1, "diff: nothing has changed")


def main():
    pair = Pair()
    pair.start()
    with pair.traffic(sessions=SESSIONS) as seen:
        time.sleep(2)
        theirs, ours = ipvsadm_servers(pair.d1), tandem_servers(pair)
        expect(set(theirs) == set(ours), "the same servers", set(theirs) ^ set(ours))
        active = {key: (row[2], str(ours[key]["active_connections"])) for key, row in theirs.items()
                  if "TCP" in key[0]}
        expect(all(a == b for a, b in active.values()), "the same active connections", active)
        expect(sum(int(a) for a, _ in active.values()) >= SESSIONS, "all sessions are in them", active)
        theirs, ours = ipvsadm_servers(pair.d1, "--stats"), tandem_servers(pair)
        conns = {key: (int(row[0]), ours[key]["counters"]["conns"]) for key, row in theirs.items()}
        expect(all(0 <= b - a <= 5 for a, b in conns.values()), "the same totals", conns)
        expect(any(r["counters"]["in_packets_per_s"] for r in ours.values()), "rates are there")
        check_diff(pair)
        code, text = ctl(pair, "connections")
        kernel = pair.d1.run("ipvsadm", "-Lnc")
        count = [sum("ESTABLISHED" in line for line in t.splitlines()) for t in (text, kernel)]
        expect(code == 0 and count[0] == count[1] >= SESSIONS, "the same connections", count)
    expect(seen.sessions.alive == seen.sessions.asked, "sessions live")
    for args in (("services",), ("services", "--rate", "--sort=cps"), ("servers",)):
        code, text = ctl(pair, *args)
        expect(code == 0 and "10.0.0.11:8000" in text, " ".join(args), text)
    code, text = ctl(pair, "--sort=size", "services")
    expect(code == 2, "an unknown sort key is wrong usage", (code, text))


run(main)
