# SPDX-License-Identifier: Apache-2.0
"""What passes on a LAN, with the kernel's time of each frame: how late the reader is does not matter,
so it looks ten times a second only, and who sends does not pay for waking it.

Advertisements (VRRP over IPv4 and IPv6), and announcements: ARP, and neighbour advertisements.
"""

import collections
import contextlib
import socket
import struct
import threading
import time

ETH_P_ALL, ETH_P_IP, ETH_P_ARP, ETH_P_IPV6 = 0x0003, 0x0800, 0x0806, 0x86DD
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1
PACKET_STATISTICS = 6
IPPROTO_VRRP, IPPROTO_ICMPV6, NEIGHBOUR_ADVERT = 112, 58, 136
HEADER = 14  # Ethernet

Advert = collections.namedtuple("Advert", "at_ns source vrid priority")
Announcement = collections.namedtuple("Announcement", "at_ns mac address")


class Capture(threading.Thread):
    def __init__(self, switch):
        super().__init__(daemon=True)
        self._frames, self._end = [], False
        with switch.inside():
            self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            self._sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._sock.bind(("br0", ETH_P_ALL))
            self._sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack(
                "=iHH8s", socket.if_nametoindex("br0"), PACKET_MR_PROMISC, 0, b""))
        self.start()

    def run(self):
        while not self._end:
            time.sleep(0.1)
            with contextlib.suppress(BlockingIOError):
                while True:
                    frame, control, _, _ = self._sock.recvmsg(128, 64, socket.MSG_DONTWAIT)
                    seconds, ns = struct.unpack("@qq", control[0][2][:16])
                    self._frames.append((seconds * 1_000_000_000 + ns, frame))

    def stop(self):
        self._end = True
        self.join()
        _, dropped = struct.unpack("=II", self._sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self._sock.close()
        if dropped:
            raise RuntimeError(f"{dropped} frames were missed: the figures are worth nothing")

    def adverts(self):
        return list(filter(None, (_advert(*f) for f in list(self._frames))))

    def announcements(self):
        return list(filter(None, (_announcement(*f) for f in list(self._frames))))


def _ether_type(frame):
    return struct.unpack_from("!H", frame, 12)[0]


def _advert(at_ns, frame):
    ip = frame[HEADER:]
    if _ether_type(frame) == ETH_P_IP and ip[9] == IPPROTO_VRRP:
        vrrp, source = ip[(ip[0] & 15) * 4:], socket.inet_ntop(socket.AF_INET, ip[12:16])
    elif _ether_type(frame) == ETH_P_IPV6 and ip[6] == IPPROTO_VRRP:
        vrrp, source = ip[40:], socket.inet_ntop(socket.AF_INET6, ip[8:24])
    else:
        return None
    return Advert(at_ns, source, vrrp[1], vrrp[2])


def _announcement(at_ns, frame):
    body = frame[HEADER:]
    if _ether_type(frame) == ETH_P_ARP and body[14:18] == body[24:28]:  # about itself
        return Announcement(at_ns, frame[6:12], socket.inet_ntop(socket.AF_INET, body[14:18]))
    if _ether_type(frame) == ETH_P_IPV6 and body[6] == IPPROTO_ICMPV6 and \
            body[40] == NEIGHBOUR_ADVERT:
        return Announcement(at_ns, frame[6:12], socket.inet_ntop(socket.AF_INET6, body[48:64]))
    return None
