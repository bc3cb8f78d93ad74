#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90 ip_vs=no
"""How results become verdicts, as servers and the operator see it: rise and retry, the intervals of one that is
undecided or down, jitter, flap_damping; and checks that are edited: what is known stays until their own verdict."""

import contextlib
import os
import re
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, expect, run, wait_for  # noqa: E402

WEB = "10.0.0.2"
TIMED, FLAPPING, FAILING, PASSING, CLOSED = 8001, 8002, 8003, 8004, 9999
# Of TIMED, in seconds; LATE_S is what a busy machine is forgiven.
LOOP_S, UNDECIDED_S, DOWN_S, LATE_S = 2, 0.3, 0.8, 0.25
DAMPING_S = 3


class Server:
    """Says its line to who connects, and notes when it did."""

    def __init__(self, node, port):
        self.says, self.asked = b"OK\n", []
        with node.inside():
            self.sock = socket.create_server((WEB, port), backlog=64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            conn = self.sock.accept()[0]
            self.asked.append(time.monotonic())
            with contextlib.suppress(OSError), conn:
                conn.sendall(self.says)

    def gaps_since(self, start):
        asked = [at for at in self.asked if at >= start]
        return [b - a for a, b in zip(asked, asked[1:])]


def check(more="", port=None, wants="OK", retry=0):
    at = f"connect_port {port}\n" if port else ""
    return f'TCP_CHECK {{\n {at} warmup 0\n connect_timeout 1\n retry {retry}\n delay_before_retry 0.5\n expect "{wants}"\n {more} }}\n'


def ping():
    return f"PING_CHECK {{\n connect_ip 10.0.0.9\n warmup 0\n connect_timeout 0.3\n retry 0\n }}\n"


def config(failing, passing=check(), weight=1):
    timed = check(f"delay_loop {LOOP_S}\n delay_undecided {UNDECIDED_S}\n delay_loop_down {DOWN_S}\n rise 3\n jitter 30\n", retry=3)
    flapping = check(f"delay_loop 0.2\n flap_damping {DAMPING_S}\n")
    reals = "".join(f"real_server {WEB} {port} {{\n weight {weight}\n {text} }}\n" for port, text in (
        (TIMED, timed), (FLAPPING, flapping), (FAILING, failing), (PASSING, passing)))
    return ("global_defs {\n router_id one\n}\nvirtual_server 10.0.0.100 80 {\n lb_algo rr\n lb_kind NAT\n"
            f" protocol TCP\n delay_loop 0.4\n {reals} }}\n")


def real(tandem, port):
    status = tandem.status()
    return next((s for s in status["services"][0]["real_servers"] if s["port"] == port), {}) if status and status["services"] else {}


def expect_up(tandem, port, up, what, within_s):
    expect(wait_for(lambda: real(tandem, port).get("up") is up, within_s, 0.05), what, real(tandem, port))


def turns(tandem, port):
    """How often the log has it (up, down)."""
    return [len(re.findall(rf"real server {WEB}:{port} {way}: ", tandem.log_text())) for way in ("up", "down")]


def times(tandem, server):
    """Its rhythm while it is up, fails, is down, and passes again."""
    gaps = server.gaps_since(0)
    expect(len(gaps) >= 3 and max(gaps) <= LOOP_S + LATE_S and min(gaps) >= LOOP_S * 0.7 - LATE_S,
           f"with jitter a round is up to 30 % shorter than {LOOP_S} s, and never longer", gaps)
    expect(max(gaps) - min(gaps) > 0.01, "nor always the same", gaps)
    start = time.monotonic()
    server.says = b"NO\n"
    expect_up(tandem, TIMED, False, "it fails: down", LOOP_S + 4)
    bad = [at for at in server.asked if at >= start]
    expect(max(server.gaps_since(start)[:3]) <= UNDECIDED_S + LATE_S, "which is found out in delay_undecided's steps", server.gaps_since(start))
    expect(bad[0] - start <= LOOP_S + LATE_S, "from the next round on", bad[0] - start)
    expect('answered "NO", wanted "OK", and closed the connection (4 of 4 tries)' in tandem.log_text(), "after as many tries as configured")
    start = time.monotonic() + 0.1
    time.sleep(3.2)
    gaps = server.gaps_since(start)
    expect(len(gaps) >= 2 and max(gaps) <= DOWN_S + LATE_S, "while it is down it is asked each delay_loop_down", gaps)
    start = time.monotonic()
    server.says = b"OK\n"
    expect_up(tandem, TIMED, True, "it passes: up", DOWN_S + 4)
    good = [at for at in server.asked if at >= start]
    expect(len(good) == 3, "after rise passes", len(good))


def is_held(tandem):
    return re.search(r"answered as wanted in .* ms; went down too often, held down for \d+ s more", str(real(tandem, FLAPPING)))


def flap(tandem, server):
    """Down, and up again; true when it is not let up."""
    server.says = b"NO\n"
    expect_up(tandem, FLAPPING, False, "it goes down", 4)
    server.says = b"OK\n"
    wait_for(lambda: is_held(tandem) or real(tandem, FLAPPING).get("up"), 4, 0.02)
    return is_held(tandem)


def flaps(tandem, server):
    """The third time at the soonest; on a busy machine what the first ones cost is half forgotten by then."""
    count = next((n for n in range(1, 9) if flap(tandem, server)), 0)
    expect(count >= 3, "at last it is held down although it passes, and that is said", f"{count}: {real(tandem, FLAPPING)}")
    start = time.monotonic()
    expect_up(tandem, FLAPPING, True, "it comes back by itself", 3 * DAMPING_S + 2)
    expect(time.monotonic() - start > DAMPING_S / 2, "when it has been good for long enough", time.monotonic() - start)


def edits(tandem, failing):
    """Whatever is edited, a server that fails does not come back; then it is mended."""
    before = turns(tandem, FAILING)
    for what, text in (
            ("its timing", check("delay_loop 1\n", retry=2)), ("what it wants", check(wants="FINE")),
            ("its port", check(port=CLOSED)), ("its method", ping()), ("one more", ping() + check()),
            ("the passing one goes, and the failing one takes its place", check()),
            ("another passes beside it", check(port=PASSING) + check()),
            ("they change places", check() + check(port=PASSING)),
            ("the passing one goes again", check()), ("alpha is given up", check("alpha no\n"))):
        code, said = tandem.reload(config(text))
        expect(code == 0, f"an edit: {what}", said)
        time.sleep(0.7)
        expect(real(tandem, FAILING).get("up") is False and turns(tandem, FAILING) == before, "it stays down",
               [line for line in tandem.log_text().splitlines() if f":{FAILING}" in line][-3:])
    failing.says = b"OK\n"
    expect_up(tandem, FAILING, True, "its own pass puts it back", 4)


def inherits(tandem):
    """One that is up, with a check that will fail."""
    code, said = tandem.reload(config(check(), check("delay_before_retry 1\n", port=CLOSED, retry=2)))
    expect(code == 0 and real(tandem, PASSING)["up"] is True, "a changed check keeps what was known", said)
    time.sleep(1)
    expect(real(tandem, PASSING)["up"] is True, "until its own verdict", real(tandem, PASSING))
    expect_up(tandem, PASSING, False, "which comes in its own time", 6)


def main():
    switch, one, web = Switch("sw"), Node("one"), Node("web")
    one.plug("eth0", switch, "10.0.0.1/24")
    web.plug("eth0", switch, f"{WEB}/24")
    servers = {port: Server(web, port) for port in (TIMED, FLAPPING, FAILING, PASSING)}
    servers[FAILING].says = b"NO\n"
    tandem = Tandem(one, config(check()))
    tandem.start()
    expect(wait_for(lambda: len(servers[TIMED].asked) >= 5, 15), "rounds go by")
    times(tandem, servers[TIMED])
    flaps(tandem, servers[FLAPPING])
    expect_up(tandem, FAILING, False, "one server fails", 4)
    edits(tandem, servers[FAILING])
    inherits(tandem)
    expect(tandem.stop() == 0, "it stops in order")


run(main)
