# SPDX-License-Identifier: Apache-2.0
"""One director, real servers that can be reached by every forwarding method, and a client that
asks and looks at who answers.

    client .50 ── lan 10.0.0.0/24, fd00::/64 ── d1 .1 ── inside 10.0.1.0/24, fd00:1::/64 ── r1 .11, r2 .12

The real servers are on the lan as well: there they answer the client themselves, as with DR and
TUN. What they say from their own address inside goes through the director (NAT), but for the
address in AWAY, from which there is no way back. The virtual addresses are .100 and ::100.

The servers and the client are threads of the scenario, which is cheaper than programs.
"""

import collections
import contextlib
import socket
import threading

from . import daemon, net

VIP = {4: "10.0.0.100", 6: "fd00::100"}
CLIENT = {4: "10.0.0.50", 6: "fd00::50"}
DIRECTOR = {4: "10.0.1.1", 6: "fd00:1::1"}  # on the side of the real servers
AWAY = 200  # an address' last number and this: there is no way back from there
PROTOCOLS = {"TCP": (socket.SOCK_STREAM, 0), "UDP": (socket.SOCK_DGRAM, 0),
             "SCTP": (socket.SOCK_STREAM, socket.IPPROTO_SCTP)}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
ETH_P_ALL = 0x0003
NEXT_PROTOCOL = {0x0800: 9, 0x86DD: 6}  # where a header has it, by ethertype
PATIENCE_S = 5
BULK = bytes(range(256)) * 120  # more than fits into any packet, less than any buffer

Answer = collections.namedtuple("Answer", "server peer local")


def own(i, family, away=False):
    """The address inside of the i-th real server."""
    return f"10.0.1.{10 + i + AWAY * away}" if family == 4 else f"fd00:1::{10 + i + AWAY * away}"


def mark_packets(node, ports, mark):
    """What comes in for these TCP ports ("80" or "80-81") over IPv4 carries this firewall mark."""
    node.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    node.run("tc", "filter", "add", "dev", "eth0", "ingress", "protocol", "ip", "flower", "ip_proto", "tcp",
             "dst_port", ports, "action", "skbedit", "mark", str(mark))


class Lab:
    def __init__(self, reals=2):
        self.lan, self.inside = net.Switch("lan"), net.Switch("inside")
        self.client, self.d1 = net.Node("client"), net.Node("d1")
        self.client.plug("eth0", self.lan, *self._addresses(CLIENT))
        self.d1.plug("eth0", self.lan, "10.0.0.1/24", "fd00::1/64", *self._addresses(VIP))
        self.d1.plug("eth1", self.inside, *self._addresses(DIRECTOR))
        self.d1.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                       ipv4__conf__all__send_redirects=0, ipv4__conf__eth1__send_redirects=0)
        self.reals = [self._real(i) for i in range(1, reals + 1)]
        self._ears = [self._ear(node) for node in self.reals]

    @staticmethod
    def _addresses(by_family):
        return [f"{by_family[4]}/24", f"{by_family[6]}/64"]

    def _real(self, i):
        node = net.Node(f"r{i}")
        node.plug("eth0", self.inside, *[f"{own(i, 4, a)}/24" for a in (False, True)],
                  *[f"{own(i, 6, a)}/64" for a in (False, True)])
        node.plug("eth1", self.lan, f"10.0.0.{10 + i}/24", f"fd00::{10 + i}/64")
        node.sysctl(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2)
        node.ip(f"addr add {VIP[4]}/32 dev lo", f"addr add {VIP[6]}/128 dev lo",
                f"rule add from {own(i, 4)} lookup 100",
                f"route add 0.0.0.0/0 via {DIRECTOR[4]} table 100",
                f"route add ::/0 via {DIRECTOR[6]} table 100")
        node.run("ip", "-6", "rule", "add", "from", own(i, 6), "lookup", "100")
        return node

    def start(self, config):
        self.daemon = daemon.KINDS["tandem"](self.d1, config)
        self.daemon.start()

    @staticmethod
    def _ear(node):
        with node.inside():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
            sock.bind(("eth0", ETH_P_ALL))
        sock.setblocking(False)
        return sock

    def arrived(self):
        """The IP protocols in which the director has sent packets to the real servers since the last
        call: the outer one of a tunnel."""
        seen = set()
        for ear in self._ears:
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet, (_, ethertype, to_whom, *_) = ear.recvfrom(64)
                    if to_whom == socket.PACKET_HOST and ethertype in NEXT_PROTOCOL:
                        seen.add(packet[NEXT_PROTOCOL[ethertype]])
        return seen

    # ---- real servers

    def serve(self, protocol, port, address, away=False):
        """Each real server listens on ADDRESS, or on its own of that family if it is a number."""
        for i, node in enumerate(self.reals, 1):
            where = own(i, address, away) if isinstance(address, int) else address
            kind, number = PROTOCOLS[protocol]
            family = FAMILIES[6 if ":" in where else 4]
            with node.inside():
                sock = socket.socket(family, kind, number)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((where, port))
            target = self._serve_datagrams
            if kind == socket.SOCK_STREAM:
                sock.listen(64)
                target = self._serve_streams
            threading.Thread(target=target, args=(node.name, sock), daemon=True).start()

    @staticmethod
    def _greeting(name, peer, sock):
        return f"{name} {peer[0]} {sock.getsockname()[0]}\n".encode()

    def _serve_datagrams(self, name, sock):
        while True:
            _, peer = sock.recvfrom(2048)
            sock.sendto(self._greeting(name, peer, sock), peer)

    def _serve_streams(self, name, sock):
        while True:
            conn, peer = sock.accept()
            threading.Thread(target=self._echo, args=(self._greeting(name, peer, conn), conn),
                             daemon=True).start()

    @staticmethod
    def _echo(greeting, conn):
        try:
            conn.sendall(greeting)
            while said := conn.recv(65536):
                conn.sendall(said)
        except OSError:
            pass
        conn.close()

    # ---- the client

    def connect(self, protocol, address, port):
        """(socket, Answer) of a connection that has been answered."""
        kind, number = PROTOCOLS[protocol]
        with self.client.inside():
            sock = socket.socket(FAMILIES[6 if ":" in address else 4], kind, number)
        sock.settimeout(PATIENCE_S)
        sock.connect((address, port))
        if protocol == "UDP":
            sock.send(b"who?")
        return sock, Answer(*sock.recv(200).decode().split())

    def ask(self, protocol, address, port):
        """Answer of one connection, over which a bulk has come back whole; else a string: why not."""
        try:
            sock, answer = self.connect(protocol, address, port)
            with sock:
                if protocol != "UDP" and not self._comes_back(sock):
                    return "what was sent did not come back"
                return answer
        except OSError as e:
            return str(e)

    @staticmethod
    def _comes_back(sock):
        sock.sendall(BULK)
        got = b""
        while len(got) < len(BULK) and (more := sock.recv(65536)):
            got += more
        return got == BULK


def names(answers):
    """The servers that answered, or the first reason why one did not."""
    wrong = [a for a in answers if isinstance(a, str)]
    return wrong[0] if wrong else {a.server for a in answers}
