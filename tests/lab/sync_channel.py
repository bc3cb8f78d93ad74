#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120 ip_vs=no
"""The peer channel: three directors that meet by multicast on one LAN and by unicast on another. One
LAN after the other fails and nobody notices; keys are changed while all goes on; a director with another key, or with
other addresses, is told of on all of them, and so is one that hears nobody; what an operator says holds on all.

sync_channel.py [SECONDS]     so long an enemy forges and replays; 5. In a minute it is a million frames.
"""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, note, run, wait_for  # noqa: E402

LANS = {"10.0.0": "eth0", "10.0.1": "eth1"}
KEYS = ["file:/run/sync.key", *("hex:" + f"{i:02x}" * 32 for i in range(1, 3))]


def config(number, key=KEYS[0], key_next=None, vips=("10.0.0.100",)):
    also = f"    key_next {key_next}\n" if key_next else ""
    peers = "".join(f"        peer 10.0.0.{i}\n" for i in (1, 2, 3) if i != number)
    lines = "".join(f"        {v}/24\n" for v in vips)
    return (f"global_defs {{\n    router_id d{number}\n}}\n"
            "vrrp_instance web {\n    state BACKUP\n    interface eth0\n    virtual_router_id 51\n"
            f"    priority {150 - number}\n    version 3\n    advert_int 0.1\n"
            f"    virtual_ipaddress {{\n{lines}    }}\n}}\n"
            f"sync {{\n    interface eth1\n    path {{\n        address 10.0.0.{number}\n{peers}    }}\n"
            f"    peers 2\n    key {key}\n{also}}}\n"
            "virtual_server 10.0.0.100 80 {\n    lvs_sched rr\n    lvs_method DR\n"
            "    protocol TCP\n    real_server 10.0.0.9 80 {\n        weight 1\n    }\n}\n")


def director(number, lan, inner):
    node = Node(f"d{number}")
    node.plug("eth0", lan, f"10.0.0.{number}/24")
    node.plug("eth1", inner, f"10.0.1.{number}/24")
    node.daemon = Tandem(node, config(number))
    return node


def sync(node):
    return node.daemon.ask("sync") or {"sync": None, "peers": []}


def is_synced(node, peers=2):
    s = sync(node)
    return bool(s["sync"] and s["sync"]["synced"] and len(s["peers"]) == peers and
                all(p["in"]["synced"] and p["out"]["synced"] for p in s["peers"]))


def all_synced(nodes, what, timeout_s=15):
    for node in nodes:
        expect(wait_for(lambda: is_synced(node), timeout_s, 0.2), f"{what}: {node.name} is synced",
               node.daemon.ctl("sync")[1])


def paths(node):
    return sorted({LANS[path.split()[0].rsplit(".", 1)[0]] for p in sync(node)["peers"]
                   for path in p["paths"].split(", ") if path})


def losses(nodes):
    return sum(text.count(": silent") + text.count(": left")
               for text in (node.daemon.log_text() for node in nodes))


def check_paths(nodes):
    d1 = nodes[0]
    expect(wait_for(lambda: paths(d1) == ["eth0", "eth1"], 5, 0.2), "both paths are used", paths(d1))
    for dead, alive in (("eth1", "eth0"), ("eth0", "eth1")):
        d1.links[dead].cut()
        expect(wait_for(lambda: paths(d1) == [alive], 8, 0.2), f"{dead} is dead: {alive} is used",
               paths(d1))
        d1.links[dead].join()
        expect(wait_for(lambda: paths(d1) == ["eth0", "eth1"], 8, 0.2), f"{dead} is back", paths(d1))
    expect(losses(nodes) == 0, "nobody was missed meanwhile", losses(nodes))
    d1.ip("link del eth1")
    expect(wait_for(lambda: paths(d1) == ["eth0"], 8, 0.2), "eth1 is taken out: eth0 is used", paths(d1))
    d1.plug("eth1", d1.links["eth1"].switch, "10.0.1.1/24")
    expect(wait_for(lambda: paths(d1) == ["eth0", "eth1"], 8, 0.2), "a new eth1 is used", paths(d1))
    expect(losses(nodes) == 0, "nor now", losses(nodes))


def reload_each(nodes, **change):
    for i, node in enumerate(nodes, 1):
        code, text = node.daemon.reload(config(i, **change))
        expect(code == 0, f"{node.name} reloads", text)
        time.sleep(0.3)


def check_keys(nodes):
    reload_each(nodes, key=KEYS[0], key_next=KEYS[1])
    reload_each(nodes, key=KEYS[1], key_next=KEYS[0])
    expect(losses(nodes) == 0, "keys are added and changed over: nobody was missed", losses(nodes))
    reload_each(nodes, key=KEYS[1])
    all_synced(nodes, "the old key is gone")
    expect(all("not accepted any more" in node.daemon.log_text() for node in nodes), "and told so")


