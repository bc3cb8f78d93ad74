# SPDX-License-Identifier: Apache-2.0
"""Three directors, each Active for one of three virtual addresses and Backup of the others, with one stream of
connections between all of them, by multicast."""

from . import net, tap
from .pair import ECHO_PORT, SYNC_KEY, Pair
from .traffic import Sessions, Traffic
from .watch import Watch

DIRECTORS = 3


class Ring(Pair):
    """As a pair, with a third director and an address for each. The scheduler is rr: a connection that a
    director has never heard of is refused."""

    def __init__(self, ports=(ECHO_PORT,), apart=False, **options):
        """ports: of the services of each address; apart: directors talk on a segment of their own."""
        self.vips = [f"10.0.0.{100 + i}" for i in range(DIRECTORS)]
        self.ports, self.segment = ports, "sync0" if apart else "eth0"
        super().__init__(reals=2, sync="peer", **options)
        self.d3 = self._director(3)
        self.directors = (self.d1, self.d2, self.d3)
        self.watch = Watch(self.directors)
        if apart:
            between = net.Switch("between")
            for i, node in enumerate(self.directors, 1):
                node.plug("sync0", between, f"10.0.9.{i}/24")
        self.employ(*["tandem"] * DIRECTORS)
        for node in self.reals:
            node.ip(*[f"addr add {vip} dev lo" for vip in self.vips[1:]])

    def priority(self, node, i):
        """Of the virtual router i."""
        return 200 - 50 * ((int(node.name[1:]) - 1 - i) % DIRECTORS)

    def config(self, node):
        text = f"global_defs {{\n    router_id {node.name}\n}}\n"
        for i, vip in enumerate(self.vips):
            text += (f"vrrp_instance VI_{i + 1} {{\n    state BACKUP\n    interface eth0\n"
                     f"    virtual_router_id {51 + i}\n    priority {self.priority(node, i)}\n"
                     f"    version 3\n    advert_int {self.advert_s:g}\n"
                     f"    virtual_ipaddress {{\n        {vip}/24 dev eth0\n    }}\n}}\n")
            for port in self.ports:
                reals = "".join(f"    real_server {a} {port} {{\n        weight 1\n    }}\n"
                                for a in self.real_addresses)
                text += (f"virtual_server {vip} {port} {{\n    lvs_sched rr\n    lvs_method DR\n"
                         f"    protocol TCP\n{reals}}}\n")
        return text + (f"sync {{\n    interface {self.segment}\n    peers {DIRECTORS - 1}\n"
                       f"    key {SYNC_KEY}\n}}\n")

    def start(self):
        for node in self.directors:
            node.daemon.start()
        tap.expect(self.wait_owners("d1", "d2", "d3"), "each is Active for one address", self.owners())
        for node in self.directors:
            tap.expect(net.wait_for(lambda node=node: self.synced(node), 60, 0.2),
                       f"{node.name} is synced with two others", node.daemon.status()["sync"])

    def owners(self):
        """For each address the directors that have it."""
        return [self.holders(vip) for vip in self.vips]

    def wait_owners(self, *names, timeout_s=45):
        wanted = [[n] for n in names]
        return net.wait_for(lambda: self.owners() == wanted, timeout_s)

    def all_traffic(self, sessions):
        return Traffic(**{f"v{i + 1}": Sessions(self.client, vip, ECHO_PORT, sessions)
                          for i, vip in enumerate(self.vips)})
