# SPDX-License-Identifier: Apache-2.0
"""Connections of every sort that a director may lose, held by the scenario itself: idle ones, ones that
have never said a word, ones that the client has closed its way of, ones just opened, clients that are to
keep their real server. Each is asked at the end whether it still works.

What they talk to is lab/held_server.py on the real servers: it says its name, then echoes; and
when the client has closed its way it goes on to say a line twice a second.
"""

import selectors
import socket
import subprocess
import sys
import time

from .tap import note
from .traffic import TOP

SERVER_PORT, KEPT_PORT = 8001, 8002  # the second one with persistence
SORTS = ("idle", "silent", "half-closed", "fresh", "persistent")


def serve(nodes):
    """Until they listen."""
    servers = [node.spawn([sys.executable, f"{TOP}/lab/held_server.py", node.name, str(SERVER_PORT), str(KEPT_PORT)],
                          log=f"{node.name}.held.log", stdout=subprocess.PIPE) for node in nodes]
    for node, server in zip(nodes, servers):
        if server.stdout.readline() != "ready\n":
            raise RuntimeError(f"{node.name}: its server did not start: see {node.name}.held.log")


class Session:
    """One connection. Its end is looked at when it is asked, or by what it was sent."""

    def __init__(self, sort, sock, source=""):
        self.sort, self.sock, self.source, self.name, self.heard = sort, sock, source, "", b""

    def listen(self):
        """What has come; False: the connection is at its end."""
        try:
            while data := self.sock.recv(4096):
                self.heard += data
            return False
        except BlockingIOError:
            return True
        except OSError:
            return False


class Held:
    def __init__(self, client, address, sources=(), port=SERVER_PORT):
        """sources: addresses of the client's, one for each persistent client."""
        self.client, self.address, self.sources, self.port = client, address, sources, port
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def _connect(self, port, source=""):
        """To be called inside the client's namespace."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.settimeout(30)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            sock.bind((source, 0))
        sock.connect((self.address, port))
        return sock

    def _greeting(self, sock):
        text = b""
        while not text.endswith(b"\n"):
            data = sock.recv(64)
            if not data:
                raise ConnectionError("the server went away")
            text += data
        return text.decode().strip()

    def _open(self, sort, source=""):
        s = Session(sort, self._connect(KEPT_PORT if sort == "persistent" else self.port, source),
                    source)
        if sort != "silent":
            s.sock.sendall(b"hello\n")
            s.name = self._greeting(s.sock)
        if sort == "half-closed":
            s.sock.shutdown(socket.SHUT_WR)
        s.sock.setblocking(False)
        return s

    def open(self, n, sorts=("idle", "silent", "half-closed", "persistent", "fresh")):
        """n of each sort, the fresh ones last."""
        with self.client.inside():
            return [self._open(sort, self.sources[i] if sort == "persistent" else "")
                    for sort in sorts
                    for i in range(min(n, len(self.sources)) if sort == "persistent" else n)]

    def ask(self, sessions, patience_s=12):
        """{sort: (alive, asked)}; the dead ones are taken out of the list."""
        alive = self._answering(sessions, patience_s)
        with self.client.inside():
            alive = [s for s in alive if self._is_kept(s)]
        asked = {sort: sum(s.sort == sort for s in sessions) for sort in SORTS}
        found = {sort: (sum(s.sort == sort for s in alive), n) for sort, n in asked.items() if n}
        for s in set(sessions) - set(alive):
            s.sock.close()
        sessions[:] = alive
        return found

    def _answering(self, sessions, patience_s):
        wait, alive, ended = selectors.DefaultSelector(), [], []
        for s in sessions:
            if self._say(s):
                wait.register(s.sock, selectors.EVENT_READ, s)
            else:
                ended.append(s)
        if ended:
            note(f"{len(ended)} had ended before they were asked, the first: {ended[0].sort}, "
                 f"port {ended[0].sock.getsockname()[1]}")
        end = time.monotonic() + patience_s
        while wait.get_map() and (left_s := end - time.monotonic()) > 0:
            for key, _ in wait.select(left_s):
                lives = key.data.listen()
                if lives and b"\n" not in key.data.heard:
                    continue
                wait.unregister(key.fileobj)
                alive += [key.data] * lives
        return alive

    @staticmethod
    def _say(s):
        """A line to be echoed; who may not speak any more is to hear something new."""
        if not s.listen():
            return False
        s.heard = b""
        if s.sort == "half-closed":
            return True
        try:
            s.sock.send(b"still there?\n")
        except OSError:
            return False
        return True

    def _is_kept(self, s):
        """Does this client come to the server that it had?"""
        if s.sort != "persistent":
            return True
        try:
            sock = self._connect(KEPT_PORT, s.source)
            sock.sendall(b"hello\n")
            name = self._greeting(sock)
            sock.close()
        except OSError as e:
            note(f"a client that is to keep its real server can't connect: {e}")
            return False
        return name == s.name
