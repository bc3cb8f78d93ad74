# SPDX-License-Identifier: Apache-2.0
"""Random configurations of virtual servers: as text, and as the table that the kernel should have, in
the form of ipvsadm.table(). The edits between two tables are counted by rules of this file's own."""

import copy
import ipaddress

SERVICES = 10
PLAIN_SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sed", "nq", "fo", "ovf")
# lines of the configuration, ipvsadm's words
HASHING = [("lvs_sched dh", "-s dh"), ("lvs_sched sh", "-s sh"),
           ("lvs_sched sh\n    sh-port\n    sh-fallback", "-s sh -b sh-fallback,sh-port"),
           ("lvs_sched mh\n    mh-fallback", "-s mh -b mh-fallback"),
           ("lvs_sched mh\n    resilience hash", "-s mh -b mh-port"),
           ("lvs_sched mh\n    mh-port\n    resilience both", "-s mh -b mh-port")]
SCHEDULERS = [(f"lvs_sched {s}", f"-s {s}") for s in PLAIN_SCHEDULERS] + HASHING + [
    ("lvs_sched wrr\n    resilience sync", "-s wrr"), ("lvs_sched rr\n    flag-3", "-s rr -b flag-3")]
TUNNELS = [("TUN", "-i", " --tun-type ipip"),
           ("TUN type gue port 6080", "-i", " --tun-type gue --tun-port 6080 --tun-nocsum"),
           ("TUN type gue port 6081 remcsum", "-i", " --tun-type gue --tun-port 6081 --tun-remcsum"),
           ("TUN type gre csum", "-i", " --tun-type gre --tun-csum")]
METHODS = [("DR", "-g", ""), ("NAT", "-m", ""), ("SNAT", "-m", "")] + TUNNELS
HOSTS, DOWN_FROM = 8, 7  # so many servers a service may have; these and above are never up
UNCHECKED_FOR_NOW = """        alpha
        TCP_CHECK {
            warmup 3600
            delay_loop 3600
        }
"""
PROTOCOLS = {"TCP": "-t", "UDP": "-u", "SCTP": "--sctp-service"}


