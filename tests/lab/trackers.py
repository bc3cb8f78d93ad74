#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=150 ip_vs=no
"""track_file and track_process: each value moves the priority, faults and recovers as keepalived's
does from the same file; a file may come and go in any way; what was seen outlives the programs."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, Watch, expect, need, now_us, run, wait_for  # noqa: E402

DIR = "/run/track"

TRACKERS = """
track_file load {{
    file {dir}/load
    weight {load}
}}
track_file drain {{
    file {dir}/sub/drain
    weight 0
    init_file
}}
vrrp_track_process web {{
    process lab-web
    weight {web}
    quorum 2
    terminate_delay {terminate}
}}
vrrp_track_process never {{
    process /run/track/rogue 600
    quorum_max 0
    weight 0
}}
"""


def config(load="1", web="-40", terminate=1, more=""):
    return ("global_defs {\n    router_id d1\n    process_monitor_rcv_bufs 500000\n}\n"
            + TRACKERS.format(dir=DIR, load=load, web=web, terminate=terminate)
            + "vrrp_instance V {\n    state BACKUP\n    interface eth0\n"
              "    virtual_router_id 51\n    priority 100\n    version 3\n    advert_int 0.1\n"
              "    virtual_ipaddress {\n        10.0.0.100/24\n    }\n"
              "    track_interface {\n        dm0 weight 30 reverse\n    }\n"
              "    track_file {\n        load\n        drain\n    }\n"
              "    track_process {\n        web\n        never\n    }\n" + more + "}\n")


def write(path, text):
    with open(f"{path}.new", "w") as f:
        f.write(text)
    os.rename(f"{path}.new", path)


def priority(d1):
    """As others see it now; 0: nothing is advertised."""
    last = d1.watch.adverts[-1:]
    fresh = last and now_us() - last[0].at_us < 350_000
    return last[0].priority if fresh else 0


def expect_priority(d1, wanted, what, timeout_s=6):
    got = wait_for(lambda: priority(d1) == wanted, timeout_s, 0.05)
    expect(got, f"{d1.daemon.name}: {what}: priority {wanted}",
           (priority(d1), d1.daemon.log_text()[-800:]))


class Web:
    """Processes with a name of their own."""

    def __init__(self):
        self.procs = []
        shutil.copy(shutil.which("sleep"), f"{DIR}/lab-web")
        shutil.copy(shutil.which("sleep"), f"{DIR}/rogue")

    def run(self, n, argv=(f"{DIR}/lab-web", "600")):
        self.procs += [subprocess.Popen(argv) for _ in range(n)]

    def end(self, n):
        for _ in range(n):
            proc = self.procs.pop()
            proc.kill()
            proc.wait()


def files(d1):
    """What each way of changing a file does. Web runs, so the base is 100."""
    write(f"{DIR}/load", "20\n")
    expect_priority(d1, 120, "a file is renamed into place")
    with open(f"{DIR}/load", "w") as f:
        f.write("-30 # drain slowly")
    expect_priority(d1, 70, "it is written in place")
    os.unlink(f"{DIR}/load")
    expect_priority(d1, 100, "it is removed")
    write(f"{DIR}/load", "-254")
    expect_priority(d1, 0, "-254 is a fault")
    write(f"{DIR}/load", "5000")
    expect_priority(d1, 254, "it is over, and no priority is above 254")
    write(f"{DIR}/load", "0")
    write(f"{DIR}/sub/drain", "1")
    expect_priority(d1, 0, "weight 0: any number but 0 is a fault")
    write(f"{DIR}/sub/drain", "0")
    expect_priority(d1, 100, "0 is none")


def interface(d1):
    """reverse: being up costs the weight."""
    d1.ip("link set dm0 up")
    expect_priority(d1, 70, "an interface with a reversed weight comes up")
    d1.ip("link set dm0 down")
    expect_priority(d1, 100, "it goes down")


def odd_files(d1):
    """What keepalived does not see, or takes for a file that must be there at the start."""
    write(f"{DIR}/load", "20\n")
    expect_priority(d1, 120, "20")
    os.truncate(f"{DIR}/load", 0)
    expect_priority(d1, 100, "it is truncated by name")
    shutil.rmtree(f"{DIR}/sub")
    os.makedirs(f"{DIR}/sub")
    write(f"{DIR}/sub/drain", "7")
    expect_priority(d1, 0, "its directory was removed and made anew")
    write(f"{DIR}/other", "0")
    os.unlink(f"{DIR}/sub/drain")
    os.symlink(f"{DIR}/other", f"{DIR}/sub/drain")
    expect_priority(d1, 100, "a link is in its place")
    write(f"{DIR}/other", "3")
    expect_priority(d1, 0, "what the link leads to is changed")
    os.unlink(f"{DIR}/other")
    expect_priority(d1, 100, "what it leads to is removed")
    write(f"{DIR}/other", "3")
    expect_priority(d1, 0, "and comes again")
    write(f"{DIR}/other", "0")
    expect_priority(d1, 100, "and back")
    with open(f"{DIR}/load", "w") as f:
        def written_again():
            f.seek(0)
            print("-12", file=f, flush=True)
            return priority(d1) == 88
        expect(wait_for(written_again, 5), "one that is written all the time and never closed is read",
               d1.daemon.log_text()[-800:])
    write(f"{DIR}/load", "many")
    expect(wait_for(lambda: "does not begin with a number" in d1.daemon.log_text(), 3),
           "tandem: a file without a number is told of")
    write(f"{DIR}/load", "0")


def processes(d1, web):
    web.end(1)
    expect_priority(d1, 60, "1 of 2 processes", 8)
    web.run(1)
    expect_priority(d1, 100, "2 of 2 processes", 8)
    web.run(1, [f"{DIR}/rogue", "600"])
    expect_priority(d1, 0, "one runs of which none is to", 8)
    web.end(1)
    expect_priority(d1, 100, "it has ended", 8)


def outlives(d1, web):
    """A fault and a lower priority, through the death of each program."""
    web.end(1)
    expect_priority(d1, 60, "before the programs die", 8)
    pid = d1.daemon.roles()["tandem-vrrp"]
    os.kill(pid, 9)
    d1.daemon.wait_role("tandem-vrrp", pid)
    expect(priority(d1) == 60, "kill -9 of tandem-vrrp: the priority is as it was", priority(d1))
    d1.daemon.kill()
    d1.daemon.start()
    expect_priority(d1, 60, "kill -9 of all of tandem")
    wait_for(lambda: d1.daemon.ctl("status")[0] == 0, 8, 0.2)
    code, text = d1.daemon.ctl("status")
    expect("track vrrp_track_process web  down: 1 of 2 run" in text
           and "track track_file load  0" in text, "tandemctl status shows the trackers", text)
    web.run(1)
    expect_priority(d1, 100, "after the restart", 8)
    d1.daemon.configure(config(load="2 reverse", web="30"))
    d1.daemon.ctl("reload")
    write(f"{DIR}/load", "4")
    expect_priority(d1, 122, "a reload changes the weights")


def group_config():
    """A group's file moves both members; the old word global_tracking lets one add its own."""
    def instance(name, vrid, more=""):
        return (f"vrrp_instance {name} {{\n    state BACKUP\n    interface eth0\n"
                f"    virtual_router_id {vrid}\n    priority 100\n    version 3\n    advert_int 0.1\n"
                f"    virtual_ipaddress {{\n        10.0.0.{vrid}/24\n    }}\n{more}}}\n")

    return ("global_defs {\n    router_id d1\n    script_user root\n}\n"
            f"track_file load {{\n    file {DIR}/load\n    weight 2\n}}\n"
            f"track_file own {{\n    file {DIR}/own\n}}\n"
            "vrrp_sync_group G {\n    group {\n        A\n        B\n    }\n    global_tracking\n"
            "    track_file {\n        load\n    }\n"
            f"    notify_fault \"/bin/touch {DIR}/fault\"\n}}\n"
            + instance("A", 61)
            + instance("B", 62, "    track_file {\n        own\n    }\n"))


