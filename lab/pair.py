# SPDX-License-Identifier: Apache-2.0
"""The usual lab: two directors, real servers, a client, one LAN (two for NAT and SNAT), one service.

    client .50 ──┬── lan 10.0.0.0/24 or fd00::/64, the virtual address is .100 or ::100
       d1 .1  ───┤   d2 .2
       r1 .11 ───┘   r2 .12 …     (NAT: on a second LAN, 10.0.1.0/24 or fd00:1::/64, gateway 254;
                         SNAT: the same without a way back)

Both directors read the same keepalived.conf text but for their priority: d1 is preferred. Connections
are spread by the hash that both compute alike (mh), or they are copied (sync=) and spread by rr.
"""

import ipaddress
import socket

from . import daemon, held, ipvs, net, tap
from .traffic import Probe, Sessions, Traffic, program
from .watch import Watch

ECHO_PORT = 8000
SYNC_KEY = "hex:" + "5a" * 32


class Pair:
    def __init__(self, kinds=("tandem", "tandem"), *, mode="dr", version=3, advert_s=0.1, reals=4,
                 http=False, ip_vs=True, family=4, sync=None, more="", machines=None, server=""):
        """kinds: the daemons of d1 and d2; sync: "peer" (tandem's own) or "kernel"
        (lvs_sync_daemon); more: text for d1's configuration; machines: that share the addresses of
        the real servers, else each has one; server: text for each real server."""
        tunnel = ["ipip" if family == 4 else "ip6_tunnel"] * (mode == "tun")
        tap.need(modules=["ip_vs"] * ip_vs + ["veth", "bridge"] + tunnel,
                 programs=[k for k in kinds if k != "tandem"] + ["nginx"] * http)
        self.mode, self.version, self.advert_s = mode, version, advert_s
        self.http, self.ip_vs, self.family, self.more, self.server = http, ip_vs, family, more, server
        self.sync = sync
        self.vip, self.gateway = self.address(0, 100), self.address(1, 254)
        self.real_addresses = [self.address(int("nat" in mode), 11 + i) for i in range(reals)]
        self.lan = net.Switch("lan")
        self.inside = net.Switch("inside") if "nat" in mode else None
        self.client = net.Node("client")
        self._plug(self.client, "eth0", self.lan, self.address(0, 50))
        self.d1, self.d2 = (self._director(i) for i in (1, 2))
        self.directors = (self.d1, self.d2)
        machines = machines or reals
        self.reals = [self._real(i + 1, self.real_addresses[i::machines]) for i in range(machines)]
        self.watch = Watch(self.directors, self.lan)
        self.employ(*kinds)

    def employ(self, *kinds):
        """Give the directors these daemons, instead of those they have."""
        for node, kind in zip(self.directors, kinds):
            if hasattr(node, "daemon") and node.daemon.running():
                node.daemon.stop()
            node.daemon = daemon.KINDS[kind](node, self.config(node))

    def address(self, lan, host):
        text = f"10.0.{lan}.{host}" if self.family == 4 else f"fd00:{lan}::{host}"
        return str(ipaddress.ip_address(text))  # in the one form that everybody prints

    def _plug(self, node, ifname, switch, *addresses):
        node.plug(ifname, switch, *[f"{a}/{24 if self.family == 4 else 64}" for a in addresses])

    def _director(self, i):
        node = net.Node(f"d{i}")
        self._plug(node, "eth0", self.lan, self.address(0, i))
        if self.inside:
            self._plug(node, "eth1", self.inside, self.address(1, i))
        node.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                    ipv4__conf__all__send_redirects=0,
                    ipv4__conf__default__send_redirects=0, ipv4__conf__eth0__send_redirects=0)
        if self.ip_vs:
            # With the mh scheduler the second director picks the same real server for a
            # connection it has never seen, provided that it may pick up one without its SYN.
            node.sysctl(ipv4__vs__sloppy_tcp=int(not self.sync))
        return node

    def _real(self, i, addresses):
        node = net.Node(f"r{i}")
        self._plug(node, "eth0", self.inside or self.lan, *addresses)
        if self.mode == "nat":
            node.ip(f"route add default via {self.gateway}")
        elif self.mode != "snat":  # the virtual address without answering ARP for it
            node.sysctl(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2)
            node.add_address(self.vip, "lo")
        if self.mode == "tun":
            node.ip(f"link set {'tunl0' if self.family == 4 else 'ip6tnl0'} up")
            if self.family == 4:  # clients are not where the packets come from
                node.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__tunl0__rp_filter=0)
        node.echo = None
        self.start_real(node)
        return node

    def start_real(self, node):
        node.echo = node.spawn([program("echo"), "-p", str(ECHO_PORT)], log=f"{node.name}.log")
        if self.http:
            self._start_nginx(node)

    def stop_real(self, node):
        node.echo.terminate()
        node.echo.wait()

    def _start_nginx(self, node):
        path = f"/run/nginx-{node.name}"
        node.run("mkdir", "-p", path)
        with open(f"{path}/conf", "w") as f:
            f.write(f"error_log stderr; pid {path}/pid; daemon off; worker_processes 1;\n"
                    "events { worker_connections 512; }\n"
                    "http { access_log off; server { listen 80 default_server;\n"
                    f'location / {{ return 200 "{node.name}\\n"; }} }} }}\n')
        node.spawn(["nginx", "-p", path, "-c", f"{path}/conf"], log=f"{node.name}.log")

    # ---- configuration

    def config(self, node):
        """A director's configuration."""
        return (self._global_defs(node) + self._instance(node)
                + "".join(self._service(*service) for service in self.services())
                + (self._sync(node) if self.sync == "peer" else "")
                + (self.more if node is self.d1 else ""))

    def _global_defs(self, node):
        kernel = "    lvs_sync_daemon eth0 VI_1\n" if self.sync == "kernel" else ""
        return f"global_defs {{\n    router_id {node.name}\n{kernel}}}\n"

    def _sync(self, node):
        me, other = (1, 2) if node is self.d1 else (2, 1)
        return (f"sync {{\n    interface eth0\n    address {self.address(0, me)}\n"
                f"    peer {self.address(0, other)}\n    key {SYNC_KEY}\n}}\n")

    def services(self):
        both = [("TCP", ECHO_PORT), ("UDP", ECHO_PORT)]
        return both + [("TCP", 80)] if self.http else both

    def _instance(self, node):
        bits = 24 if self.family == 4 else 128  # /128: never a source address
        inner = f"        {self.gateway}/{bits} dev eth1\n" if self.inside else ""
        return (f"vrrp_instance VI_1 {{\n    state BACKUP\n    interface eth0\n"
                f"    virtual_router_id 51\n    priority {150 if node is self.d1 else 100}\n"
                f"    version {self.version}\n    advert_int {self.advert_s:g}\n"
                "    virtual_ipaddress {\n"
                f"        {self.vip}/{bits} dev eth0\n{inner}    }}\n}}\n")

    def _service(self, protocol, port):
        # The checks look at TCP's port for UDP as well: UDP has nothing to connect to.
        reals = "".join(
            f"    real_server {a} {port} {{\n        weight 1\n{self.server}"
            f"        TCP_CHECK {{\n            connect_port {port}\n"
            f"            connect_timeout 3\n        }}\n    }}\n"
            for a in self.real_addresses)
        scheduler = "rr" if self.sync else "mh\n    mh-port"
        return (f"virtual_server {self.vip} {port} {{\n    delay_loop 1\n"
                f"    lvs_sched {scheduler}\n"
                f"    lvs_method {self.mode.upper()}\n    protocol {protocol}\n{reals}}}\n")

    # ---- what happens

    def synced(self, node):
        """Has a director all connections of its peer? (The kernel's own sync does not know.)"""
        if self.sync != "peer":
            return True
        status = node.daemon.status()
        return bool(status and status["sync"] and status["sync"]["synced"])

    def wait_synced(self, timeout_s=30):
        return all(net.wait_for(lambda node=node: self.synced(node), timeout_s, 0.1)
                   for node in self.directors)

    def connections(self, node):
        """How many TCP connections this director knows."""
        return sum(line.startswith("TCP") for line in ipvs.connections(node))

    def flush_ipvs(self, node):
        """Neither services nor connections. (Its expire_nodest_conn is 1 then.)"""
        node.sysctl(ipv4__vs__expire_nodest_conn=1)
        node.run("ipvsadm", "-C")
        for _ in range(4):  # a template outlives its connections
            if net.wait_for(lambda: not ipvs.connections(node), 3, 0.1):
                return
            ipvs.expire(node)
        left = ipvs.connections(node)
        raise RuntimeError(f"{node.name}: its table is not empty: {len(left)}, the first {left[0]}")

    def clear_ipvs(self, node):
        """What a crashed machine does not bring back. The guest's kernel is one for all nodes, and did
        not crash: what is left in it is taken out."""
        for kind in ("master", "backup"):
            node.run("ipvsadm", "--stop-daemon", kind, check=False)
        self.flush_ipvs(node)
        node.run("ip", "addr", "del", "192.0.0.8/32", "dev", "lo", check=False)

    def power_cycle(self, node):
        """Back after a crash, with nothing in its kernel."""
        self.clear_ipvs(node)
        node.sysctl(ipv4__vs__expire_nodest_conn=0, ipv4__vs__sync_threshold="3 50",
                    ipv4__vs__sync_refresh_period=0)
        node.boot()
        node.daemon.boot()

    def start(self):
        for node in self.directors:
            node.daemon.start()
        if not self.wait_active(self.d1, 10 * self.advert_s + 60):
            self.explain()
            raise RuntimeError(f"d1 did not become active, the address is held by {self.holders()}")
        for node in self.directors:
            if self.ip_vs and not self.wait_table(node, timeout_s=60):
                self.explain()
                raise RuntimeError(f"{node.name} did not get its IPVS table")

    def holders(self, address=None):
        """The names of the running directors that have the virtual address, or another one."""
        holders = self.watch.holders[address or self.vip]
        return [d.name for d in self.directors if d.alive and d.name in holders]

    def wait_active(self, node, timeout_s):
        return net.wait_for(lambda: self.holders() == [node.name], timeout_s)

    def table(self, node):
        """{(protocol, service): {real server: weight}} of the kernel, from /proc/net/ip_vs.

        That file is cut short when several namespaces have big tables: the kernel resumes its
        reading by counting services of this namespace, but has counted those of all.
        """
        found, service = {}, None
        with node.inside(), open("/proc/thread-self/net/ip_vs") as f:
            for words in map(str.split, f):
                if words and words[0] in ("TCP", "UDP"):
                    service = found.setdefault((words[0], _address(words[1])), {})
                elif words and words[0] == "->" and service is not None and ":" in words[1] \
                        and words[1] != "RemoteAddress:Port":
                    service[_address(words[1])] = int(words[3])
        return found

    def wait_table(self, node, reals=None, timeout_s=15):
        """Until every service of this node has so many real servers that get connections."""
        want = len(self.real_addresses) if reals is None else reals

        def complete():
            mine = [s for (_, where), s in self.table(node).items()
                    if where in (f"{self.vip}:{port}" for _, port in self.services())]
            return mine and all(sum(w > 0 for w in s.values()) == want for s in mine)

        return net.wait_for(complete, timeout_s, 0.1)

    def traffic(self, sessions=200, http=False, period_ms=1000):
        # A session that was interrupted needs TCP's retransmissions to find the new way.
        patience_ms = int(15000 + 10000 * self.advert_s)
        programs = {"sessions": Sessions(self.client, self.vip, ECHO_PORT, sessions, patience_ms,
                                         period_ms),
                    "probe": Probe(self.client, self.vip, ECHO_PORT)}
        if http:
            programs["http"] = Probe(self.client, self.vip, 80, "http", interval_us=20000)
        return Traffic(**programs)

    def takeover_limit_ms(self):
        """Active_Down_Interval of the backup, and what a loaded machine may add to it."""
        return 1000 * self.advert_s * (3 + (256 - 100) / 256) + 250

    def explain(self, lines=12):
        """For the reader of a failure: the last words of each daemon."""
        for node in self.directors:
            tap.note(f"{node.name}, the last lines of {node.daemon.log}:")
            tap.note("\n".join(node.daemon.log_text().splitlines()[-lines:]))


