# SPDX-License-Identifier: Apache-2.0
"""Nodes and the wires between them: network namespaces, bridges, veth pairs, and their faults.

A Node is a machine: it has a namespace, interfaces, processes. A Switch is a bridge in a
namespace of its own, so that it can tell what passes and pull any cable. Nothing here knows
what the nodes are for.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time

from . import rtnl

CLONE_NEWNET = 0x40000000
MS_BIND, MNT_DETACH = 0x1000, 2
_libc = ctypes.CDLL(None, use_errno=True)
OUT = os.environ.get("LAB_OUT", "/tmp")


def wait_for(condition, timeout_s, poll_s=0.02):
    """Poll until condition() is true; returns what it returned, or a false value in the end."""
    end = time.monotonic() + timeout_s
    while not (result := condition()) and time.monotonic() < end:
        time.sleep(poll_s)
    return result


def _call(name, *args):
    if getattr(_libc, name)(*args) < 0:
        raise OSError(ctypes.get_errno(), f"{name} {args}")


def _setns(path):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("setns", fd, CLONE_NEWNET)
    finally:
        os.close(fd)


class Namespace:
    """A network namespace by name, as `ip netns` has them. (It would make them too, but processes
    are dear in a guest.)"""

    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        self.procs = []
        os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0))
        _call("unshare", CLONE_NEWNET)
        try:
            _call("mount", b"/proc/thread-self/ns/net", self.path.encode(), b"", MS_BIND, None)
            rtnl.set_up("lo")
        finally:
            _setns(f"/proc/{os.getpid()}/ns/net")

    @contextlib.contextmanager
    def inside(self):
        """This thread, and the processes it starts, are in the namespace."""
        _setns(self.path)
        try:
            yield self
        finally:
            _setns(f"/proc/{os.getpid()}/ns/net")

    def run(self, *argv, check=True):
        """Run a command and return its output."""
        with self.inside():
            done = subprocess.run(argv, capture_output=True, text=True)
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(argv)}: {done.stderr.strip()}")
        return done.stdout

    def ip(self, *lines):
        """ip(8) commands, all in one process: processes are dear in a guest."""
        with self.inside():
            done = subprocess.run(
                ["ip", "-batch", "-"], input="\n".join(lines), capture_output=True, text=True
            )
        if done.returncode:
            raise RuntimeError(f"{self.name}: ip {'; '.join(lines)}: {done.stderr.strip()}")

    def add_address(self, address, ifname):
        with self.inside():
            rtnl.add_address(address, ifname)

    def sysctl(self, **values):
        """Set net.* values; dots are written as double underscores."""
        with self.inside():
            for key, value in values.items():
                with open("/proc/sys/net/" + key.replace("__", "/"), "w") as f:
                    f.write(str(value))

    def spawn(self, argv, *, log=None, env=None, stdout=None):
        """Start a program here; its output goes to LOG in the lab's directory."""
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(open(f"{OUT}/{log}", "ab")) if log else subprocess.DEVNULL
            stack.enter_context(self.inside())
            proc = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stdout or out,
                stderr=out,
                env={**os.environ, **(env or {})},
                text=stdout is not None,
            )
        self.procs.append(proc)
        return proc

    def pids(self):
        """Every process in this namespace, whoever started it."""
        mine = os.stat(self.path).st_ino
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{pid}/ns/net").st_ino == mine:
                    found.append(int(pid))
        return [pid for pid in found if pid != os.getpid()]

    def kill(self, sig=signal.SIGKILL):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
        if sig == signal.SIGKILL:
            for proc in self.procs:
                proc.wait()
            self.procs.clear()

    def remove(self):
        self.kill()
        _call("umount2", self.path.encode(), MNT_DETACH)
        os.unlink(self.path)