def check_foreign_key(nodes):
    d3 = nodes[2]
    d3.daemon.reload(config(3, key=KEYS[2]))
    for node in nodes:
        expect(wait_for(lambda: "another key than ours" in node.daemon.log_text(), 10, 0.2),
               f"another key: {node.name} tells", node.daemon.log_text()[-500:])
    expect(wait_for(lambda: not is_synced(d3), 5, 0.2), "d3 is not synced", d3.daemon.ctl("sync")[1])
    expect(sync(nodes[0])["counters"]["auth_failed"] > 0, "and it is counted")
    d3.daemon.reload(config(3, key=KEYS[1]))
    all_synced(nodes, "the same key again")


def check_difference(nodes):
    reload_each(nodes[2:], key=KEYS[1])
    nodes[2].daemon.reload(config(3, key=KEYS[1], vips=("10.0.0.100", "10.0.0.101")))
    for node in nodes:
        expect(wait_for(lambda: "virtual addresses are not ours" in node.daemon.log_text(), 5, 0.2),
               f"other addresses: {node.name} tells", node.daemon.log_text()[-500:])
    expect("virtual addresses are not ours" in nodes[0].daemon.ctl("sync")[1], "tandemctl too")
    nodes[2].daemon.reload(config(3, key=KEYS[1]))
    expect(wait_for(lambda: "its configuration is as ours" in nodes[0].daemon.log_text(), 5, 0.2),
           "and when they are the same again")


def check_offer(nodes):
    """Who tells connections in the kernel's own protocol, too, and meets directors that need it not, hears that."""
    d3 = nodes[2]
    d3.daemon.reload(config(3, key=KEYS[1]).replace("    peers 2\n", "    peers 2\n    peer kernel-multicast eth0\n"))
    expect(wait_for(lambda: d3.daemon.log_text().count("`peer kernel-multicast eth0` can be taken out") == 2, 10, 0.2),
           "the kernel's protocol can be done without: the log says so, of each director", d3.daemon.log_text()[-500:])
    d3.daemon.reload(config(3, key=KEYS[1]))
    all_synced(nodes, "without it again")


def check_one_way(nodes):
    """d3 is heard by all and hears nobody: d3 can't be synced, and nobody takes it for one that follows."""
    d1, d2, d3 = nodes
    before = [node.daemon.log_text().count(word) for node, word in ((d1, ": left"), (d3, ": silent"))]
    d3.run("nft", "add table inet deaf; add chain inet deaf in { type filter hook input priority 0; }; "
           "add rule inet deaf in udp dport 8849 drop")
    expect(wait_for(lambda: d3.daemon.log_text().count(": silent") >= before[1] + 2, 10, 0.2),
           "one way only: d3 hears nobody", d3.daemon.log_text()[-300:])
    expect(not is_synced(d3), "and is not synced", d3.daemon.ctl("sync")[1])
    expect(wait_for(lambda: d1.daemon.log_text().count(": left") > before[0], 10, 0.2),
           "d1: d3 does not follow any more", d1.daemon.log_text()[-300:])
    expect([p["in"]["synced"] and p["out"]["synced"] for p in sync(d1)["peers"]].count(True) == 1,
           "d1 and d2 go on", d1.daemon.ctl("sync")[1])
    d3.run("nft", "delete", "table", "inet", "deaf")
    all_synced(nodes, "both ways again")


def check_overrides(nodes):
    """What an operator says on one director holds on all, also on one that was away."""
    d1, d2, d3 = nodes
    d3.daemon.stop()
    code, text = d1.daemon.ctl("drain", "10.0.0.9:80")
    expect(code == 0, "d1: a real server is drained", text)
    expect(wait_for(lambda: "said on another director" in d2.daemon.log_text(), 5, 0.2),
           "d2 drains it as well", d2.daemon.log_text()[-500:])
    d3.daemon.start()
    expect(wait_for(lambda: "drain: said on another director" in d3.daemon.log_text(), 15, 0.2),
           "and d3 when it is back", d3.daemon.log_text()[-500:])
    code, text = d2.daemon.ctl("ready", "10.0.0.9:80")
    expect(code == 0, "d2: it is ready again", text)
    for node in (d1, d3):
        expect(wait_for(lambda: "ready: said on another director" in node.daemon.log_text(), 5, 0.2),
               f"{node.name}: it is ready, too", node.daemon.log_text()[-500:])


def check_other_paths(nodes):
    """What a director is called goes by its first path; on another one it is the same director."""
    d3, before = nodes[2], config(3, key=KEYS[1])
    unicast = before.partition("    path {\n")[2].partition("    }\n")[0]
    multicast = "    interface eth1\n"
    after = before.replace(f"{multicast}    path {{\n{unicast}", f"{unicast}    path {{\n{multicast}")
    for what, text in (("other paths", after), ("the former paths", before)):
        code, said = d3.daemon.reload(text)
        expect(code == 0, f"{what}: d3 reloads", said)
        for node in nodes:
            expect(wait_for(lambda: is_synced(node), 2.5, 0.1), f"{what}: {node.name} has each peer once",
                   node.daemon.ctl("sync")[1])