def at(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Server:
    def __init__(self, rng, family, across):
        """across: only a tunnel leads to it."""
        self.method, self.flag, self.tunnel = rng.choice(TUNNELS if across else METHODS)
        self.family = rng.choice((4, 6)) if across else family
        self.translated_port = rng.choice((80, 8080))
        self.weight = rng.randint(0, 3)
        self.upper, self.lower = rng.choice(((0, 0), (0, 0), (35000, 0), (90, 50)))
        self.inhibit = rng.random() < 0.3
        self.up = True

    def port(self, port):
        return self.translated_port if self.flag == "-m" else port

    def words(self, weight):
        limits = f" -x {self.upper}" * bool(self.upper) + f" -y {self.lower}" * bool(self.lower)
        return f"{self.flag} -w {weight}{self.tunnel}{limits}"

    def text(self, address):
        return (f"    real_server {address} {self.translated_port} {{\n        weight {self.weight}\n"
                f"        lvs_method {self.method}\n        uthreshold {self.upper}\n"
                f"        lthreshold {self.lower}\n"
                + "        inhibit_on_failure\n" * self.inhibit + UNCHECKED_FOR_NOW * (not self.up) + "    }\n")


class Service:
    """One virtual server; its number is in all its addresses."""

    def __init__(self, rng, number):
        self.number = number
        self.kind = rng.choice(("address", "address", "fwmark", "group"))
        self.family = rng.choice((4, 6))
        self.protocol = rng.choice(list(PROTOCOLS))
        self.across = rng.random() < 0.2
        self.pick_addresses(rng)
        self.pick_scheduler(rng)
        self.pick_persistence(rng)
        self.pick_quorum(rng)
        self.pick_sorry(rng)
        self.servers = {}
        for _ in range(rng.randint(1, 5)):
            self.pick_server(rng)

    def changed(self, rng):
        """The same with one thing picked anew."""
        other = copy.deepcopy(self)
        rng.choice((other.pick_addresses, other.pick_scheduler, other.pick_persistence, other.pick_quorum,
                    other.pick_sorry, other.pick_server, other.pick_server, other.drop_server))(rng)
        return other

    # ---- what there is to pick

    def pick_addresses(self, rng):
        first = rng.randint(1, 5) if self.kind == "group" else 1
        last = first + rng.randint(1, 3) if self.kind == "group" else 1
        self.addresses = [f"10.0.{self.number}.{i}" if self.family == 4 else f"fd00:{self.number + 1}::{i}"
                          for i in range(first, last + 1)]

    def pick_scheduler(self, rng):
        self.scheduler, self.scheduler_words = rng.choice(SCHEDULERS)
        self.ops = self.protocol == "UDP" and rng.random() < 0.3

    def pick_persistence(self, rng):
        self.persistence = rng.choice((0, 0, 60, 360))
        self.prefix = rng.choice((0, 24 if self.family == 4 else 64)) if self.persistence else 0
        self.sip = bool(self.persistence) and self.protocol == "UDP" and rng.random() < 0.5

    def pick_quorum(self, rng):
        self.quorum = rng.choice((1, 1, 3, 6))

    def pick_sorry(self, rng):
        self.sorry = Server(rng, self.family, self.across) if rng.random() < 0.4 else None
        self.sorry_inhibit = rng.random() < 0.5

    def pick_server(self, rng):
        server = Server(rng, self.family, self.across)
        host = rng.randint(1, HOSTS)
        for family in (4, 6):  # a host is there once
            self.servers.pop(self.server_address(host, family), None)
        server.up = host < DOWN_FROM
        self.servers[self.server_address(host, server.family)] = server

    def drop_server(self, rng):
        if len(self.servers) > 1:
            del self.servers[rng.choice(list(self.servers))]

    def server_address(self, host, family):
        return f"10.1.{self.number}.{host}" if family == 4 else f"fd01:{self.number + 1}::{host}"

    # ---- what comes of it

    def granularity(self):
        return ipaddress.ip_network((0, self.prefix)).netmask if self.family == 4 else self.prefix

    def port(self):
        return 0 if self.kind == "fwmark" else 80

    def text(self):
        head, address = "", f"{self.addresses[0]} 80"
        if self.kind == "group":
            last = self.addresses[-1].rsplit("." if self.family == 4 else ":", 1)[1]
            head = f"virtual_server_group g{self.number} {{\n    {self.addresses[0]}-{last} 80\n}}\n"
            address = f"group g{self.number}"
        elif self.kind == "fwmark":
            address = f"fwmark {self.number + 1}"
        lines = [f"protocol {self.protocol}", f"ip_family {'inet' if self.family == 4 else 'inet6'}",
                 self.scheduler, f"quorum {self.quorum}"] + ["ops"] * self.ops
        if self.persistence:
            lines.append(f"persistence_timeout {self.persistence}")
            if self.prefix:
                lines.append(f"persistence_granularity {self.granularity()}")
            lines += ["persistence_engine sip"] * self.sip
        if self.sorry:
            lines += [f"sorry_server {self.server_address(9, self.sorry.family)} {self.sorry.translated_port}",
                      f"sorry_server_lvs_method {self.sorry.method}"]
            lines += ["sorry_server_inhibit"] * self.sorry_inhibit
        return (f"{head}virtual_server {address} {{\n" + "".join(f"    {line}\n" for line in lines)
                + "".join(s.text(a) for a, s in self.servers.items()) + "}\n")

    def keys(self):
        if self.kind == "fwmark":
            return [f"-f {self.number + 1}" + " -6" * (self.family == 6)]
        return [f"{PROTOCOLS[self.protocol]} {at(a, 80)}" for a in self.addresses]

    def words(self):
        scheduler, _, flags = self.scheduler_words.partition(" -b ")
        text = scheduler
        if self.persistence:
            text += f" -p {self.persistence}"
            if self.prefix:
                text += f" -M {self.granularity()}"
            text += " --pe sip" * self.sip
        return text + " -o" * self.ops + f" -b {flags}" * bool(flags)

    def quorum_is_lost(self):
        """More than all of them together is never asked for, but something at all."""
        quorum = min(self.quorum, sum(s.weight for s in self.servers.values()))
        return sum(s.weight for s in self.servers.values() if s.up) < max(1, quorum)

    def pool(self):
        """While the quorum is lost the sorry server serves alone."""
        found = {}
        alone = self.sorry and self.quorum_is_lost()
        for address, s in self.servers.items():
            serves = s.up and not alone
            if serves or s.inhibit:
                found[at(address, s.port(self.port()))] = s.words(s.weight if serves else 0)
        if self.sorry and (alone or self.sorry_inhibit):
            where = at(self.server_address(9, self.sorry.family), self.sorry.port(self.port()))
            found[where] = self.sorry_words(1 if alone else 0)
        return found

    def sorry_words(self, weight):
        return f"{self.sorry.flag} -w {weight}{self.sorry.tunnel}"

    def table(self):
        return {key: (self.words(), self.pool()) for key in self.keys()}


def mutate(rng, services):
    """The next configuration: a few services come, go or change."""
    services = dict(services)
    for number in rng.sample(range(SERVICES), rng.randint(1, 4)):
        if number in services and rng.random() < 0.5:
            services[number] = services[number].changed(rng)
        elif rng.random() < 0.3:
            services.pop(number, None)
        else:
            services[number] = Service(rng, number)
    return services


def text_of(services):
    return "".join(s.text() for s in services.values())


def table_of(services):
    return {key: found for s in services.values() for key, found in s.table().items()}


# ---- edits

def _place(server):
    address, port = server.rsplit(":", 1)
    address = ipaddress.ip_address(address.strip("[]"))
    return address.version, address, int(port)


def moves_between(words, before, servers):
    """The schedulers that hash want their servers added in the order of their addresses, which the
    kernel's list shows backwards: how many have to be added again for it."""
    if words.split()[1] not in ("dh", "sh", "mh"):
        return 0
    was = list(reversed(before))
    last, kept, in_place = -1, 0, True
    for server in sorted(servers, key=_place):
        if server in before:
            in_place = in_place and was.index(server) > last
            last = was.index(server)
            kept += not in_place
        else:
            in_place = False
    return kept


def edits_between(old, new):
    """What the least list of edits between two tables has of each kind; the old one as it is in the
    kernel, in its order."""
    count = {}

    def add(kind, n=1):
        if n:
            count[kind] = count.get(kind, 0) + n

    for key, (words, servers) in new.items():
        before = old.get(key)
        if before is None:
            add("NEW_SERVICE")
            add("NEW_DEST", len(servers))
            continue
        moves = moves_between(words, before[1], servers)
        add("SET_SERVICE", before[0] != words)
        add("NEW_DEST", len(servers.keys() - before[1].keys()) + moves)
        add("DEL_DEST", len(before[1].keys() - servers.keys()) + moves)
        add("SET_DEST", sum(before[1][s] != servers[s] for s in servers.keys() & before[1].keys()))
    add("DEL_SERVICE", len(old.keys() - new.keys()))
    return count