class Switch(Namespace):
    """A LAN: one bridge. Its ports are named after what is plugged in."""

    def __init__(self, name):
        super().__init__(name)
        self.ports = 0
        with self.inside():
            rtnl.add_link("br0", "bridge", data=rtnl.attribute(rtnl.BRIDGE_FORWARD_DELAY, 0))
            with open("/proc/sys/net/ipv6/conf/br0/disable_ipv6", "w") as f:
                f.write("1")  # a switch forwards, it does not listen
            rtnl.set_up("br0")


class Link:
    """The cable from a node's interface to a switch, and what can happen to it."""

    def __init__(self, node, ifname, switch, addresses):
        self.node, self.ifname, self.switch = node, ifname, switch
        self.port = f"{node.name}-{ifname}"
        self.addresses = addresses
        # A kernel takes the ends of a veth for one device when their numbers are equal, and is up
        # to a second late to see that it has a carrier again.
        switch.ports += 1
        with switch.inside():
            rtnl.add_veth(self.port, 100 + switch.ports, ifname, node.path)
            rtnl.set_up(self.port, master="br0")
        for address in addresses:
            node.add_address(address, ifname)
        with node.inside():
            rtnl.set_up(ifname)

    def down(self):
        """The cable is pulled: both ends see it."""
        self.switch.ip(f"link set {self.port} down")

    def up(self):
        self.switch.ip(f"link set {self.port} up")

    def cut(self):
        """The wire goes dead and nobody is told: what a crashed machine looks like to others."""
        self.switch.run("bridge", "link", "set", "dev", self.port, "state", "0")

    def join(self):
        self.switch.run("bridge", "link", "set", "dev", self.port, "state", "3")

    def isolate(self, on=True):
        """Isolated ports do not hear each other, all others hear both: a partition."""
        state = "on" if on else "off"
        self.switch.run("bridge", "link", "set", "dev", self.port, "isolated", state)

    def netem(self, how=""):
        """Loss, delay, reordering in both directions, in netem's words; none: as it was."""
        for ns, dev in ((self.switch, self.port), (self.node, self.ifname)):
            ns.run("tc", "qdisc", "del", "dev", dev, "root", check=False)
            if how:
                ns.run("tc", "qdisc", "add", "dev", dev, "root", "netem", *how.split())


class Node(Namespace):
    """A machine: a namespace plugged into switches."""

    def __init__(self, name):
        super().__init__(name)
        self.links = {}
        self.alive = True
        if os.path.isdir("/proc/sys/net/ipv6"):
            # Addresses are usable at once; nobody here has a double.
            self.sysctl(ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0)

    def plug(self, ifname, switch, *addresses):
        self.links[ifname] = Link(self, ifname, switch, addresses)
        return self.links[ifname]

    def crash(self):
        """The whole machine stops between two instructions: no farewell, no answer, no ARP."""
        self.alive = False
        for link in self.links.values():
            link.cut()
        self.kill()

    def boot(self):
        """Back after a crash, with nothing but its own addresses."""
        for link in self.links.values():
            self.ip(f"addr flush dev {link.ifname} scope global", "neigh flush all",
                    *[f"addr add {a} dev {link.ifname}" for a in link.addresses])
        if os.path.exists("/proc/net/ip_vs"):
            self.run("ipvsadm", "-C", check=False)
        for link in self.links.values():
            link.join()
        self.alive = True


class Guest(Node):
    """The guest itself: its first namespace has settings that no other has."""

    def __init__(self):
        if os.environ.get("LAB_BACKEND") not in ("uml", "qemu"):
            raise RuntimeError("there is no guest: this would be the host")
        self.name, self.path = "guest", "/first-netns"  # lab/run
        self.procs, self.links, self.alive = [], {}, True


def clock_step(seconds):
    """Step the wall clock. Only a guest has one of its own: elsewhere it would be the host's."""
    if os.environ.get("LAB_BACKEND") not in ("uml", "qemu"):
        raise RuntimeError("a clock step needs a guest kernel: here the clock is the host's")
    time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)
