#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=420 memory=768
"""What people do over a director for longer than it lives: a download from nginx, a shell by ssh, a session with
PostgreSQL that has a transaction open. The Active crashes, comes back with an empty kernel and preempts; all three
must go on, and with rr no other real server could take them over.

protocols.py [--sync tandem|kernel]     kernel: keepalived with lvs_sync_daemon, to compare; nothing is asked for
"""

import argparse
import contextlib
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Pair, expect, need, note, run, skip_all, wait_for  # noqa: E402
from lab.net import OUT  # noqa: E402

POSTGRES = (sorted(glob.glob("/usr/lib/postgresql/*/bin")) or ["/nowhere"])[-1]
CLUSTER = (sorted(glob.glob("/var/lib/postgresql/*/main")) or ["/nowhere"])[-1]
SIZE, RATE = 64 << 20, "1m"
HTTP, SSH, SQL = 80, 22, 5432
KINDS = {"tandem": "tandem", "kernel": "keepalived"}


class ProtocolsPair(Pair):
    def services(self):
        return [("TCP", port) for port in (HTTP, SSH, SQL)]

    def _service(self, protocol, port):
        # Each check of these is a process that the guest has to start.
        text = super()._service(protocol, port).replace("delay_loop 1", "delay_loop 10")
        if port == SQL:  # one database
            text = text.split("    real_server")
            text = "    real_server".join(text[:2]) + "}\n"
        return text

    def wait_table(self, node, reals=None, timeout_s=15):
        return wait_for(lambda: sorted(len(s) for (_, where), s in self.table(node).items()
                                       if where.startswith(f"{self.vip}:")) == [1, 4, 4], timeout_s, 0.1)

    def serve(self):
        """Beside the echo of the usual lab: nginx, sshd, one PostgreSQL."""
        os.makedirs("/run/protocols", exist_ok=True)
        os.makedirs("/run/sshd", exist_ok=True)
        with open("/run/protocols/big", "wb") as f:
            f.write(os.urandom(1 << 20) * (SIZE >> 20))
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"/run/protocols/{name}"],
                           check=True)
        with open("/run/protocols/sshd.conf", "w") as f:
            f.write("HostKey /run/protocols/host\nAuthorizedKeysFile /run/protocols/user.pub\n"
                    "PermitRootLogin yes\nStrictModes no\nUsePAM no\nPidFile none\nPrintMotd no\n"
                    "UseDNS no\nMaxStartups 1000\n")
        for node in self.reals:
            self._serve_nginx(node)
            node.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", "/run/protocols/sshd.conf"], log=f"{node.name}.sshd.log")
        self._serve_postgres(self.reals[0])

    def _serve_nginx(self, node):
        path = f"/run/protocols/nginx-{node.name}"
        os.makedirs(path)
        with open(f"{path}/conf", "w") as f:
            f.write(f"error_log stderr; pid {path}/pid; daemon off; worker_processes 1; user root;\n"
                    "events { worker_connections 64; }\n"
                    f"http {{ access_log off; limit_rate {RATE}; server {{ listen {HTTP} default_server;\n"
                    "root /run/protocols; }\n}\n")
        node.spawn(["nginx", "-p", path, "-c", f"{path}/conf"], log=f"{node.name}.nginx.log")

    def _serve_postgres(self, node):
        """A copy of the empty cluster that Debian's package makes: to make one here takes minutes."""
        data = "/run/protocols/postgres"
        shutil.copytree(CLUSTER, data)
        with open(f"{data}/postgresql.conf", "w") as f:
            f.write(f"listen_addresses = '*'\nport = {SQL}\nunix_socket_directories = ''\nfsync = off\n"
                    "shared_buffers = 8MB\nmax_connections = 20\ndynamic_shared_memory_type = mmap\n"
                    "autovacuum = off\njit = off\n")
        with open(f"{data}/pg_hba.conf", "w") as f:
            f.write("host all all 10.0.0.0/8 trust\n")
        open(f"{data}/pg_ident.conf", "w").close()
        subprocess.run(["chown", "-R", "postgres:postgres", data], check=True)
        os.chmod(data, 0o700)
        os.chmod("/run/protocols", 0o755)
        node.spawn(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
                    f"{POSTGRES}/postgres", "-D", data], log="postgres.log")

    @staticmethod
    def database_is_up():
        with contextlib.suppress(OSError), open(f"{OUT}/postgres.log") as f:
            return "ready to accept connections" in f.read()


