# SPDX-License-Identifier: Apache-2.0
"""What clients see: the traffic programs, started on a node, and their results as objects.

The programs are built from lab/*.c; $TANDEM_BUILD says where, else what ./check has built is used.
"""

import json
import os
import signal
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("TANDEM_BUILD") or f"{TOP}/build/plain"


def program(name):
    return f"{BUILD}/lab/{name}"


class Result:
    """A result's fields by name; durations in ms as well."""

    def __init__(self, fields):
        self.__dict__.update(fields)

    def __getattr__(self, name):
        if name.endswith("_ms") and name[:-3] + "_us" in self.__dict__:
            return self.__dict__[name[:-3] + "_us"] / 1000
        raise AttributeError(name)


class Program:
    """A traffic program at work. Ready once made; stop() returns its result."""

    def __init__(self, node, name, *args):
        self.proc = node.spawn([program(name), *map(str, args)], log=f"{name}.log",
                               stdout=subprocess.PIPE)
        if self.proc.stdout.readline() != "ready\n":
            raise RuntimeError(f"{name} did not start: see {name}.log")

    def end(self):
        self.proc.send_signal(signal.SIGTERM)

    def result(self):
        text, _ = self.proc.communicate()
        return Result(json.loads(text))


class Probe(Program):
    """A question every interval; see lab/probe.c."""

    def __init__(self, node, address, port, kind="udp", interval_us=5000, patience_ms=3000):
        super().__init__(node, "probe", "-a", address, "-p", port, "-m", kind, "-i", interval_us,
                         "-w", patience_ms)


class Sessions(Program):
    """Many TCP sessions; see lab/sessions.c."""

    def __init__(self, node, address, port, n=200, patience_ms=15000, period_ms=1000):
        super().__init__(node, "sessions", "-a", address, "-p", port, "-n", n, "-w", patience_ms,
                         "-i", period_ms)


class Traffic:
    """Several programs over one stretch of time: with Traffic(...) as t: fault. Then t.probe …"""

    def __init__(self, **programs):
        self._programs = programs

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for p in self._programs.values():
            p.end()
        for name, p in self._programs.items():
            setattr(self, name, p.result())
