#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120 ip_vs=no
"""auth_hmac: from no authentication to an enforced one, and a new key, without a transition; then a
stranger with a wrong key, with none and with recorded packets, who moves nothing; and the death of
the VRRP process, after which no number is used twice."""

import os
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, note, run, wait_for  # noqa: E402

KEYS = {1: "the first key, thirty-two bytes.", 2: "and the second, of as many bytes"}
FAMILIES = {4: ("10.0.0.100/24", "10.0.0.{}", 3), 6: ("fe80::100/64", "fe80::{}", 3),
            2: ("10.0.0.102/24", "10.0.0.{}", 2)}  # the last one VRRP version 2
PRIVATE = 0o600


def key_file(node, number):
    path = f"/run/{node.name}.key{number}"
    with open(path, "w") as f:
        os.chmod(path, PRIVATE)
        f.write(KEYS[number] + "\n")
    return path


def config(node, priority, auth):
    text = ""
    for name, (vip, address, version) in FAMILIES.items():
        text += (f"vrrp_instance V{name} {{\n    interface eth0\n    virtual_router_id {50 + name}\n"
                 f"    priority {priority}\n    version {version}\n"
                 f"    advert_int {1 if version == 2 else 0.1}\n"
                 f"    virtual_ipaddress {{\n        {vip}\n    }}\n{auth}}}\n")
    return text


def hmac(node, keys, active, mode="enforce"):
    lines = "".join(f"        key {k} file:{key_file(node, k)}\n" for k in keys)
    return f"    auth_hmac {{\n{lines}        active_key {active}\n        mode {mode}\n    }}\n"


def instances(node):
    status = node.daemon.status()
    return status["vrrp_instances"] if status else []


def states(node):
    return [i["state"] for i in instances(node)]


def counters(node, name):
    return sum(i["counters"].get(name, 0) for i in instances(node))


def transitions(pair):
    return [n.daemon.log_text().count(" → ") for n in pair]


def settled(pair):
    return wait_for(lambda: states(pair[0]) == ["MASTER"] * 3 and states(pair[1]) == ["BACKUP"] * 3,
                    10)


def reload(node, priority, auth):
    node.daemon.configure(config(node, priority, auth))
    return node.daemon.ctl("reload")


def expect_steps(pair, what, steps):
    """Each step is a reload of one node; none of them may move anything."""
    before = transitions(pair)
    for node, priority, auth in steps:
        status, said = reload(node, priority, auth)
        expect(status == 0, f"{what}: {node.name} reloads", said)
        time.sleep(1)
    time.sleep(3.5)
    expect(settled(pair) and transitions(pair) == before, f"{what}: no transition",
           [n.daemon.log_text()[-600:] for n in pair])


def migrate(pair):
    d1, d2 = pair
    expect_steps(pair, "permissive first, then enforce", [
        # Who does not know the trailer yet drops what has one: so both learn it before any signs.
        (d2, 100, hmac(d2, [1], 1, "receive-only")), (d1, 150, hmac(d1, [1], 1, "receive-only")),
        (d2, 100, hmac(d2, [1], 1, "permissive")), (d1, 150, hmac(d1, [1], 1, "permissive")),
        (d2, 100, hmac(d2, [1], 1)), (d1, 150, hmac(d1, [1], 1))])
    log = d2.daemon.log_text()
    expect("are not authenticated: accepted" in log and "are authenticated now" in log,
           "the peer's progress is told", log[-600:])
    expect_steps(pair, "a new key", [
        (d2, 100, hmac(d2, [1, 2], 1)), (d1, 150, hmac(d1, [1, 2], 1)),
        (d1, 150, hmac(d1, [1, 2], 2)), (d2, 100, hmac(d2, [1, 2], 2)),
        (d1, 150, hmac(d1, [2], 2)), (d2, 100, hmac(d2, [2], 2))])


def record(stranger, seconds):
    """Advertisements off the wire, as Ethernet frames."""
    with stranger.inside():
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind(("eth0", 0))
    s.settimeout(0.2)
    end, frames = time.monotonic() + seconds, []
    while time.monotonic() < end:
        try:
            frame = s.recv(2048)
        except TimeoutError:
            continue
        if frame[12:14] == b"\x08\x00" and frame[23] == 112 or \
                frame[12:14] == b"\x86\xdd" and frame[20] == 112:
            frames.append(frame)
    return s, frames


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def forged(frames):
    """Of version 3 over IPv4, from d1: with priority 255 for 100, its trailer as it was or off."""
    for frame in frames:
        if frame[14] >> 4 != 4 or frame[34] != 0x31:
            continue
        for keep in (True, False):
            body = bytearray(frame[34:] if keep else frame[34:-28])
            body[2], body[6:8] = 255, b"\0\0"
            length = len(body) - (28 if keep else 0)
            body[6:8] = struct.pack("!H", checksum(bytes(body[:length])))
            header = bytearray(frame[14:34])
            header[2:4], header[10:12] = struct.pack("!H", 20 + len(body)), b"\0\0"
            header[10:12] = struct.pack("!H", checksum(bytes(header)))
            yield frame[:14] + bytes(header) + bytes(body)


