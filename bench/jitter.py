#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=900 ip_vs=no
"""How even the advertisements of an Active are at 0.1 s while something else goes on in the daemon:
the spacing on the wire by the kernel's time, and the advertisements that were missing (a spacing
of two intervals is one).

    quiet       nothing else
    reload      again and again, of 1,000 services with 10 real servers each
    scripts     1,000 tracked scripts, each once a second; --scripts for a machine that can do fewer
    agentx      the SNMP master agent hangs
    supervisor  the parent is stopped (SIGSTOP) for 10 s

Beside each runs a ruler, which does nothing but wake up at the same interval: what it shows is the
scheduler's doing and not the daemon's.
"""

import argparse
import os
import shutil
import signal
import statistics
import time

from capture import Capture
from common import KINDS, Figures, need, note
from crowd import instance
from lab import KINDS as DAEMONS, Node, Switch, has_module, many_services, wait_for
from ruler import Ruler

INTERVAL_MS = 100
RELOADS_EVERY_S = 2
STOPPED_S = 10
AGENTX = "/run/agentx"


def config(scripts=0, services="", rt=0):
    listed = "".join(f"vrrp_script s{i} {{\n    script /bin/true\n    interval 1\n}}\n"
                     for i in range(scripts))
    tracked = "".join(f"        s{i}\n" for i in range(scripts))
    more = f"    track_script {{\n{tracked}    }}\n" if scripts else ""
    return ("global_defs {\n    router_id bench\n    script_user root\n"
            + f"    vrrp_rt_priority {rt}\n" * bool(rt) + "}\n" + listed
            + instance("V1", "eth0", 51, 100, INTERVAL_MS / 1000, ["10.0.0.100/24"], more)
            + services)


class Case:
    """What goes on meanwhile."""

    def __init__(self, bench):
        self.bench = bench

    def config(self):
        return config(rt=self.bench.rt)

    def daemon(self, kind, node):
        return DAEMONS[kind](node, self.config(), detail=False)

    def meanwhile(self, daemon, lasts_s):
        time.sleep(lasts_s)


class Reload(Case):
    def config(self, weight=1):
        return config(services=many_services(1000, 10, special_weight=weight), rt=self.bench.rt)

    def daemon(self, kind, node):
        """Without IPVS keepalived gives up, unless it is to do nothing but VRRP (-P)."""
        daemon, options = super().daemon(kind, node), ["-P"]
        if kind == "keepalived" and not has_module("ip_vs"):
            note("this kernel has no IPVS: keepalived does VRRP only (-P)")
            argv = daemon.argv()
            daemon.argv = lambda: argv + options
        return daemon

    def meanwhile(self, daemon, lasts_s):
        for n in range(max(1, lasts_s // RELOADS_EVERY_S)):
            daemon.configure(self.config(weight=2 + n))
            daemon.proc.send_signal(signal.SIGHUP)
            time.sleep(RELOADS_EVERY_S)


class Scripts(Case):
    def config(self):
        return config(scripts=self.bench.scripts, rt=self.bench.rt)


class AgentX(Case):
    """snmpd, stopped once it has been spoken to."""

    def daemon(self, kind, node):
        if kind == "tandem" or not shutil.which("snmpd"):
            return None
        self.snmpd = node.spawn(["snmpd", "-f", "-Le", "-C", "-I", "-system_mib", "--master=agentx",
                                 f"--agentXSocket={AGENTX}", "-p", "/run/snmpd.pid",
                                 "udp:127.0.0.1:1161"], log="snmpd.log")
        wait_for(lambda: os.path.exists(AGENTX), 5)
        daemon = super().daemon(kind, node)
        argv = daemon.argv() + ["-x", "-A", f"unix:{AGENTX}"]
        daemon.argv = lambda: argv
        return daemon

    def meanwhile(self, daemon, lasts_s):
        self.snmpd.send_signal(signal.SIGSTOP)
        time.sleep(max(lasts_s, 20))  # it is pinged every 15 s
        self.snmpd.kill()


class Supervisor(Case):
    def meanwhile(self, daemon, lasts_s):
        daemon.proc.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        daemon.proc.send_signal(signal.SIGCONT)


CASES = {"quiet": Case, "reload": Reload, "scripts": Scripts, "agentx": AgentX,
         "supervisor": Supervisor}


class Bench:
    def __init__(self, lasts_s, rt, scripts):
        self.lasts_s, self.rt, self.scripts, self.figures = lasts_s, rt, scripts, Figures()
        self.lan, self.node = Switch("lan"), Node("d1")
        self.node.plug("eth0", self.lan, "10.0.0.1/24")

    def spacings_ms(self, case, kind):
        daemon = self.node.daemon = case.daemon(kind, self.node)
        if not daemon:
            return None
        daemon.start()
        # It waits for the first word of each script.
        if not wait_for(lambda: "10.0.0.100/" in self.node.run("ip", "-o", "addr"), 120):
            note(daemon.log_text()[-2000:])
            raise SystemExit(f"{kind}: is not Active after 120 s")
        time.sleep(3)
        capture, ruler = Capture(self.lan), Ruler(INTERVAL_MS, self.rt)
        case.meanwhile(daemon, self.lasts_s)
        time.sleep(1)
        at_ns = [a.at_ns for a in capture.adverts()]
        ruler_ms = ruler.stop()
        capture.stop()
        daemon.stop()
        return [(b - a) / 1e6 for a, b in zip(at_ns, at_ns[1:])], ruler_ms

    def measure(self, name, kind):
        measured = self.spacings_ms(CASES[name](self), kind)
        if measured is None:
            note(f"jitter_{name}: not applicable to {kind} yet" if kind == "tandem" else
                 f"jitter_{name}: snmpd is not installed")
            return
        for what, list_ms in (("", measured[0]), ("_ruler", measured[1])):
            self.tell(f"{name}{what}", kind, list_ms)

    def tell(self, name, kind, spacings):
        if len(spacings) < 2:
            note(f"{name} {kind}: it advertised {len(spacings)} times")
            self.figures.add(f"jitter_{name}_missing", "advertisements", kind,
                             self.lasts_s * 1000 // INTERVAL_MS)
            return
        cuts = statistics.quantiles(spacings, n=100, method="inclusive")
        missing = sum(max(0, round(s / INTERVAL_MS) - 1) for s in spacings)
        figures = {"p50": cuts[49], "p99": cuts[98], "max": max(spacings)}
        note(f"{name} {kind}: {len(spacings)} spacings, missing {missing}, "
             + ", ".join(f"{k} {v:.2f} ms" for k, v in figures.items()))
        for what, value in figures.items():
            self.figures.add(f"jitter_{name}_{what}", "ms", kind, round(value, 2))
        self.figures.add(f"jitter_{name}_missing", "advertisements", kind, missing)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--lasts", default=10, type=int, help="seconds a case")
    parser.add_argument("--scripts", default=1000, type=int)
    parser.add_argument("--rt", default=0, type=int, help="vrrp_rt_priority of both")
    a = parser.parse_args()
    need(modules=["veth", "bridge"], programs=["keepalived"])
    bench = Bench(a.lasts, a.rt, a.scripts)
    for name in a.cases.split(","):
        for kind in KINDS:
            bench.measure(name, kind)
    bench.figures.tell()


main()
