# SPDX-License-Identifier: Apache-2.0
"""The program that makes a node a director: tandem, or keepalived from the same configuration.

A Daemon is started in the foreground, alone in its node, with all its files below its own
directory. What differs between the two is here and nowhere else.
"""

import contextlib
import fcntl
import functools
import json
import os
import shutil
import signal
import socket
import struct
import subprocess

from .net import OUT, wait_for
from .traffic import TOP

# A `make install DESTDIR=` tree; ./check leaves one.
ROOT = os.environ.get("TANDEM_ROOT", f"{TOP}/build/root")


@functools.cache
def _tree():
    """The tree, copied to where the roles' users can reach it: not in somebody's home."""
    shutil.copytree(f"{ROOT}/usr/local", "/run/tandem-tree")
    return "/run/tandem-tree"


def installed(path):
    return f"{_tree()}/{path}" if ROOT else f"/usr/local/{path}"


class Daemon:
    name = None

    def __init__(self, node, config, detail=True):
        self.node, self.detail = node, detail
        self.dir = f"/run/lab-{node.name}"  # sockets and locks cannot live where logs go
        self.file = f"{self.dir}/{self.name}.conf"
        self.log = f"{node.name}.{self.name}.log"
        self.proc = None
        os.makedirs(self.dir, exist_ok=True)
        self.configure(config)

    def configure(self, config):
        """Write the configuration; it is read at the next start or reload."""
        self.config = config
        with open(self.file, "w") as f:
            f.write(config)

    def start(self):
        self.proc = self.node.spawn(self.argv(), log=self.log, env=self.env())

    def boot(self):
        """Start on a machine that comes up: /run is empty."""
        shutil.rmtree(self.dir)
        os.makedirs(self.dir)
        self.configure(self.config)
        self.start()

    def env(self):
        return {}

    def stop(self, timeout_s=20):
        """Stop on purpose, and wait until it has."""
        self.proc.send_signal(signal.SIGTERM)
        try:
            return self.proc.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"{self.node.name}: {self.name} did not stop in {timeout_s} s")

    def kill(self):
        """kill -9 of the parent and all its children at once."""
        for pid in [self.proc.pid, *self.roles().values()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.proc.wait()

    def roles(self):
        """{name: pid} of its processes besides the parent."""
        raise NotImplementedError

    def running(self):
        return self.proc is not None and self.proc.poll() is None

    def log_text(self):
        with contextlib.suppress(OSError), open(f"{OUT}/{self.log}", errors="replace") as f:
            return f.read()
        return ""


class Keepalived(Daemon):
    name = "keepalived"
    gentle = False  # nothing is promised for a stop on purpose

    def argv(self):
        pid = f"{self.dir}/keepalived"
        return ["keepalived", "-n", "-l", "-G", *["-D"] * self.detail, "-f", self.file,
                "-p", f"{pid}.pid", "-r", f"{pid}_vrrp.pid", "-c", f"{pid}_check.pid"]

    def reload(self, config):
        self.configure(config)
        self.proc.send_signal(signal.SIGHUP)

    def roles(self):
        """keepalived's children carry its own name; its pid files tell them apart."""
        found = {}
        for role in ("vrrp", "check"):
            with contextlib.suppress(OSError, ValueError):
                with open(f"{self.dir}/keepalived_{role}.pid") as f:
                    found[role] = int(f.read())
        return found

    def vrrp_pid(self):
        return self.roles()["vrrp"]


class Tandem(Daemon):
    name = "tandem"
    gentle = True

    def argv(self):
        return [installed("sbin/tandemd"), "-n", "-l", *["-D"] * self.detail, "-f", self.file,
                "--run-dir", f"{self.dir}/tandem"]

    def env(self):
        return {"TANDEM_LIBEXECDIR": installed("libexec/tandem")}

    def ctl(self, *args):
        """tandemctl's (exit status, output)."""
        argv = [installed("bin/tandemctl"), "--run-dir", f"{self.dir}/tandem", *args]
        done = subprocess.run(argv, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def roles(self):
        """Whoever holds a role's lock serves; adopted ones are no children of the supervisor."""
        found = {}
        for role in ("vrrp", "check", "ipvs", "sync"):
            with contextlib.suppress(OSError), open(f"{self.dir}/tandem/{role}.lock", "rb+") as f:
                ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                kind, *_, pid = struct.unpack("hhqqi4x", fcntl.fcntl(f, fcntl.F_GETLK, ask))
                if kind != fcntl.F_UNLCK:
                    found[f"tandem-{role}"] = pid
        return found

    def kill(self):
        """The stand-by of a role too, which holds no lock."""
        for pid in self.node.pids():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline") as f:
                if f"{self.dir}/tandem" in f.read().split("\0"):
                    os.kill(pid, signal.SIGKILL)
        self.proc.wait()

    @contextlib.contextmanager
    def paused(self, *roles):
        """These processes are stopped meanwhile."""
        pids = [self.roles()[role] for role in roles]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def vrrp_pid(self):
        return self.roles()["tandem-vrrp"]

    def ask(self, verb):
        """What `tandemctl VERB --json` prints, as a dictionary; None: no answer. Without a process: they are dear
        in a guest, and scenarios ask all the time."""
        with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as sock:
            sock.connect(f"{self.dir}/tandem/control.sock")
            sock.sendall(json.dumps({"verb": verb}).encode() + b"\n")
            with sock.makefile() as answer:
                return json.load(answer)
        return None

    def status(self):
        return self.ask("status")

    def reload(self, config):
        """Waits for the outcome: (exit status, what was said)."""
        self.configure(config)
        return self.ctl("reload")

    def wait_role(self, name, not_pid, timeout_s=5):
        """The new incarnation's pid, once there is one."""
        return wait_for(lambda: self.roles().get(name) not in (None, not_pid) and
                        self.roles().get(name), timeout_s)


KINDS = {cls.name: cls for cls in (Keepalived, Tandem)}