def priorities(d1):
    """Of both members, as others see them now."""
    fresh = [a for a in d1.watch.adverts[-10:] if now_us() - a.at_us < 350_000]
    return tuple(next((a.priority for a in reversed(fresh) if a.vrid == v), 0) for v in (61, 62))


def expect_both(d1, wanted, what, timeout_s=8):
    got = wait_for(lambda: priorities(d1) == wanted, timeout_s, 0.05)
    expect(got, f"{d1.daemon.name}, sync group: {what}: {wanted}",
           (priorities(d1), d1.daemon.log_text()[-800:]))


def group(d1, kind):
    write(f"{DIR}/load", "0")
    write(f"{DIR}/own", "0")
    d1.daemon = KINDS[kind](d1, group_config())
    d1.daemon.start()
    expect_both(d1, (100, 100), "start", 12)
    write(f"{DIR}/load", "-10")
    expect_both(d1, (80, 80), "the group's file moves both")
    write(f"{DIR}/own", "5")
    expect_both(d1, (80, 85), "a member's own file moves it alone")
    write(f"{DIR}/load", "-127")
    expect_both(d1, (0, 0), "a fault of the group")
    expect(wait_for(lambda: os.path.exists(f"{DIR}/fault"), 3), f"{kind}: notify_fault has run")
    write(f"{DIR}/load", "0")
    expect_both(d1, (100, 105), "the fault is over", 10)
    d1.daemon.stop()
    os.unlink(f"{DIR}/fault")


def main():
    need(modules=["veth", "bridge"], programs=["keepalived"])
    lan = Switch("lan")
    d1 = Node("d1")
    d1.plug("eth0", lan, "10.0.0.1/24")
    d1.ip("link add dm0 type veth peer name dm1", "link set dm1 up")
    d1.watch = Watch([d1], lan)
    shutil.rmtree(DIR, ignore_errors=True)
    for kind in ("keepalived", "tandem"):
        os.makedirs(f"{DIR}/sub", exist_ok=True)
        write(f"{DIR}/load", "0")
        web = Web()
        web.run(2)
        # keepalived is not told of processes in a network namespace: they are left out there.
        text = config()
        if kind == "keepalived":
            text = re.sub(r"    track_process \{.*?    \}\n", "", text, flags=re.S)
        d1.daemon = KINDS[kind](d1, text)
        d1.daemon.start()
        expect_priority(d1, 100, "start", 10)
        files(d1)
        interface(d1)
        if kind == "tandem":
            odd_files(d1)
            processes(d1, web)
            outlives(d1, web)
        d1.daemon.stop()
        web.end(len(web.procs))
        group(d1, kind)
        shutil.rmtree(DIR)


run(main)
