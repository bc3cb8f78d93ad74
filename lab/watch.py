# SPDX-License-Identifier: Apache-2.0
"""What happened, seen from outside the daemons, with the traffic programs' clock.

Watch records who gained or lost which address (rtnetlink of every node watched) and every VRRP
advertisement on the LAN, of IPv4 and IPv6. IpvsCommands counts what is asked of the kernel's IPVS
over generic netlink. Nothing here asks a daemon, so all daemons are measured alike.
"""

import collections
import contextlib
import ctypes
import select
import socket
import struct
import sys
import threading
import time

from .rtnl import IFA_ADDRESS, IFA_LOCAL, RTM_NEWADDR

RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR = 0x10, 0x100
RTM_DELADDR = 21
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
ETH_P_ALL = 0x0003
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC, PACKET_STATISTICS = 263, 1, 1, 6
IPPROTO_VRRP = 112

Move = collections.namedtuple("Move", "at_us node gained address")
Advert = collections.namedtuple("Advert", "at_us source version vrid priority")


def now_us():
    return time.monotonic_ns() // 1000


def nlmsgs(data):
    """The messages of one netlink datagram: (type, flags, payload)."""
    while len(data) >= 16:
        length, kind, flags = struct.unpack_from("=IHH", data)
        if length < 16 or length > len(data):
            return
        yield kind, flags, data[16:length]
        data = data[(length + 3) & ~3:]


def attributes(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def _address(payload):
    attrs = attributes(payload[8:])
    raw = attrs.get(IFA_LOCAL, attrs.get(IFA_ADDRESS, b""))
    family = socket.AF_INET6 if len(raw) == 16 else socket.AF_INET
    return socket.inet_ntop(family, raw) if len(raw) in (4, 16) else "?"


LOAD_BYTE, JUMP_EQUAL, JUMP_SET, AND, RESULT = 0x30, 0x15, 0x45, 0x54, 0x06


def _filter(sock, *code):
    """Classic BPF: what a packet socket need not see would cost a wake-up, or overrun it."""
    prog = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *c) for c in code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack("@HP", len(code), ctypes.addressof(prog)))


def _filter_vrrp(sock):
    """VRRP over IPv4 or IPv6."""
    _filter(sock, (LOAD_BYTE, 0, 0, 0), (AND, 0, 0, 0xF0), (JUMP_EQUAL, 0, 2, 0x40),
            (LOAD_BYTE, 0, 0, 9), (JUMP_EQUAL, 2, 3, IPPROTO_VRRP),
            (LOAD_BYTE, 0, 0, 6), (JUMP_EQUAL, 0, 1, IPPROTO_VRRP),
            (RESULT, 0, 0, 0xFFFF), (RESULT, 0, 0, 0))


def _vrrp_split(packet):
    """(source, VRRP message) of an IP packet."""
    if packet[0] >> 4 == 6:
        return socket.inet_ntop(socket.AF_INET6, packet[8:24]), packet[40:]
    return socket.inet_ntoa(packet[12:16]), packet[(packet[0] & 15) * 4:]


