# SPDX-License-Identifier: Apache-2.0
"""What a scenario says: TAP, one line an expectation, with the reason when it is not met.

Knows nothing of networks or daemons. `run(main)` is the frame of every scenario: it gives
main's expectations their plan, turns an exception into a failure, and sets the exit status.
"""

import os
import shutil
import subprocess
import sys
import traceback

from . import rtnl

# How to tell that a part of the kernel is there without being a module.
BUILT_IN = {
    "ip_vs": lambda: os.path.exists("/proc/net/ip_vs"),
    "veth": lambda: _makes_link("veth"),
    "bridge": lambda: _makes_link("bridge"),
    "macvlan": lambda: _makes_link("macvlan", on="lab-base"),
    "ipvlan": lambda: _makes_link("ipvlan", on="lab-base"),
    "vrf": lambda: _makes_link("vrf", data=rtnl.attribute(rtnl.VRF_TABLE, 1000)),
}

_count = 0
_failed = 0


def _makes_link(kind, *, data=b"", on=None):
    """One of this kind can be made, on a bridge where it needs another, and is gone again."""
    if on:
        rtnl.add_link(on, "bridge")
    try:
        rtnl.add_link("lab-try", kind, data=data, on=on)
        rtnl.delete("lab-try")
    except OSError:
        return False
    finally:
        if on:
            rtnl.delete(on)
    return True


def note(text):
    """A line for the reader, not an expectation."""
    for line in str(text).splitlines():
        print("#", line, flush=True)


def expect(ok, text, why=""):
    """One expectation; `why` is what was seen instead."""
    global _count, _failed
    _count += 1
    if ok:
        print(f"ok {_count} - {text}", flush=True)
    else:
        _failed += 1
        print(f"not ok {_count} - {text}", flush=True)
        why = str(why) or "it was not so"
        note(f"because: {why if len(why) < 600 else why[:600] + ' …'}")
    return bool(ok)


def skip(text, why):
    """An expectation that cannot be judged here."""
    global _count
    _count += 1
    print(f"ok {_count} - {text} # SKIP {why}", flush=True)


def skip_all(why):
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(77)


def has_module(name):
    """Is this part of the kernel there, or can it be loaded? Loads it."""
    try:
        if name in BUILT_IN and BUILT_IN[name]():
            return True
        return subprocess.run(["modprobe", "-q", name], stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        return False


def need(*, modules=(), programs=()):
    """Skip the whole scenario, and say why, where something is missing."""
    for name in programs:
        if not shutil.which(name):
            skip_all(f"{name} is not installed")
    for name in modules:
        if not has_module(name):
            skip_all(f"this kernel has no {name}")


def _finish():
    if _count:
        print(f"1..{_count}", flush=True)


def run(main):
    """Run a scenario and exit with 0 if all it expected was met, 1 if not."""
    try:
        main()
    except SystemExit:
        raise
    except BaseException:
        note(traceback.format_exc())
        expect(False, "the scenario ran to its end", traceback.format_exc().splitlines()[-1])
    _finish()
    # At once: what is still running in here dies with the namespaces.
    sys.stdout.flush()
    os._exit(1 if _failed else 0)
