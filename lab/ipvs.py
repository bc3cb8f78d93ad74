# SPDX-License-Identifier: Apache-2.0
"""Cheap questions to the kernel's IPVS in this thread's namespace, for polling: how many services,
which weight. (Reading all of /proc/net/ip_vs would cost more than what is being measured.)"""

import contextlib
import ctypes
import os
import socket
import struct

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
