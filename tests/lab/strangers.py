#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""Others on the machine: a second tandemd in the same directory, a log daemon that hangs, a client
of the control socket that has said all, a umask that shuts everybody out, one who wants to see a
death (-R)."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, run, wait_for  # noqa: E402

CONFIG = """
vrrp_instance web {
    interface eth0
    virtual_router_id 51
    priority 150
    version 3
    advert_int 0.1
    virtual_ipaddress {
        10.0.0.100/24
    }
}
"""

# Nothing else of /dev is needed; the log is a socket of ours.
OWN_DEV = """
umask 077
mkdir -p /run/dev && mount -t tmpfs dev /run/dev && cd /run/dev
mknod -m 666 null c 1 3 && ln -s /run/log-that-hangs log
mount --bind /run/dev /dev && cd /
exec "$@"
"""


class DeafLog(Tandem):
    """Logs to a socket that nobody reads."""

    def argv(self):
        argv = [a for a in super().argv() if a != "-l"]
        return ["unshare", "-m", "sh", "-c", OWN_DEV, "sh", *argv]


def master(daemon):
    status = daemon.status()
    return status and status["vrrp_instances"][0]["state"] == "MASTER"


def second_instance(one):
    roles = one.roles()
    argv = [*one.argv(), "-p", "/run/other.pid"]
    with one.node.inside():
        other = subprocess.run(argv, env=os.environ | one.env(), capture_output=True, text=True,
                               timeout=10)
    expect(other.returncode == 1 and "is already running here" in other.stderr,
           "a second one in the same directory is refused, whatever its pid file", other.stderr)
    time.sleep(1.5)
    expect(one.roles() == roles and master(one), "the first one's roles live on", one.roles())


def half_closed(one):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(3)
    s.connect(f"{one.dir}/tandem/control.sock")
    s.sendall(b'{"verb": "status"}\n')
    s.shutdown(socket.SHUT_WR)
    text = b""
    while got := s.recv(65536):
        text += got
    expect(text and json.loads(text)["schema"] == "tandem.status/1",
           "who has said all gets its answer all the same", text[:80])


def log_that_hangs(node):
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/run/log-that-hangs")
    os.chmod("/run/log-that-hangs", 0o666)
    deaf = DeafLog(node, CONFIG)
    deaf.start()
    time.sleep(0.5)
    for _ in range(30):
        deaf.ctl("reload")
    expect(wait_for(lambda: master(deaf), 3), "a log that hangs does not keep it from MASTER",
           deaf.status())
    mode = os.stat(f"{deaf.dir}/tandem").st_mode & 0o777
    expect(mode == 0o755, "the roles' users can reach its directory whatever the umask", oct(mode))
    log.setblocking(False)
    lines = []
    try:
        while True:
            lines.append(log.recv(4096).decode())
    except BlockingIOError:
        pass
    expect(lines and all(": " in line and line.startswith("<") for line in lines),
           "what fitted is there, as syslog's lines", lines)
    deaf.ctl("reload")
    expect(wait_for(lambda: "lines lost before this one" in log.recv(4096).decode(), 2),
           "and the rest is counted when it is read again")
    expect(deaf.stop() == 0, "it stops in order")


class OnlyOnce(Tandem):
    def argv(self):
        return [*super().argv(), "-R"]


def not_started_again(node):
    once = OnlyOnce(node, CONFIG)
    once.start()
    expect(wait_for(lambda: master(once), 5), "with -R it starts", once.log_text()[-500:])
    os.kill(once.vrrp_pid(), signal.SIGKILL)
    expect(wait_for(lambda: not once.running(), 5) and not once.roles(),
           "the death of a role ends it, and nothing of it is left", once.roles())
    node.ip("addr del 10.0.0.100/24 dev eth0")


def main():
    switch = Switch("sw")
    node = Node("one")
    node.plug("eth0", switch, "10.0.0.1/24")
    one = Tandem(node, CONFIG)
    one.start()
    expect(wait_for(lambda: master(one), 5), "it starts", one.log_text()[-500:])
    second_instance(one)
    half_closed(one)
    one.stop()
    not_started_again(node)
    log_that_hangs(node)


run(main)
