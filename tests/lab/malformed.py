#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""Advertisements that are wrong in each way that RFC 9568 §7.1 and RFC 3768 §7.1 know, from a router of
higher priority than ours: dropped, counted by RFC 6527's names, told at a limited rate, and without
any effect, at line rate too."""

import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, Watch, expect, need, note, now_us, run, wait_for  # noqa: E402

GROUP, EVIL = "224.0.0.18", "10.0.0.66"
FLOOD = 20000
CONFIG = """
global_defs {
    router_id one
}
vrrp_instance three {
    interface eth0
    virtual_router_id 51
    version 3
    priority 150
    advert_int 0.1
    virtual_ipaddress {
        10.0.0.100/24
    }
}
vrrp_instance two {
    interface eth0
    virtual_router_id 52
    version 2
    priority 150
    advert_int 1
    virtual_ipaddress {
        10.0.0.101/24
    }
}
"""


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def with_checksum(message, prefix=b""):
    return message[:6] + struct.pack("!H", checksum(prefix + message)) + message[8:]


def v3(vrid=51, kind=0x31, priority=250, interval_cs=10, addresses=("10.0.0.100",), count=None):
    """RFC 9568 §5.2, with the pseudo-header that keepalived computes the checksum over, too."""
    body = b"".join(map(socket.inet_aton, addresses))
    message = struct.pack("!BBBBHH", kind, vrid, priority, count or len(addresses), interval_cs, 0)
    message += body
    pseudo = socket.inet_aton(EVIL) + socket.inet_aton(GROUP) + struct.pack("!BBH", 0, 112, len(message))
    return with_checksum(message, pseudo)


def v2(interval_s=1, auth=0, priority=250, address="10.0.0.101"):
    """RFC 3768 §5.3."""
    message = struct.pack("!BBBBBBH", 0x21, 52, priority, 1, auth, interval_s, 0)
    return with_checksum(message + socket.inet_aton(address) + bytes(8))


def broken(message):
    return message[:6] + bytes([message[6] ^ 0x5a]) + message[7:]


# name: (bytes, TTL, the virtual router that counts it, and as what)
KINDS = {
    "cut short": (v3()[:7], 255, "three", "packet_length_errors"),
    "fewer addresses than it says": (v3(count=3), 255, "three", "packet_length_errors"),
    "of version 4": (v3(kind=0x41), 255, "three", "version_errors"),
    "of an unknown type": (v3(kind=0x32), 255, "three", "invalid_type_received"),
    "a wrong checksum": (broken(v3()), 255, "three", "checksum_errors"),
    "from behind a router (TTL 254)": (v3(), 254, "three", "ttl_errors"),
    "version 2's for a virtual router of version 3": (
        with_checksum(struct.pack("!BBBBBBH", 0x21, 51, 250, 1, 0, 1, 0)
                      + socket.inet_aton("10.0.0.100") + bytes(8)), 255, "three", "version_errors"),
    "another interval": (v2(interval_s=3), 255, "two", "interval_errors"),
    "a password that nobody configured": (v2(auth=1), 255, "two", "auth_failures"),
    "a broken one of version 2": (broken(v2()), 255, "two", "checksum_errors"),
    # Not dropped: what it says of addresses is between operators, and it is a worse router's.
    "other addresses": (v3(priority=1, addresses=("10.0.0.200",)), 255, "three", "address_list_errors"),
}


class Evil:
    def __init__(self, node):
        with node.inside():
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(EVIL))

    def send(self, message, ttl=255):
        self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        self.sock.sendto(message, (GROUP, 0))


def router(one, name):
    return next(v for v in one.status()["vrrp_instances"] if v["name"] == name)


def each_kind(one, evil):
    for name, (message, ttl, who, counter) in KINDS.items():
        before = router(one, who)["counters"][counter]
        evil.send(message, ttl)
        expect(wait_for(lambda: router(one, who)["counters"][counter] == before + 1, 5),
               f"{name}: {counter} counts it", (before, router(one, who)["counters"]))


def unknown_router(one, evil):
    before = one.log_text()
    evil.send(v3(vrid=99))
    time.sleep(0.3)
    expect(one.log_text() == before, "a virtual router that is not ours is not our business",
           one.log_text()[len(before):])


def flood(one, evil, watch):
    lines, since_us = len(one.log_text().splitlines()), now_us()
    messages = [(message, ttl) for message, ttl, _, counter in KINDS.values()
                if counter != "address_list_errors"]
    t0 = time.monotonic()
    for i in range(FLOOD):
        evil.send(*messages[i % len(messages)])
    took_s = time.monotonic() - t0
    gap_ms = watch.advert_gap_us(since_us) / 1000
    said = len(one.log_text().splitlines()) - lines
    note(f"{FLOOD / took_s:.0f} a second: the longest silence was {gap_ms:.0f} ms, {said} lines logged")
    expect(gap_ms < 500, "a flood of them delays no advertisement by an interval", f"{gap_ms:.0f} ms")
    expect(said <= 3 * 10 * (took_s + 1), "and does not fill the log", said)


def main():
    need(modules=["veth", "bridge"])
    lan, node, other = Switch("lan"), Node("one"), Node("evil")
    node.plug("eth0", lan, "10.0.0.1/24")
    other.plug("eth0", lan, f"{EVIL}/24")
    watch = Watch((node,), lan)
    one = Tandem(node, CONFIG)
    one.start()
    both = ("10.0.0.100", "10.0.0.101")
    expect(wait_for(lambda: all("one" in watch.holders[a] for a in both), 15), "it is MASTER of both",
           one.log_text()[-500:])
    evil = Evil(other)
    each_kind(one, evil)
    unknown_router(one, evil)
    flood(one, evil, watch)
    moves = [m for m in watch.moves if m.address in both]
    expect(len(moves) == 2, "no address ever moved", moves)
    states = {v["name"]: v["state"] for v in one.status()["vrrp_instances"]}
    expect(set(states.values()) == {"MASTER"}, "and both are MASTER still", states)
    evil.send(v3())
    expect(wait_for(lambda: router(one, "three")["state"] == "BACKUP", 5),
           "one that is right in all is believed", router(one, "three"))


run(main)
