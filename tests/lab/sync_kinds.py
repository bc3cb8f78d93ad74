#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=180
"""Every kind of connection goes to the other director and comes back: TCP, UDP and SCTP, IPv4 and IPv6, by
address and by firewall mark, with persistence and with a persistence engine. What the kernel of the one
has, that of the other has with the same real server; after a failover and the failback both still have, and
whatever the clock does."""

import contextlib
import os
import re
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import (ECHO_PORT, Guest, Pair, Tandem, clock_step, expect, has_module, ipvs, note, run,  # noqa: E402
                 wait_for)
from lab.forwarding import mark_packets  # noqa: E402
from lab.traffic import program  # noqa: E402

MARK, MARKED = 7, (9001, 9002)
NET6 = "fd00:0:0:1::"
VIP6 = NET6 + "100"
SIP_PORT, SCTP_PORT = 5060, 9003
EACH = 5
FIRST_CALL = 20000
EXPECTED = ({("TCP", "IPv4", "", ""), ("UDP", "IPv4", "", ""), ("SCTP", "IPv4", "", ""), ("UDP", "IPv6", "", ""),
             ("TCP", "IPv6", "", ""), ("TCP", "IPv6", "template", ""), ("IP", "IPv4", "template", "")}
            | ({("UDP", "IPv4", "template", "sip")} if has_module("ip_vs_pe_sip") else set()))


def six(address):
    return address.replace("10.0.0.", NET6)


class KindsPair(Pair):
    def wait_table(self, node, reals=None, timeout_s=60):
        # Not by /proc/net/ip_vs: see table().
        want = self.config(node).count("real_server ") + 1  # tandem's own
        return wait_for(lambda: node.run("ipvsadm", "-Sn").count("-a ") >= want, timeout_s, 0.1)

    def power_cycle(self, node):
        node.sysctl(**{f"ipv4__vs__{name}": " ".join(words) for name, words in self.settings.items()})
        super().power_cycle(node)

    def config(self, node):
        text = super().config(node).replace(
            "    virtual_ipaddress {", f"    virtual_ipaddress_excluded {{\n        {VIP6}/128 dev eth0\n    }}\n"
            "    virtual_ipaddress {", 1)
        inner = [six(a) for a in self.real_addresses]
        text += service(f"{VIP6} {ECHO_PORT}", [f"{a} {ECHO_PORT}" for a in inner], "protocol UDP")
        text += service(f"{VIP6} {ECHO_PORT + 1}", [f"{a} {ECHO_PORT + 1}" for a in inner], "protocol TCP",
                        "persistence_timeout 300")
        text += service(f"fwmark {MARK}", [f"{a} 0" for a in self.real_addresses], "persistence_timeout 300")
        text += service(f"{self.vip} {SCTP_PORT}", [f"{a} {SCTP_PORT}" for a in self.real_addresses], "protocol SCTP")
        if has_module("ip_vs_pe_sip"):
            text += service(f"{self.vip} {SIP_PORT}", [f"{a} {SIP_PORT}" for a in self.real_addresses],
                            "protocol UDP", "persistence_timeout 300", "persistence_engine sip")
        return text


def service(address, reals, *more):
    servers = "".join(f"    real_server {r} {{\n        weight 1\n    }}\n" for r in reals)
    words = "".join(f"    {line}\n" for line in more)
    return (f"virtual_server {address} {{\n    lvs_sched rr\n    lvs_method DR\n{words}"
            f"{servers}}}\n")


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def sctp_packet(port, chunk):
    head = struct.pack("!HHI", port, SCTP_PORT, 0 if chunk[0] == 1 else 1)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def sctp_begin(pair, port):
    """INIT and COOKIE ECHO, of which the director sees no more with DR: nobody need answer them."""
    init = struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65535, 1, 1, 1)
    cookie = struct.pack("!BBH", 10, 0, 8) + bytes(4)
    with pair.client.inside(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_SCTP) as s:
        for chunk in (init, cookie):
            s.sendto(sctp_packet(port, chunk), (pair.vip, 0))


def call(port):
    return (f"INVITE sip:x@10.0.0.100 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.50:{port}\r\n"
            f"Call-ID: call-{port % EACH}@10.0.0.50\r\nContent-Length: 0\r\n\r\n").encode()


