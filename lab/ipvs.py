# SPDX-License-Identifier: Apache-2.0
"""Cheap questions to the kernel's IPVS in this thread's namespace, for polling: how many services,
which weight. (Reading all of /proc/net/ip_vs would cost more than what is being measured.)"""

import contextlib
import ctypes
import os
import socket
import struct
import time

SYNC_GROUP, SYNC_PORT = "224.0.0.81", 8848
CONN_F_TEMPLATE, TCP_S_CLOSE = 0x1000, 6
IP_VS_SO_GET_INFO, IP_VS_SO_GET_SERVICE, IP_VS_SO_GET_DESTS = 1153, 1155, 1156
_libc = ctypes.CDLL(None, use_errno=True)


def _getsockopt(sock, option, buffer):
    size = ctypes.c_uint32(len(buffer))
    if _libc.getsockopt(sock.fileno(), socket.IPPROTO_IP, option, buffer, ctypes.byref(size)) < 0:
        raise OSError(ctypes.get_errno(), "IPVS sockopt")
    return buffer.raw


class Kernel:
    def __init__(self, node):
        with node.inside():
            self._sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def services(self):
        raw = _getsockopt(self._sock, IP_VS_SO_GET_INFO, ctypes.create_string_buffer(12))
        return struct.unpack("=III", raw)[2]

    def reals(self, address, port):
        """How many real servers a TCP service has; None: there is no such service."""
        head = struct.pack("=HxxIHxxI", socket.IPPROTO_TCP,
                           struct.unpack("=I", socket.inet_aton(address))[0], socket.htons(port), 0)
        try:
            raw = _getsockopt(self._sock, IP_VS_SO_GET_SERVICE, ctypes.create_string_buffer(head, 104))
        except OSError:
            return None
        return struct.unpack_from("=I", raw, 44)[0]

    def weights(self, address, port, reals):
        """The weights of a TCP service's real servers, which must be that many; else None."""
        head = struct.pack("=HxxIHxxIIxxxx", socket.IPPROTO_TCP,
                           struct.unpack("=I", socket.inet_aton(address))[0],
                           socket.htons(port), 0, reals)
        try:
            buffer = ctypes.create_string_buffer(head + bytes(96 * reals), 24 + 96 * reals)
            raw = _getsockopt(self._sock, IP_VS_SO_GET_DESTS, buffer)
        except OSError:
            return None
        if struct.unpack_from("=I", raw, 16)[0] != reals:
            return None
        return [struct.unpack_from("=i", raw, 24 + 96 * i + 12)[0] for i in range(reals)]


def connections(node):
    """The lines of /proc/net/ip_vs_conn, which `ipvsadm -Lnc` would print in another form."""
    with node.inside(), open("/proc/thread-self/net/ip_vs_conn") as f:
        return f.readlines()[1:]


def _last_second(line):
    """A datagram of the kernel's sync protocol, version 1, which leaves a second to this connection."""
    protocol, client, client_port, virtual, virtual_port, real, real_port = line.split()[:7]
    v6 = ":" in client
    addresses = [bytes.fromhex(a.replace(":", "")) for a in (client, virtual, real)]
    ports = [int(p, 16) for p in (client_port, virtual_port, real_port)]
    number = {"TCP": socket.IPPROTO_TCP, "UDP": socket.IPPROTO_UDP, "SCTP": socket.IPPROTO_SCTP}[protocol]
    flags = 0 if ports[0] else CONN_F_TEMPLATE
    state = TCP_S_CLOSE if protocol == "TCP" and not flags else 0
    size = 24 + sum(map(len, addresses))
    record = struct.pack("!BBHIHHHHII", v6, number, size, flags, state, *ports, 0, 1) + b"".join(addresses)
    return struct.pack("!BBHBBH", 0, 0, 8 + size, 1, 1, 0) + record


def expire(node):
    """Has the kernel drop all connections in a second, also those without a real server, which it does not
    look for when services are removed. It believes what its backup daemon hears."""
    node.run("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "lo")
    with node.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        for line in connections(node):
            sock.sendto(_last_second(line), (SYNC_GROUP, SYNC_PORT))
    time.sleep(0.2)  # for its thread
    node.run("ipvsadm", "--stop-daemon", "backup")


def cpu_us(pids):
    """The CPU time these processes have used, and the children they have waited for."""
    total = 0
    tick_us = 1_000_000 // os.sysconf("SC_CLK_TCK")
    for pid in pids:
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat") as f:
                words = f.read().rsplit(")", 1)[1].split()
            total += (int(words[13]) + int(words[14])) * tick_us
            own = (int(words[11]) + int(words[12])) * tick_us
            with contextlib.suppress(OSError), open(f"/proc/{pid}/schedstat") as f:
                own = int(f.read().split()[0]) // 1000
            total += own
    return total