# Records what goes by, then sends it again, damaged, and made up, as fast as it can.
ENEMY = """
import os, socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 8849))
s.setsockopt(0, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.86") + socket.inet_aton("10.0.1.66"))
s.setsockopt(0, socket.IP_MULTICAST_IF, socket.inet_aton("10.0.1.66"))
heard, end = [], time.monotonic() + 2
while time.monotonic() < end:
    heard.append(s.recv(9000))
frames = [f for h in heard[:20] for f in (h, h[:-1] + bytes([h[-1] ^ 1]), h[:20] + os.urandom(4) + h[24:])]
frames += [b"TSNC" + bytes([kind, 1, 0, 0]) + os.urandom(80) for kind in (1, 2, 3, 4) for _ in range(10)]
n, end = 0, time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for f in frames:
        for to in ("224.0.0.86", "10.0.1.1"):
            try:
                s.sendto(f, (to, 8849))
                n += 1
            except OSError:
                pass
print(len(heard), n)
"""


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_enemy(nodes, inner, seconds=5):
    """A host on the segment that has no key: it changes nothing, and the log stays readable."""
    enemy = Node("enemy")
    enemy.plug("eth0", inner, "10.0.1.66/24")
    d1 = nodes[0]
    lines, missed, pid = len(d1.daemon.log_text().splitlines()), losses(nodes), d1.daemon.roles()["tandem-sync"]
    before = sync(d1)["counters"]
    used = cpu_s(pid)
    heard, sent = map(int, enemy.run("python3", "-c", ENEMY, str(seconds)).split())
    used = cpu_s(pid) - used
    after = sync(d1)["counters"]
    taken = {k: after[k] - before[k] for k in ("auth_failed", "replayed", "malformed", "unknown")}
    note(f"an enemy heard {heard} frames and sent {sent}: {taken}; tandem-sync of d1 used "
         f"{used:.1f} s of CPU for that")
    expect(heard and sum(taken.values()) > sent / 20, "an enemy's frames are counted", taken)
    expect(after["records_in"] == before["records_in"], "none of them is believed")
    all_synced(nodes, "after the attack")
    expect(losses(nodes) == missed, "nobody was missed", losses(nodes) - missed)
    more = len(d1.daemon.log_text().splitlines()) - lines
    expect(more < 30, "the log is not filled", more)


FORGE = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
         "s.setsockopt(0, 32, bytes([0] * 4 + [127, 0, 0, 1] + [0] * 4)); "
         "s.sendto(bytes(44), ('224.0.0.85', 8851))")


def knock(node, port=9):
    """What a client that connects to the virtual address is told: refused, or nothing at all."""
    with node.inside(), socket.socket() as s:
        s.settimeout(0.7)
        try:
            s.connect(("10.0.0.100", port))
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "nothing"
    return "connected"


def check_shield(nodes):
    d1, d2, _ = nodes
    expect(wait_for(lambda: knock(d2) == "refused", 20, 0.3), "a closed port is refused in the end",
           d1.run("nft", "list", "table", "inet", "tandem_sync"))
    forged = d1.run("sh", "-c", f'python3 -c "{FORGE}" 2>&1; echo', check=False)
    expect("not permitted" in forged, "a local user can't speak to the backup thread", forged)
    d1.daemon.stop()
    expect(wait_for(lambda: "10.0.0.100" in d2.run("ip", "addr"), 5), "d1 stops, d2 takes over")
    expect(not d1.run("nft", "list", "tables"), "d1 takes its firewall table away")
    expect(knock(nodes[2]) == "nothing", "d2 withholds resets: its table may be incomplete")
    expect("withholds resets" in d2.daemon.ctl("sync")[1], "and says so", d2.daemon.ctl("sync")[1])


def main():
    with open("/run/sync.key", "w", opener=lambda *args: os.open(*args, 0o600)) as f:
        f.write("a key that only root can read, here\n")
    lan, inner = Switch("lan"), Switch("inner")
    nodes = [director(i, lan, inner) for i in (1, 2, 3)]
    for node in nodes:
        node.daemon.start()
    all_synced(nodes, "three meet")
    note(nodes[0].daemon.ctl("sync")[1])
    check_paths(nodes)
    check_keys(nodes)
    check_foreign_key(nodes)
    check_difference(nodes)
    check_offer(nodes)
    check_one_way(nodes)
    check_enemy(nodes, inner, float(sys.argv[1]) if len(sys.argv) > 1 else 5)
    check_overrides(nodes)
    check_other_paths(nodes)
    check_shield(nodes)
    for node in nodes[1:]:
        node.daemon.stop()


run(main)