def attack(pair, stranger):
    d1, d2 = pair
    before = transitions(pair)
    wire, frames = record(stranger, 2.5)
    note(f"{len(frames)} advertisements recorded")
    replayed, failed = counters(d2, "replays"), counters(d2, "auth_failures")
    for frame in frames:
        wire.send(frame)
    time.sleep(0.3)
    got = counters(d2, "replays") - replayed
    expect(got >= 0.8 * len(frames), "what was recorded is refused as replayed", got)
    for frame in forged(frames):
        wire.send(frame)
    time.sleep(0.3)
    got = counters(d2, "auth_failures") - failed
    expect(got >= 10, "changed, or without its trailer, it is refused and counted", got)
    log = d2.daemon.log_text()
    expect("sequence number is not new: a replay" in log, "the log has the reason", log[-600:])
    expect(settled(pair) and transitions(pair) == before, "and no state changed",
           [n.daemon.log_text()[-600:] for n in pair])


def flood(pair, stranger):
    """Recorded packets again, as fast as they go out."""
    wire, frames = record(stranger, 1)
    before, sent, end = transitions(pair), 0, time.monotonic() + 3
    burned = cpu_s(pair[1])
    while time.monotonic() < end:
        for frame in frames:
            wire.send(frame)
        sent += len(frames)
    burned = cpu_s(pair[1]) - burned
    note(f"{sent / 3:.0f} packets/s for 3 s cost the Backup {burned:.2f} s of CPU, "
         f"{burned / sent * 1e6:.1f} us each")
    time.sleep(1)
    lines = pair[1].daemon.log_text().count("advertisement from")
    expect(lines < 40, "a flood is told of in few lines", lines)
    expect(settled(pair) and transitions(pair) == before, "and changes nothing",
           [n.daemon.log_text()[-600:] for n in pair])


def cpu_s(node):
    with open(f"/proc/{node.daemon.vrrp_pid()}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrong_key(pair):
    d1, d2 = pair
    with open(key_file(d2, 2), "w") as f:
        f.write(KEYS[1] + "\n")
    status, said = d2.daemon.ctl("reload")
    expect(status == 0, "the key's file has another content: the reload takes it", said)
    expect(wait_for(lambda: "wrong authentication data" in d1.daemon.log_text()
                    or "wrong authentication data" in d2.daemon.log_text(), 5),
           "a wrong key is refused, with the reason", d2.daemon.log_text()[-500:])
    expect(wait_for(lambda: states(d2) == ["MASTER"] * 3, 10), "and the two do not hear each other")
    os.unlink(key_file(d2, 2))
    status, said = d2.daemon.ctl("reload")
    expect(status != 0 and "key 2, file:/run/d2.key2: No such file" in said,
           "without the file the reload is refused, and nothing changes", said)
    reload(d2, 100, hmac(d2, [2], 2))
    expect(settled(pair), "with the right key all is as it was", d2.daemon.log_text()[-500:])


def death(pair):
    before = transitions(pair)
    for node in pair:
        os.kill(node.daemon.vrrp_pid(), signal.SIGKILL)
        time.sleep(2)
    expect(settled(pair) and transitions(pair) == before,
           "the VRRP process dies on both: its successor is heard, and hears",
           [n.daemon.log_text()[-600:] for n in pair])


def expect_no_secrets(pair):
    shown = []
    for node in pair:
        files = [node.daemon.log_text(), node.daemon.ctl("status", "--json")[1],
                 node.daemon.ctl("config")[1]]
        for secret in KEYS.values():
            shown += [secret for text in files if secret in text or secret.encode().hex() in text]
    expect(not shown, "no key is in a log, in the status, in the configuration that is shown", shown)


def main():
    switch = Switch("sw")
    pair = []
    for i, priority in ((1, 150), (2, 100)):
        node = Node(f"d{i}")
        node.plug("eth0", switch, f"10.0.0.{i}/24", f"fe80::{i}/64")
        node.daemon = Tandem(node, config(node, priority, ""))
        pair.append(node)
    stranger = Node("stranger")
    stranger.plug("eth0", switch, "10.0.0.9/24")
    for node in pair:
        node.daemon.start()
    expect(settled(pair), "the pair runs without authentication", pair[0].daemon.log_text()[-500:])
    migrate(pair)
    attack(pair, stranger)
    flood(pair, stranger)
    death(pair)
    wrong_key(pair)
    expect_no_secrets(pair)


run(main)