class Watch(threading.Thread):
    """Without a switch only who has which address: thousands of advertisements a second are too
    many for it."""

    def __init__(self, nodes, switch=None):
        super().__init__(daemon=True)
        self.moves, self.adverts = [], []
        self.holders = collections.defaultdict(set)  # address -> names of nodes
        self._poll, self._read = select.poll(), {}
        for node in nodes:
            with node.inside():
                sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
                sock.bind((0, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
            self._add(sock, lambda s, name=node.name: self._on_addresses(s, name))
        if switch:
            self._hear(switch)
        self.start()

    def _hear(self, switch):
        with switch.inside():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
            _filter_vrrp(sock)
            sock.bind(("br0", ETH_P_ALL))
            sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack(
                "=iHH8s", socket.if_nametoindex("br0"), PACKET_MR_PROMISC, 0, b""))
        self._add(sock, self._on_packet)

    def _add(self, sock, handler):
        sock.setblocking(False)
        self._read[sock.fileno()] = (sock, handler)
        self._poll.register(sock.fileno(), select.POLLIN)

    def run(self):
        while True:
            for fd, _ in self._poll.poll():
                sock, handler = self._read[fd]
                with contextlib.suppress(BlockingIOError):
                    handler(sock)

    def _on_addresses(self, sock, name):
        at = now_us()
        for kind, _, payload in nlmsgs(sock.recv(65536)):
            if kind not in (RTM_NEWADDR, RTM_DELADDR):
                continue
            address, gained = _address(payload), kind == RTM_NEWADDR
            held = name in self.holders[address]
            if gained != held:
                (self.holders[address].add if gained else self.holders[address].discard)(name)
                self.moves.append(Move(at, name, gained, address))

    def _on_packet(self, sock):
        source, vrrp = _vrrp_split(sock.recv(2048))
        if len(vrrp) >= 8:
            self.adverts.append(Advert(now_us(), source, vrrp[0] >> 4, vrrp[1], vrrp[2]))

    def moves_since(self, at_us, address=None):
        return [m for m in self.moves if m.at_us >= at_us and address in (None, m.address)]

    def wait_advert(self, timeout_s):
        """Until the next advertisement, whoever sends it."""
        seen, end = len(self.adverts), time.monotonic() + timeout_s
        while len(self.adverts) == seen and time.monotonic() < end:
            time.sleep(0.001)

    def advert_gap_us(self, since_us):
        """The longest silence between two advertisements of one sender."""
        last, worst = {}, 0
        for advert in [a for a in self.adverts if a.at_us >= since_us]:
            worst = max(worst, advert.at_us - last.get(advert.source, advert.at_us))
            last[advert.source] = advert.at_us
        return worst


class IpvsCommands:
    """Counts IPVS commands sent to the kernel in a node's namespace, with an nlmon interface."""

    NAMES = ("", "NEW_SERVICE", "SET_SERVICE", "DEL_SERVICE", "GET_SERVICE", "NEW_DEST", "SET_DEST",
             "DEL_DEST", "GET_DEST", "NEW_DAEMON", "DEL_DAEMON", "GET_DAEMON", "SET_CONFIG",
             "GET_CONFIG", "SET_INFO", "GET_INFO", "ZERO", "FLUSH")
    NLM_F_REQUEST = 1  # towards the kernel, not from it

    def __init__(self, node):
        node.ip("link add nlmon0 type nlmon", "link set nlmon0 up")
        with node.inside():
            self._family = self._family_id()
            self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self._sock.bind(("nlmon0", ETH_P_ALL))
            # Requests only, by the low byte of the flags: the kernel's answers are many and big.
            _filter(self._sock, (LOAD_BYTE, 0, 0, 6 if sys.byteorder == "little" else 7),
                    (JUMP_SET, 0, 1, self.NLM_F_REQUEST), (RESULT, 0, 0, 1 << 20),
                    (RESULT, 0, 0, 0))
        self._sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self._sock.setblocking(False)
        node.run("ipvsadm", "-Z")
        if not self.take()["ZERO"]:
            raise RuntimeError("nlmon does not show the commands to IPVS")

    @staticmethod
    def _family_id():
        """The number the kernel gave to the family named IPVS (CTRL_CMD_GETFAMILY)."""
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as sock:
            attr = struct.pack("=HH", 9, 2) + b"IPVS\0\0\0\0"
            body = struct.pack("=BBH", 3, 1, 0) + attr
            sock.send(struct.pack("=IHHII", 16 + len(body), 16, 1, 1, 0) + body)
            for _, _, payload in nlmsgs(sock.recv(65536)):
                raw = attributes(payload[4:]).get(1)
                if raw:
                    return struct.unpack("=H", raw)[0]
        raise RuntimeError("the kernel has no IPVS netlink family")

    def take(self):
        """What was asked since the last call: {command: how often}."""
        counts = collections.Counter()
        with contextlib.suppress(BlockingIOError):
            while True:
                for kind, flags, payload in nlmsgs(self._sock.recv(4 << 20)):
                    if kind == self._family and flags & self.NLM_F_REQUEST and payload:
                        counts[self.NAMES[payload[0]]] += 1
        _, dropped = struct.unpack("=II", self._sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        if dropped:
            raise RuntimeError(f"{dropped} netlink messages were missed: the count is worth nothing")
        return counts

    def take_changes(self):
        return {k: n for k, n in self.take().items() if not k.startswith("GET_")}