class Flows:
    """Sockets of the client that stay open, and say something when they are asked to."""

    def __init__(self, pair):
        self.pair, self.open = pair, []
        for i in range(EACH):
            self.add(socket.AF_INET, socket.SOCK_DGRAM, pair.vip, ECHO_PORT)
            self.add(socket.AF_INET, socket.SOCK_STREAM, pair.vip, ECHO_PORT)
            self.add(socket.AF_INET6, socket.SOCK_DGRAM, VIP6, ECHO_PORT)
            self.add(socket.AF_INET6, socket.SOCK_STREAM, VIP6, ECHO_PORT + 1)
            self.add(socket.AF_INET, socket.SOCK_STREAM, pair.vip, MARKED[i % 2])
        if has_module("ip_vs_pe_sip"):
            for i in range(EACH):
                self.add(socket.AF_INET, socket.SOCK_DGRAM, pair.vip, SIP_PORT, FIRST_CALL + i)

    def add(self, family, kind, address, port, own=0):
        with self.pair.client.inside():
            s = socket.socket(family, kind)
        s.bind(("", own))
        s.settimeout(2 if kind == socket.SOCK_DGRAM else 10)
        s.connect((address, port))
        self.open.append((s, port))

    @staticmethod
    def _ask(s, port):
        """Datagrams get lost while the address moves."""
        for _ in range(5 if s.type == socket.SOCK_DGRAM else 1):
            with contextlib.suppress(OSError):
                s.send(call(s.getsockname()[1]) if port == SIP_PORT else b"hello\n")
                return bool(s.recv(1000))
        return False

    def speak(self, what):
        """SCTP is not answered."""
        silent = [(s.family.name, s.type.name, port) for s, port in self.open if not self._ask(s, port)]
        expect(not silent, f"{what}: all are answered", silent)
        for i in range(EACH):
            sctp_begin(self.pair, 30000 + i)


def rows(node):
    """The kernel's connections, without their state and time, and what a persistence engine keeps of them."""
    found = set()
    for line in ipvs.connections(node):
        f = line.split()
        if f[0] in ("TCP", "UDP", "SCTP", "IP") and f[3] != "C0000008":  # 192.0.0.8: tandem's own
            found.add((*f[:7], *f[9:]))
    return found


def kinds(found):
    counts = {}
    for row in found:
        kind = (row[0], "IPv6" if ":" in row[1] else "IPv4", "template" * (row[2] == "0000"), " ".join(row[7:8]))
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def expect_same(pair, what, wanted):
    for node in pair.directors:
        expect(wait_for(lambda: rows(node) >= wanted, 20, 0.2), f"{what}: {node.name} has all kinds of connections",
               sorted(wanted - rows(node)))


def set_up(pair):
    for i, node in enumerate((pair.d1, pair.d2), 1):
        node.add_address(f"{NET6}{i}/64", "eth0")
        node.links["eth0"].addresses = [*node.links["eth0"].addresses, f"{NET6}{i}/64"]  # after a boot, too
        mark_packets(node, "{}-{}".format(*MARKED), MARK)
    pair.client.add_address(f"{NET6}50/64", "eth0")
    for address, node in zip(pair.real_addresses, pair.reals):
        node.add_address(six(address) + "/64", "eth0")
        node.add_address(VIP6 + "/128", "lo")
        for port in (*MARKED, ECHO_PORT + 1, SIP_PORT):
            node.spawn([program("echo"), "-p", str(port)], log=f"{node.name}.log")


def calls(found, first):
    """The real server of each call, of those from so many ports on."""
    return {int(row[2], 16) % EACH: row[5] for row in found
            if row[0] == "UDP" and row[4] == f"{SIP_PORT:04X}" and first <= int(row[2], 16) < first + EACH}


def check_calls(pair, wanted):
    """Of a call that is known, what comes from elsewhere goes to the same real server."""
    other = FIRST_CALL + EACH
    for port in range(other, other + EACH):
        with pair.client.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("", port))
            s.sendto(call(port), (pair.vip, SIP_PORT))
    servers = calls(wanted, FIRST_CALL)
    expect(len(servers) == EACH and wait_for(lambda: calls(rows(pair.d1), other) == servers, 5, 0.2),
           "a call goes to its real server, from another port, too", (calls(rows(pair.d1), other), servers))


def check_clock(pair, flows):
    """A clock that is set by days, either way, moves nothing and ends nothing."""
    for seconds in (14 * 86400, -28 * 86400, 14 * 86400):
        clock_step(seconds)
        known = rows(pair.d2)
        flows.add(socket.AF_INET, socket.SOCK_STREAM, pair.vip, ECHO_PORT)
        expect(wait_for(lambda: len(rows(pair.d2) - known) == 1, 5, 0.1) and rows(pair.d2) >= known,
               f"the clock is set by {seconds // 86400} days: a new connection is known to d2, and no other is gone",
               sorted(known ^ rows(pair.d2)))
    expect(pair.wait_synced(1) and pair.holders() == ["d1"], "and both are synced as before", pair.holders())


SETTINGS = {"sync_threshold": ["0", "0"], "sync_refresh_period": ["10"], "sync_retries": ["0"],
            "sync_qlen_max": ["262144"], "sync_sock_size": ["8388608"]}
SOCKET_BYTES, RMEM_MAX = 8388608, 212992  # the latter is the kernel's own
CORE = {"rmem_max": SOCKET_BYTES, "wmem_max": SOCKET_BYTES, "netdev_max_backlog": 20000}
HIGHER = 10000000
ALONE = ("global_defs {\n    router_id alone\n}\n"
         "sync {\n    address 127.0.0.1\n    peer 127.0.0.2\n    key hex:" + "5c" * 32 + "\n}\n")


