# SPDX-License-Identifier: Apache-2.0
"""Links and addresses, asked of the kernel directly (rtnetlink(7)): a process of ip(8) for each would
be the dearest part of a scenario in a guest.

Only what every scenario needs is here. Anything else is ip(8)'s, by Namespace.ip().
"""

import ipaddress
import os
import socket
import struct

RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR = 16, 17, 20
REQUEST, ACK, EXCL, CREATE = 1, 4, 0x200, 0x400
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFLA_IFNAME, IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO, IFLA_NET_NS_FD = 3, 5, 10, 18, 28
INFO_KIND, INFO_DATA, PEER, BRIDGE_FORWARD_DELAY, VRF_TABLE = 1, 2, 1, 1, 1
IFF_UP = 1


def attribute(kind, data):
    if isinstance(data, str):
        data = data.encode() + b"\0"
    elif isinstance(data, int):
        data = struct.pack("=I", data)
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _link(index=0, flags=0, change=0):
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, change)


def _ask(kind, body, flags=0):
    """In the namespace of this thread."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | ACK | flags, 1, 0) + body)
        answer = sock.recv(65536)
    error = -struct.unpack_from("=i", answer, 16)[0]
    if error:
        raise OSError(error, os.strerror(error))


def add_link(name, kind, *, data=b"", on=None, index=0):
    """A new interface; on: the one that it needs below it."""
    info = attribute(INFO_KIND, kind) + (attribute(INFO_DATA, data) if data else b"")
    below = attribute(IFLA_LINK, socket.if_nametoindex(on)) if on else b""
    _ask(RTM_NEWLINK, _link(index) + attribute(IFLA_IFNAME, name) + below
         + attribute(IFLA_LINKINFO, info), CREATE | EXCL)


def add_veth(name, index, peer, peer_namespace):
    """A cable; the other end is in the namespace of that path."""
    with open(peer_namespace, "rb") as namespace:
        end = _link() + attribute(IFLA_IFNAME, peer) + attribute(IFLA_NET_NS_FD, namespace.fileno())
        add_link(name, "veth", data=attribute(PEER, end), index=index)


def set_up(name, master=None):
    bridge = attribute(IFLA_MASTER, socket.if_nametoindex(master)) if master else b""
    _ask(RTM_NEWLINK, _link(socket.if_nametoindex(name), IFF_UP, IFF_UP) + bridge)


def delete(name):
    _ask(RTM_DELLINK, _link(socket.if_nametoindex(name)))


def add_address(text, ifname):
    """ADDRESS/BITS"""
    address = ipaddress.ip_interface(text)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    _ask(RTM_NEWADDR, struct.pack("=BBBBi", family, address.network.prefixlen, 0, 0,
                                  socket.if_nametoindex(ifname))
         + attribute(IFA_LOCAL, address.packed) + attribute(IFA_ADDRESS, address.packed), CREATE | EXCL)
