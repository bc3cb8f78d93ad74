# SPDX-License-Identifier: Apache-2.0
"""FRR's vrrpd as the other director: its zebra and itself, in one node, with a configuration of its
own kind.

It takes its addresses by the state of an interface: one macvlan for each virtual router, made by
hand with the virtual router MAC address (RFC 9568, section 7.3) and the virtual addresses, which
zebra keeps "protodown" as long as another router is Active.
"""

import os
import shutil

from .daemon import Daemon
from .net import wait_for

LIBEXEC = "/usr/lib/frr"


class Frr(Daemon):
    name = "frr"

    def __init__(self, node, routers):
        """routers: [Router]; their interfaces are made here and go with the node."""
        self.zebra = None
        super().__init__(node, "".join(r.text() for r in routers))
        shutil.chown(self.dir, "frr", "frr")
        # The address of a macvlan that is down must not be answered for by eth0.
        node.sysctl(ipv4__conf__all__arp_ignore=1)
        for router in routers:
            node.ip(*router.macvlan())

    def argv(self):
        return self._argv("vrrpd", "-f", self.file)

    def _argv(self, program, *more):
        return [f"{LIBEXEC}/{program}", "-i", f"{self.dir}/{program}.pid",
                "-z", f"{self.dir}/zserv", "--vty_socket", self.dir, "-A", "127.0.0.1", "-P", "0",
                "--log", "stdout", *more]

    def start(self):
        if self.zebra is None:
            self.zebra = self.node.spawn(self._argv("zebra", "-f", "/dev/null"), log=self.log)
            if not wait_for(lambda: os.path.exists(f"{self.dir}/zserv"), 20):
                raise RuntimeError(f"{self.node.name}: zebra did not start\n{self.log_text()}")
        super().start()

    def roles(self):
        return {"zebra": self.zebra.pid} if self.zebra else {}


class Router:
    """A virtual router in FRR's words."""

    def __init__(self, vrid, version, priority, advert_s, address):
        self.vrid, self.version, self.priority = vrid, version, priority
        self.advert_ms, self.address = round(advert_s * 1000), address
        self.v6 = ":" in address
        self.mac = f"00:00:5e:00:0{2 if self.v6 else 1}:{vrid:02x}"
        self.ifname = f"vrrp{6 if self.v6 else 4}-{vrid}"
        self.link_local = f"fe80::51:{vrid:x}"  # RFC 9568, 5.2.9: comes first

    def text(self):
        lines = [f"vrrp {self.vrid} version {self.version}",
                 f"vrrp {self.vrid} priority {self.priority}",
                 f"vrrp {self.vrid} advertisement-interval {self.advert_ms}"]
        if self.v6:
            lines.append(f"vrrp {self.vrid} ipv6 {self.link_local}")
        lines.append(f"vrrp {self.vrid} {'ipv6' if self.v6 else 'ip'} {self.address}")
        return "interface eth0\n" + "".join(f" {line}\n" for line in lines) + "exit\n!\n"

    def macvlan(self):
        bits = 64 if self.v6 else 24
        return (f"link add {self.ifname} link eth0 address {self.mac} type macvlan mode bridge",
                f"link set {self.ifname} addrgenmode {'random' if self.v6 else 'none'}",
                f"addr add {self.address}/{bits} dev {self.ifname}",
                f"link set {self.ifname} up")
