#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=240
"""Directors agree on weights: what an agent says to each differs, and so does the moment of slow start, but the
Backup has the Active's weights, so that the hash (mh) sends a client to the same real server from both. A
takeover moves nobody. What a director finds down stays out there, whatever its peer says, and both tell it. When the
peer is not heard any more, each goes by itself."""

import contextlib
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import ApartPair, expect, note, run, wait_for  # noqa: E402
from lab.held import SERVER_PORT  # noqa: E402

RAMP_S, AGENT_PORT = 6, 7100
OLD = ("idle", "silent")


class Agents:
    """On each real server one agent that says to each director what that is to hear: "50%", "down" …"""

    def __init__(self, pair):
        self.pair, self.said = pair, {}
        for server, node in enumerate(pair.reals, 1):
            with node.inside():
                sock = socket.create_server(("0.0.0.0", AGENT_PORT))
            threading.Thread(target=self.serve, args=(sock, server), daemon=True).start()

    def serve(self, sock, server):
        while True:
            conn, (who, _) = sock.accept()
            with conn, contextlib.suppress(OSError):
                conn.sendall(f"{self.said.get((who, server), 'up 100%')}\n".encode())

    def say(self, node, server, words):
        """To the director, of this server (1…); for each it is up, and has its whole weight."""
        self.said[self.pair.address(0, self.pair.directors.index(node) + 1), server] = words


class WeightsPair(ApartPair):
    def services(self):
        return [("TCP", SERVER_PORT)]

    def _service(self, protocol, port):
        reals = "".join(
            f"    real_server {a} {port} {{\n        weight 100\n        AGENT_CHECK {{\n"
            f"            connect_port {AGENT_PORT}\n            retry 0\n            warmup 0\n        }}\n    }}\n"
            for a in self.real_addresses)
        return (f"virtual_server {self.vip} {port} {{\n    delay_loop 0.5\n    lvs_sched mh\n    mh-port\n"
                f"    slow_start {RAMP_S}\n    lvs_method DR\n    protocol {protocol}\n{reals}}}\n")

    def weights(self, node):
        return self.table(node).get(("TCP", f"{self.vip}:{SERVER_PORT}"), {})

    def weight(self, node, server):
        return self.weights(node).get(f"{self.real_addresses[server - 1]}:{SERVER_PORT}")

    def equal(self):
        return self.weights(self.d1) == self.weights(self.d2)

    def same_within(self, seconds, what):
        expect(wait_for(self.equal, seconds, 0.05), f"{what}: both kernels have the same weights",
               f"{self.weights(self.d1)}, {self.weights(self.d2)}")


def different_words(pair, agents):
    agents.say(pair.d2, 1, "40%")
    agents.say(pair.d1, 2, "20%")
    expect(wait_for(lambda: pair.weight(pair.d1, 2) == 20, 10, 0.05), "d1 hears 20 % of the second server", pair.weights(pair.d1))
    pair.same_within(2, "d2 hears 100 % of it, and 40 % of the first one")
    expect(pair.weight(pair.d2, 1) == 100, "it is d1's word that counts", pair.weights(pair.d2))
    agents.say(pair.d2, 1, "100%")
    code, text = pair.d2.daemon.ctl("explain", "rs", f"{pair.real_addresses[1]}:{SERVER_PORT}")
    expect(code == 0 and "agreed on: 20" in text and "10.0.9.1, which is Active, says up, weight 20" in text,
           "explain rs says so", text)
    text = pair.d2.daemon.ctl("sync")[1]
    expect("real servers  4 with the weight that the Active director says, 0 seen otherwise by a peer" in text, "and so does sync", text)


def slow_start(pair, agents):
    """The server comes back a little later for d2's checks: its own slow start is behind d1's."""
    for node in pair.directors:
        agents.say(node, 3, "down")
    expect(wait_for(lambda: all(pair.weight(n, 3) is None for n in pair.directors), 10, 0.05), "both find the third server down")
    agents.say(pair.d1, 3, "up")
    expect(wait_for(lambda: pair.weight(pair.d1, 3), 10, 0.05), "d1 finds it up")
    time.sleep(0.7)
    agents.say(pair.d2, 3, "up")
    expect(wait_for(lambda: pair.weight(pair.d2, 3), 10, 0.05), "and then d2")
    seen, samples, equal, end = set(), 0, 0, time.monotonic() + 2 * RAMP_S
    while pair.weight(pair.d1, 3) != 100 and time.monotonic() < end:
        pair_of = pair.weight(pair.d1, 3), pair.weight(pair.d2, 3)
        seen.add(pair_of)
        samples, equal = samples + 1, equal + (pair_of[0] == pair_of[1])
        time.sleep(0.05)
    note(f"slow start: {equal} of {samples} looks found the same weight, {sorted(seen)}")
    expect(equal > samples * 0.5, "slow start: both have the same weight most of the time", f"{equal} of {samples}: {sorted(seen)}")
    pair.same_within(2, "slow start is over")


def down_for_one(pair, agents):
    said = f"real server {pair.real_addresses[3]}:{SERVER_PORT}: peer"
    agents.say(pair.d2, 4, "down")
    expect(wait_for(lambda: pair.weight(pair.d2, 4) is None, 5, 0.05), "d2 alone finds the fourth server down: it is out there",
           pair.weights(pair.d2))
    expect(wait_for(lambda: f"{said} 10.0.9.1 says up, we say down" in pair.d2.daemon.log_text(), 15, 0.1), "d2 tells that d1 says up")
    expect(wait_for(lambda: f"{said} 10.0.9.2 says down, we say up" in pair.d1.daemon.log_text(), 15, 0.1), "d1 tells that d2 says down")
    expect("peer 10.0.9.2 says down, we say up" in " ".join(pair.d1.daemon.status()["warnings"]), "d1 warns of it",
           pair.d1.daemon.status()["warnings"])
    expect("! peer 10.0.9.2 says down" in pair.d1.daemon.ctl("services")[1], "and so does services", pair.d1.daemon.ctl("services")[1])
    expect(pair.weight(pair.d1, 4) == 100, "d1, which can reach it, uses it", pair.weights(pair.d1))
    agents.say(pair.d2, 4, "up")
    expect(wait_for(lambda: "all directors say up again" in pair.d1.daemon.log_text(), 10, 0.1), "it is over: d1 says so")
    expect(wait_for(pair.equal, RAMP_S + 5, 0.1), "and both kernels have the same weights again")


def takeover(pair):
    sessions = pair.held.open(10, OLD)
    time.sleep(0.5)  # the youngest may be known to d1 alone
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 10), "crash: d2 takes over", pair.holders())
    expect(pair.weight(pair.d2, 2) == 20, "crash: d2 goes on with the weights of d1", pair.weights(pair.d2))
    pair.judge("crash", sessions)
    expect(wait_for(lambda: pair.weight(pair.d2, 2) == 100, 20, 0.1), "d2 goes by itself after a while", pair.weights(pair.d2))
    expect(wait_for(lambda: all(w == 100 for w in pair.weights(pair.d2).values()), 5, 0.1), "in all of it", pair.weights(pair.d2))


def main():
    pair = WeightsPair()
    agents = Agents(pair)
    pair.start()
    expect(pair.wait_synced(), "both are synced")
    pair.same_within(5, "at the start")
    different_words(pair, agents)
    slow_start(pair, agents)
    down_for_one(pair, agents)
    takeover(pair)


run(main)
