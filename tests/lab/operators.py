#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=120
"""What an operator says of a real server (drain, maint, disable, weight) reaches the kernel's table,
and outlives a reload, the death of every process, and a boot; a server that a reload removes drains."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Tandem, expect, need, run, wait_for  # noqa: E402

VIP, PORT = "10.0.0.100", 80
STATE = "/var/lib/lab-one"


def config(reals=(1, 2, 3), more=""):
    servers = "".join(f"real_server 10.0.0.{i} {PORT} {{\n weight 100\n TCP_CHECK {{\n retry 0\n warmup 0\n }}\n }}\n" for i in reals)
    return ("global_defs {\n router_id one\n}\n"
            f"virtual_server {VIP} {PORT} {{\n lb_algo wrr\n lb_kind NAT\n protocol TCP\n delay_loop 0.5\n"
            f" drain_on_remove 60\n {more} {servers} }}\n"
            f"virtual_server {VIP} 81 {{\n lb_algo wrr\n lb_kind NAT\n protocol TCP\n delay_loop 0.5\n"
            f" real_server 10.0.0.1 81 {{\n weight 100\n }}\n }}\n")


class Server:
    """Accepts connections at one address, and keeps them open."""

    def __init__(self, node, address):
        self.node, self.address, self.conns = node, address, []
        self.start()

    def start(self):
        with self.node.inside():
            self.sock = socket.create_server((self.address, PORT))
        threading.Thread(target=self.accept, args=(self.sock,), daemon=True).start()

    def accept(self, sock):
        with contextlib.suppress(OSError):
            while True:
                self.conns.append(sock.accept()[0])

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def server_of(servers, client):
    """The number of the one that has this client's connection."""
    mine = client.getsockname()
    return wait_for(lambda: next((i for i, s in enumerate(servers, 1)
                                  if any(c.fileno() >= 0 and c.getpeername() == mine for c in s.conns)), None), 5)


def weights(node):
    """{last byte of the real server's address: weight} of the first service."""
    found, ours = {}, False
    with node.inside(), open("/proc/thread-self/net/ip_vs") as f:
        for words in map(str.split, f):
            if words and words[0] == "TCP":
                ours = words[1].endswith(":0050")
            elif ours and words and words[0] == "->":
                found[int(words[1][6:8], 16)] = int(words[3])
    return found


def expect_weights(node, want, what, within_s=6):
    expect(wait_for(lambda: weights(node) == want, within_s, 0.1), what, f"{weights(node)}, wanted {want}")


class State(Tandem):
    def argv(self):
        return [*super().argv(), "--state-dir", STATE]


def say(tandem, *args):
    code, text = tandem.ctl(*args)
    expect(code == 0, f"tandemctl {' '.join(args)}: {text.strip()}", text)


def refuse(tandem, words, *args):
    code, text = tandem.ctl(*args)
    expect(code in (1, 2) and words in text, f"tandemctl {' '.join(args)} is refused: {words}", f"{code}: {text}")


def runs(tandem):
    status = tandem.status()
    return status and status["node"]["phase"] == "running"


def survive(one, tandem, want):
    code, text = tandem.ctl("reload")
    expect(code == 0, "a reload", text)
    expect_weights(one, want, "changes nothing of it")
    for name, pid in tandem.roles().items():
        os.kill(pid, signal.SIGKILL)
        expect(tandem.wait_role(name, pid), f"{name} is started again")
    expect_weights(one, want, "nor does the death of every role")
    tandem.kill()
    tandem.start()
    expect(wait_for(lambda: runs(tandem), 15, 0.2), "nor of all at once")
    expect_weights(one, want, "and the table is the same")
    tandem.stop()
    tandem.boot()
    expect(wait_for(lambda: runs(tandem), 15, 0.2), "it boots")
    expect_weights(one, want, "nor does a boot change it", 10)
    tandem.stop()
    tandem.configure(config(reals=(2, 3)))
    tandem.boot()
    expect_weights(one, {2: 40}, "a boot without the drained server", 10)
    tandem.stop()
    tandem.boot()
    expect(wait_for(lambda: runs(tandem), 15, 0.2), "and another")
    code, text = tandem.reload(config())
    expect(code == 0, "it is configured again", text)
    expect_weights(one, want, "and drained as before", 10)


