#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=150 ip_vs=no
"""Static and virtual addresses, routes and rules: as keepalived sets them from the same file, put
back when somebody deletes them, moved with the state, diffed by a reload, kept by a crash, gone
after a stop; and a static route that can't be is a fault of its track_group's members."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, Watch, expect, need, note, now_us, run, wait_for  # noqa: E402

STATIC = """
track_group up {
    group { V }
}
static_ipaddress {
    10.1.0.1/24 dev eth1
    fd01::1/64 dev eth1
}
static_routes {
    10.2.0.0/16 via 10.1.0.9 dev eth1 track_group up
    10.3.0.0/16 table 300 nexthop via 10.1.0.9 dev eth1 weight 1 nexthop via 10.1.0.8 dev eth1 weight 3
    10.4.0.0/16 dev eth1 scope link src 10.1.0.1 metric 12 mtu 1400 advmss 1300 tos 0x10
    blackhole 10.5.0.0/16 metric 9
    fd02::/48 via fd01::9 dev eth1 metric 77
    10.6.0.0/16 via 10.1.0.9 dev eth1 no_track
}
static_rules {
    from 10.2.0.0/16 table 300 preference 101
    to 10.3.0.0/16 iif eth1 fwmark 24/28 table 300 preference 102
    from fd02::/48 table 300 preference 103
    from 10.7.0.0/16 blackhole preference 104
}
"""
VIRTUAL = """    virtual_routes {
        172.16.0.0/12 via 10.0.0.9 dev eth0
        172.32.0.0/16 via 10.0.0.9 dev eth0 src 10.0.0.100 table 200 metric 5
    }
    virtual_rules {
        from 172.16.0.0/12 table 200 preference 201
    }