class Talk:
    """A program that answers line by line."""

    def __init__(self, node, name, *argv):
        with node.inside():
            self.proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         stderr=open(f"{OUT}/{name}.log", "w"))

    def ask(self, line):
        """The next line of its answer; "" when it is gone."""
        with contextlib.suppress(OSError):
            self.proc.stdin.write(line + "\n")
            self.proc.stdin.flush()
        return self.proc.stdout.readline().strip()

    def end(self):
        with contextlib.suppress(OSError):
            self.proc.stdin.close()
        return self.proc.wait(20)


class Users:
    """One of each, at work."""

    def __init__(self, pair):
        with pair.client.inside():
            self.download = subprocess.Popen(
                ["curl", "-s", "-S", "-o", "/run/protocols/got", f"http://{pair.vip}/big"],
                stderr=open(f"{OUT}/curl.log", "w"))
        self.shell = Talk(pair.client, "ssh", "ssh", "-T", "-i", "/run/protocols/user", "-o",
                          "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", f"root@{pair.vip}",
                          "while read line; do echo $line $((n += 1)); done")
        self.sql = Talk(pair.client, "psql", "psql", "-X", "-q", "-A", "-t", "-h", pair.vip, "-U", "postgres", "postgres")

    def begin(self):
        expect(self.shell.ask("said") == "said 1", "ssh: a shell answers")
        got = self.sql.ask("CREATE TABLE t (n int); BEGIN; INSERT INTO t VALUES (1); SELECT count(*) FROM t;")
        expect(got == "1", "PostgreSQL: a transaction is open", got)
        expect(self.download.poll() is None, "nginx: a download runs")

    def judge(self, demanded):
        expect_or_note = expect if demanded else lambda ok, text, why="": note(f"{text}: {'yes' if ok else 'no'}")
        got = self.shell.ask("said")
        expect_or_note(got == "said 2", "ssh: it is the same shell", got)
        got = self.sql.ask("INSERT INTO t VALUES (2); COMMIT; SELECT count(*) FROM t;")
        expect_or_note(got == "2", "PostgreSQL: the transaction is committed", got)
        code, good = self.download.wait(90), False
        if code == 0:
            with open("/run/protocols/got", "rb") as f, open("/run/protocols/big", "rb") as g:
                good = hashlib.file_digest(f, "sha256").digest() == hashlib.file_digest(g, "sha256").digest()
        expect_or_note(good, "nginx: the whole file has arrived", f"curl's exit status {code}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sync", default="tandem", choices=("tandem", "kernel"))
    a = parser.parse_args()
    need(programs=["nginx", "ssh", "/usr/sbin/sshd", "curl", "psql", f"{POSTGRES}/postgres"])
    if not os.path.isdir(CLUSTER):
        skip_all("there is no cluster of PostgreSQL in /var/lib/postgresql")
    pair = ProtocolsPair(kinds=[KINDS[a.sync]] * 2, advert_s=0.3, sync={"tandem": "peer", "kernel": "kernel"}[a.sync])
    pair.serve()
    expect(wait_for(pair.database_is_up, 150, 0.2), "PostgreSQL is up")
    pair.start()
    users = Users(pair)
    users.begin()
    time.sleep(1)
    pair.d1.crash()
    expect(pair.wait_active(pair.d2, 10), "crash: d2 takes over", pair.holders())
    time.sleep(3)
    expect(users.download.poll() is None, "nginx: the download still runs") if a.sync == "tandem" else None
    pair.power_cycle(pair.d1)
    expect(pair.wait_active(pair.d1, 45), "return: d1 preempts", pair.holders())
    time.sleep(2)
    users.judge(a.sync == "tandem")


run(main)