class ApartPair(Pair):
    """Connections are copied over a segment of its own, and the real servers hold any sort of them (held.py)."""

    def __init__(self, **options):
        super().__init__(sync="peer", **options)
        self.between = net.Switch("between")
        for i, node in enumerate(self.directors, 1):
            node.plug("sync0", self.between, f"10.0.9.{i}/24")
        held.serve(self.reals)
        self.held = held.Held(self.client, self.vip)

    def services(self):
        return [("TCP", ECHO_PORT), ("TCP", held.SERVER_PORT)]

    def _sync(self, node):
        me, other = (1, 2) if node is self.d1 else (2, 1)
        return (f"sync {{\n    interface sync0\n    address 10.0.9.{me}\n    peer 10.0.9.{other}\n"
                f"    key {SYNC_KEY}\n}}\n")

    def judge(self, what, sessions):
        """All live? Those that don't are taken out of the list."""
        found = self.held.ask(sessions, 15)
        told = ", ".join(f"{sort} {alive}/{asked}" for sort, (alive, asked) in found.items())
        tap.note(f"{what}: {told}")
        tap.expect(all(alive == asked for alive, asked in found.values()),
                   f"{what}: every session lives", told)


def many_services(services, reals, special_weight=1):
    """Text: so many services with so many real servers each, unchecked, for measuring. The first
    real server of the middle service has the special weight."""
    text = []
    for i in range(services):
        address, port = many_services_address(i)
        text.append(f"virtual_server {address} {port} {{\n    lvs_sched rr\n"
                    "    lvs_method DR\n    protocol TCP\n")
        for j in range(reals):
            weight = special_weight if (i, j) == (services // 2, 0) else 1
            text.append(f"    real_server 10.{100 + j}.{i // 250}.{i % 250 + 1} 80 {{\n"
                        f"        weight {weight}\n    }}\n")
        text.append("}\n")
    return "".join(text)


def many_services_address(i):
    return f"10.9.{i // 250}.{i % 250 + 1}", 80


def _address(text):
    """0A000064:1F40 or [fd00:…:0100]:1F40, as /proc/net/ip_vs has them, in the usual form."""
    host, port = text.rsplit(":", 1)
    if host.startswith("["):
        host = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(host.strip("[]").replace(":", "")))
    else:
        host = socket.inet_ntoa(bytes.fromhex(host))
    return f"{host}:{int(port, 16)}"