"""
LOOKS = [("-d", "route", "show", "table", "all", "proto", "keepalived"),
         ("-6", "-d", "route", "show", "table", "all", "proto", "keepalived"),
         ("rule",), ("-6", "rule")]


def config(priority, virtual=VIRTUAL, static=STATIC):
    return (f"global_defs {{\n    router_id d\n}}\n{static}"
            f"vrrp_instance V {{\n    state BACKUP\n    interface eth0\n    virtual_router_id 51\n"
            f"    priority {priority}\n    version 3\n    advert_int 0.1\n"
            f"    virtual_ipaddress {{\n        10.0.0.100/24\n    }}\n{virtual}}}\n")


def seen(node):
    """What of the routes and rules is there, one line each."""
    found = set()
    for look in LOOKS:
        for line in node.run("ip", *look).splitlines():
            line = " ".join(line.split())
            if look[-1] != "rule" or line.split(":")[0] not in ("0", "32766", "32767"):
                found.add(line)
    return found


def has(node, *words):
    return any(all(word in line for word in words) for line in seen(node))


FOREIGN = "10.77.0.0/16"


def expect_has(node, wanted, what, *words, timeout_s=5):
    got = wait_for(lambda: has(node, *words) == wanted, timeout_s, 0.05)
    expect(got, f"{what}: {' '.join(words)} is {'there' if wanted else 'gone'}",
           "\n".join(sorted(seen(node))) + node.daemon.log_text()[-900:])


def as_keepalived(d1):
    """The same file, the same kernel state."""
    looks = {}
    for kind in ("keepalived", "tandem"):
        before = seen(d1)
        d1.daemon = KINDS[kind](d1, config(100))
        d1.daemon.start()
        expect_has(d1, True, f"{kind} is MASTER", "201:", timeout_s=12)
        wait_for(lambda: has(d1, "172.32.0.0/16"), 3, 0.05)
        looks[kind] = seen(d1) - before
        if kind == "keepalived":
            d1.daemon.stop()
            wait_for(lambda: not seen(d1), 3, 0.05)
            for line in ("route flush proto keepalived table all", "rule flush"):
                d1.run("ip", *line.split(), check=False)
            for n, table in ((0, "local"), (32766, "main"), (32767, "default")):
                d1.run("ip", "rule", "add", "preference", str(n), "table", table, check=False)
    only = {kind: looks[kind] - looks[other]
            for kind, other in (("keepalived", "tandem"), ("tandem", "keepalived"))}
    # keepalived marks no_track routes as of the boot; tandem finds them again by its mark.
    only["tandem"] = {line for line in only["tandem"] if "10.6.0.0/16" not in line}
    expect(not any(only.values()), "routes and rules are as with keepalived", only)
    expect(len(looks["tandem"]) >= 13, "all of them", "\n".join(sorted(looks["tandem"])))


def deleted(d1):
    for words in (["route", "del", "10.2.0.0/16"], ["route", "del", "172.16.0.0/12"],
                  ["rule", "del", "preference", "101"], ["rule", "del", "preference", "201"],
                  ["route", "del", "10.3.0.0/16", "table", "300"],
                  ["-6", "route", "del", "fd02::/48"]):
        d1.run("ip", *words)
    for word in ("10.2.0.0/16", "172.16.0.0/12", "101:", "201:", "10.3.0.0/16", "fd02::/48"):
        expect_has(d1, True, "deleted by hand, put back", word)
    expect("was taken away: put back" in d1.daemon.log_text(), "which is told")
    d1.run("ip", "route", "del", "10.6.0.0/16")
    expect(not wait_for(lambda: has(d1, "10.6.0.0/16"), 1.5), "no_track: it stays away")
    d1.run("ip", "addr", "del", "10.1.0.1/24", "dev", "eth1")
    expect_has(d1, True, "the static address deleted", "10.4.0.0/16", "src 10.1.0.1")
    d1.ip("link set eth1 down", "link set eth1 up")
    expect_has(d1, True, "the link was down", "10.2.0.0/16")


def crash(d1):
    before = seen(d1)
    pid = d1.daemon.roles()["tandem-vrrp"]
    os.kill(pid, 9)
    d1.daemon.wait_role("tandem-vrrp", pid)
    wait_for(lambda: False, 1)
    expect(seen(d1) == before, "kill -9 of tandem-vrrp: all is as it was", seen(d1) ^ before)


def expect_foreign(d1, when):
    expect(has(d1, FOREIGN), f"{when}: another daemon's route with the same mark is left alone",
           d1.daemon.log_text()[-500:])


def reload(d1):
    virtual = VIRTUAL.replace("metric 5", "metric 6").replace("201", "202")
    d1.daemon.configure(config(100, virtual, STATIC.replace("mtu 1400", "mtu 1380").replace(
        "    blackhole 10.5.0.0/16 metric 9\n", "")))
    d1.daemon.ctl("reload")
    expect_has(d1, True, "reload", "172.32.0.0/16", "metric 6")
    expect_has(d1, False, "reload", "172.32.0.0/16", "metric 5")
    expect_has(d1, True, "reload", "202:")
    expect_has(d1, False, "reload", "201:")
    expect_has(d1, True, "reload", "10.4.0.0/16", "mtu 1380")
    expect_has(d1, False, "reload", "10.5.0.0/16")
    expect_has(d1, True, "reload", "10.2.0.0/16")


def moves(d1, d2):
    """They go where the address goes."""
    d2.daemon = KINDS["tandem"](d2, config(150, static=""))
    d2.daemon.start()
    expect_has(d2, True, "failover to d2", "172.16.0.0/12", timeout_s=12)
    expect_has(d1, False, "failover to d2", "172.16.0.0/12")
    expect_has(d1, False, "failover to d2", "202:")
    expect_has(d1, True, "failover to d2", "10.2.0.0/16")
    d2.daemon.stop()
    expect(not seen(d2), "nothing is left on d2 after its stop", seen(d2))
    expect_has(d1, True, "d2 has stopped", "172.16.0.0/12")


def fault(d1):
    d1.ip("link set eth1 down")
    line = "static route 10.2.0.0/16 via 10.1.0.9 dev eth1 is missing"
    expect(wait_for(lambda: line in d1.daemon.log_text(), 5), "track_group: a fault",
           d1.daemon.log_text()[-900:])
    expect(wait_for(lambda: "10.0.0.100" not in d1.run("ip", "addr", "show", "eth0"), 5),
           "the address is given up")
    d1.ip("link set eth1 up")
    expect_has(d1, True, "the link is back", "172.16.0.0/12", timeout_s=10)


def many(d1):
    """Adverts go on while 4000 routes come and go."""
    routes = "".join(f"        172.20.{i // 250}.{i % 250}/32 via 10.0.0.9 dev eth0\n"
                     for i in range(4000))
    virtual = f"    virtual_routes {{\n{routes}    }}\n"
    since = now_us()
    d1.daemon.configure(config(100, virtual))
    d1.daemon.ctl("reload")
    expect_has(d1, True, "4000 routes", "172.20.15.249", timeout_s=20)
    took_s = (now_us() - since) / 1e6
    d1.daemon.configure(config(100, virtual.replace("eth0", "eth0 metric 3")))
    d1.daemon.ctl("reload")
    expect_has(d1, True, "each of them changed", "172.20.15.249", "metric 3", timeout_s=20)
    d1.daemon.configure(config(100))
    d1.daemon.ctl("reload")
    expect_has(d1, False, "4000 routes", "172.20.15.249", timeout_s=20)
    gap_ms = d1.watch.advert_gap_us(since) / 1000
    note(f"4000 routes are there in {took_s:.2f} s; longest time without an advert: {gap_ms:.0f} ms")
    expect(gap_ms < 300, "no advert is missed meanwhile", gap_ms)


def main():
    need(modules=["veth", "bridge"], programs=["keepalived"])
    lan, other = Switch("lan"), Switch("other")
    d1, d2 = Node("d1"), Node("d2")
    for i, node in enumerate((d1, d2), 1):
        node.plug("eth0", lan, f"10.0.0.{i}/24")
        node.plug("eth1", other, f"10.9.0.{i}/24")
    d1.watch = Watch([d1], lan)
    as_keepalived(d1)
    deleted(d1)
    d1.run("ip", "route", "add", "blackhole", FOREIGN, "proto", "keepalived")
    crash(d1)
    expect_foreign(d1, "a new process looks at the kernel")
    expect("not configured here: left alone" in d1.daemon.log_text(), "and says so")
    reload(d1)
    moves(d1, d2)
    fault(d1)
    many(d1)
    d1.daemon.stop()
    expect_foreign(d1, "after the stop")
    d1.run("ip", "route", "del", "blackhole", FOREIGN)
    left = seen(d1) | {a for a in ("10.1.0.1", "fd01::1") if a in d1.run("ip", "addr")}
    expect(not left, "nothing is left after the stop", left)


run(main)
