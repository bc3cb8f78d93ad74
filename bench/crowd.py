# SPDX-License-Identifier: Apache-2.0
"""Two directors with many virtual routers and nothing else: what the VRRP benchmarks run on.

At most 250 virtual routers share a LAN, as their VRIDs are bytes: more take more LANs. A LAN is a
cable from one to the other, or a bridge, whose work is charged to who sends. d1 is preferred everywhere.
The kernel is asked, not the daemons.
"""

import collections

from lab import KINDS, Node, Switch, Watch, note, wait_for
from lab.ipvs import cpu_us

ON_ONE_LAN = 250


def instance(name, interface, vrid, priority, advert_s, addresses, more=""):
    listed = "\n".join(f"        {address}" for address in addresses)
    return (f"vrrp_instance {name} {{\n    state BACKUP\n    interface {interface}\n"
            f"    virtual_router_id {vrid}\n    priority {priority}\n    version 3\n"
            f"    advert_int {advert_s:g}\n{more}    virtual_ipaddress {{\n{listed}\n    }}\n}}\n")


def address_of(i):
    return f"10.{100 + i // ON_ONE_LAN}.1.{i % ON_ONE_LAN + 1}"


class Crowd:
    def __init__(self, instances, advert_s, bridged=False):
        self.instances, self.advert_s = instances, advert_s
        self.addresses = {address_of(i) for i in range(instances)}
        self.d1, self.d2 = self.directors = [Node(f"d{i}") for i in (1, 2)]
        for i in range((instances - 1) // ON_ONE_LAN + 1):
            (self.add_bridge if bridged else self.add_cable)(i)
        self.watch = Watch(self.directors)

    def add_cable(self, i):
        # Ends of unequal numbers: see Link in lab/net.py.
        self.d1.ip(f"link add eth{i} index {100 + i} type veth peer name eth{i} netns d2")
        for number, node in enumerate(self.directors, 1):
            node.ip(f"addr add 10.{i}.0.{number}/24 dev eth{i}", f"link set eth{i} up")

    def add_bridge(self, i):
        lan = Switch(f"lan{i}")
        for number, node in enumerate(self.directors, 1):
            node.plug(f"eth{i}", lan, f"10.{i}.0.{number}/24")

    def config(self, node):
        priority = 150 if node is self.d1 else 100
        return f"global_defs {{\n    router_id {node.name}\n}}\n" + "".join(
            instance(f"V{i}", f"eth{i // ON_ONE_LAN}", i % ON_ONE_LAN + 1, priority,
                     self.advert_s, [f"{address_of(i)}/32"]) for i in range(self.instances))

    def employ(self, kind):
        for node in self.directors:
            node.daemon = KINDS[kind](node, self.config(node), detail=False)

    def start(self):
        for node in self.directors:
            node.daemon.start()

    def stop(self):
        for node in self.directors:
            node.daemon.stop(60)

    def held(self):
        """By how many addresses each director has."""
        count = collections.Counter(name for address, names in list(self.watch.holders.items())
                                    if address in self.addresses for name in names)
        return [count[node.name] for node in self.directors]

    def moves_since(self, at_us):
        return [m for m in self.watch.moves_since(at_us) if m.address in self.addresses]

    def wait_settled(self, timeout_s):
        """Until d1 has all addresses, and d2 none."""
        if wait_for(lambda: self.held() == [self.instances, 0], timeout_s, 0.01):
            return
        for node in self.directors:
            note(node.daemon.log_text()[-1500:])
        raise SystemExit(f"not settled in {timeout_s} s: d1 and d2 hold {self.held()}")


def processes(node):
    return [node.daemon.proc.pid, *node.daemon.roles().values()]


def cpu_ms(node):
    return cpu_us(processes(node)) / 1000


def memory_kib(node, field="Rss"):
    """Of all processes of the daemon. Pss: what they share is counted once."""
    total = 0
    for pid in processes(node):
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith(f"{field}:"))
    return total