def settings(node):
    return {name: node.run("sysctl", "-n", f"net.ipv4.vs.{name}").split() for name in SETTINGS}


def check_settings(pair):
    before = pair.settings
    for node in pair.directors:
        shown = {row["name"].removeprefix("net.ipv4.vs."): row for row in node.daemon.status()["ipvs"]["sysctls"]}
        expect(settings(node) == SETTINGS and all(
            shown[name]["value"].split() == words and shown[name]["former"].split() == before[name]
            for name, words in SETTINGS.items()), f"{node.name}: what sync needs of net.ipv4.vs is set, and shown",
            (settings(node), shown))
        expect(2 * RMEM_MAX in sink_buffers(node),
               f"{node.name}: before the kernel's threads had their sockets", sink_buffers(node))
        told = {node.daemon.log_text().count(f"net.core.{name}: can't") for name in CORE}
        expect(told == {2 if node == pair.d1 else 1},  # d1 was started twice
               f"{node.name}: what this namespace can't set is told once", told)
        node.daemon.stop()
        expect(settings(node) == before, f"{node.name}: a stop puts it back", settings(node))


def sink_buffers(node):
    """How much the sockets hold that hear what the kernel's backup thread is told: its own, and tandem's."""
    return [int(n) for n in re.findall(r"rb(\d+)", node.run("ss", "-Huanm", "sport", "=", ":8851"))]


def core_settings(node):
    return {name: int(node.run("sysctl", "-n", f"net.core.{name}")) for name in CORE}


def set_core(node, **values):
    node.sysctl(**{f"core__{name}": value for name, value in values.items()})


def check_core():
    """In the namespace that has net.core's settings: one that is higher is left, the others are raised before the
    kernel's threads have their sockets, and put back."""
    guest = Guest()
    at_boot = core_settings(guest)
    set_core(guest, wmem_max=HIGHER)
    before = core_settings(guest)
    raised = CORE | {"wmem_max": HIGHER}
    daemon = Tandem(guest, ALONE)
    daemon.start()
    expect(wait_for(lambda: 2 * SOCKET_BYTES in sink_buffers(guest), 20, 0.1), "net.core: the kernel's threads have room",
           sink_buffers(guest))
    shown = {row["name"]: (row["value"], row["former"]) for row in daemon.status()["ipvs"]["core_sysctls"]}
    expect(core_settings(guest) == raised and shown == {n: (str(raised[n]), str(before[n])) for n in CORE},
           "net.core: raised where it was less, and shown", (core_settings(guest), shown))
    old = daemon.roles()["tandem-ipvs"]
    os.kill(old, signal.SIGKILL)
    expect(daemon.wait_role("tandem-ipvs", old), "net.core: tandem-ipvs is killed")
    code, said = daemon.reload(ALONE.partition("sync")[0])
    expect(code == 0 and core_settings(guest) == before, "net.core: put back without the block", (said, before,
                                                                                         core_settings(guest)))
    code, said = daemon.reload(ALONE)
    expect(code == 0 and wait_for(lambda: 2 * SOCKET_BYTES in sink_buffers(guest), 20, 0.1)
           and core_settings(guest) == raised, "net.core: and raised again with it", (said, core_settings(guest)))
    set_core(guest, netdev_max_backlog=HIGHER)
    daemon.stop()
    expect(core_settings(guest) == before | {"netdev_max_backlog": HIGHER},
           "net.core: a stop puts back what nobody else has changed", core_settings(guest))
    set_core(guest, **at_boot)


def main():
    pair = KindsPair(sync="peer", reals=2)
    set_up(pair)
    pair.settings = settings(pair.d1)
    pair.start()
    expect(pair.wait_synced(), "both are synced")
    flows = Flows(pair)
    flows.speak("as they are opened")
    wanted = rows(pair.d1)
    note(kinds(wanted))
    missing = {kind for kind in EXPECTED if kinds(wanted).get(kind, 0) < 1}
    expect(not missing, "d1 has connections of all kinds", missing)
    expect_same(pair, "as they are opened", wanted)
    if os.environ["LAB_BACKEND"] == "uml":  # elsewhere the clock is the host's
        check_clock(pair, flows)
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 30), "d2 takes over", pair.holders())
    flows.speak("on d2")
    pair.power_cycle(pair.d1)
    expect(pair.wait_active(pair.d1, 60), "d1 is back", pair.holders())
    flows.speak("back on d1")
    expect_same(pair, "after the failback", wanted)
    if has_module("ip_vs_pe_sip"):
        check_calls(pair, wanted)
    check_settings(pair)
    if os.environ["LAB_BACKEND"] != "native":  # net.core is the host's
        check_core()


run(main)