def main():
    need(modules=["ip_vs", "dummy"])
    one = Node("one")
    one.ip("link add eth0 type dummy", "link set eth0 up", f"addr add {VIP}/24 dev eth0")
    for i in (1, 2, 3):
        one.ip(f"addr add 10.0.0.{i}/24 dev eth0")
    servers = [Server(one, f"10.0.0.{i}") for i in (1, 2, 3)]
    tandem = State(one, config())
    tandem.start()
    expect_weights(one, {1: 100, 2: 100, 3: 100}, "all take part", 15)

    refuse(tandem, "no such real server", "drain", "10.0.0.9:80")
    refuse(tandem, "has ports 80 and 81: say which", "drain", "10.0.0.1")
    refuse(tandem, "is not a real server", "drain", "web1")
    refuse(tandem, "no such virtual server", "drain", "10.0.0.1:80", "--service", "10.0.0.100:99")
    refuse(tandem, "is not a duration", "drain", "10.0.0.1:80", "--for", "soon")
    refuse(tandem, "--until-idle goes with drain only", "maint", "10.0.0.1:80", "--until-idle")
    refuse(tandem, "is not a weight", "weight", "10.0.0.1:80", "x")
    expect_weights(one, {1: 100, 2: 100, 3: 100}, "and changes nothing")

    say(tandem, "drain", "10.0.0.1:80")
    say(tandem, "weight", "10.0.0.2", "40")
    say(tandem, "maint", "10.0.0.3:80", "--service", f"{VIP}:{PORT}")
    want = {1: 0, 2: 40}
    expect_weights(one, want, "drained, of another weight, in maintenance")
    code, text = tandem.ctl("explain", "rs", "10.0.0.1:80")
    expect(code == 0 and "the operator's word since" in text and "tandemctl ready 10.0.0.1:80" in text, "explain tells of it", text)
    survive(one, tandem, want)

    servers[2].stop()
    say(tandem, "ready", "10.0.0.3")
    time.sleep(1.5)
    expect_weights(one, want, "a server that fails is not put back by the operator's ready")
    servers[2].start()
    say(tandem, "check-now", "10.0.0.3")
    expect_weights(one, {**want, 3: 100}, "but by a pass")
    say(tandem, "ready", "10.0.0.1:80")
    say(tandem, "weight", "10.0.0.2", "configured")
    expect_weights(one, {1: 100, 2: 100, 3: 100}, "all as configured again")

    say(tandem, "disable", "10.0.0.2", "--for", "3")
    expect_weights(one, {1: 100, 3: 100}, "disabled")
    expect_weights(one, {1: 100, 2: 100, 3: 100}, "for 3 s", 8)

    with one.inside():
        client = socket.create_connection((VIP, PORT), 3)
    busy = server_of(servers, client)
    rest = {i: 100 for i in (1, 2, 3) if i != busy}
    say(tandem, "drain", f"10.0.0.{busy}:80", "--until-idle")
    expect_weights(one, {**rest, busy: 0}, "the server with a connection is drained until it is idle")
    time.sleep(2.5)
    expect_weights(one, {**rest, busy: 0}, "which it is not as long as the connection is there")
    client.close()
    for c in servers[busy - 1].conns:
        c.close()
    expect_weights(one, rest, "and then it is taken out", 8)
    say(tandem, "ready", f"10.0.0.{busy}:80")
    expect_weights(one, {1: 100, 2: 100, 3: 100}, "until it is ready")

    with one.inside():
        client = socket.create_connection((VIP, PORT), 3)
    busy = server_of(servers, client)
    others = [i for i in (1, 2, 3) if i != busy]
    tandem.reload(config(reals=others))
    expect_weights(one, {**{i: 100 for i in others}, busy: 0}, "a server that a reload removes drains")
    os.kill(tandem.roles()["tandem-ipvs"], signal.SIGKILL)
    time.sleep(2)
    expect_weights(one, {**{i: 100 for i in others}, busy: 0}, "also when tandem-ipvs dies meanwhile")
    client.close()
    for c in servers[busy - 1].conns:
        c.close()
    expect_weights(one, {i: 100 for i in others}, "and goes when its connections have", 8)

    say(tandem, "drain", f"10.0.0.{others[0]}:80")
    tandem.stop()
    with open(f"{STATE}/overrides", "r+b") as f:
        f.seek(30)
        f.write(b"\xff")
    tandem.start()
    wait_for(lambda: runs(tandem), 15, 0.2)
    expect_weights(one, {i: 100 for i in others}, "a damaged file is not believed", 10)
    expect(os.path.exists(f"{STATE}/overrides.corrupt") and "is damaged and is set aside" in tandem.log_text(), "but set aside, and told")
    expect(tandem.stop() == 0 and weights(one) == {}, "it stops in order", weights(one))


run(main)
