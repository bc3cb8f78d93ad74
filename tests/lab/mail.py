#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=150 ip_vs=no
"""Mail: a failover and a reload are told by mails in keepalived's words, in their order; a server that
refuses, hangs or talks nonsense delays no failover, is told of once, and what it did not take is
counted."""

import contextlib
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import KINDS, Node, Switch, expect, need, note, run, wait_for  # noqa: E402

PORT = 2525
MAILS = "/run/lab-mail"

# Stores each mail as it came, the talk before it in front; or hangs, or talks nonsense.
SERVER = f"""
import socket, sys, time
how = sys.argv[1]
s = socket.create_server(("127.0.0.1", {PORT}))
print("ready", flush=True)
kept = []
while how != "smtp":
    c, _ = s.accept()
    kept.append(c)
    if how == "garbage":
        c.sendall(b"\\xff\\x00HTTP/1.1 200 OK\\r\\n" * 2000)
        c.close()
s.close()
from aiosmtpd.controller import Controller
class Store:
    n = 0
    async def handle_DATA(self, server, session, envelope):
        Store.n += 1
        with open(f"{MAILS}.{{Store.n}}.new", "w") as f:
            f.write(f"{{session.host_name}} {{envelope.mail_from}} {{','.join(envelope.rcpt_tos)}}\\n")
            f.write(envelope.content.decode().replace("\\r\\n", "\\n"))
        import os
        os.rename(f"{MAILS}.{{Store.n}}.new", f"{MAILS}.{{Store.n}}")
        return "250 taken"
class Refusing(Store):
    async def handle_RCPT(self, *args):
        return "550 nobody here"
c = Controller(Refusing() if sys.argv[2:] else Store(), hostname="127.0.0.1", port={PORT})
c.start()
while True:
    time.sleep(60)
"""


@contextlib.contextmanager
def server(node, *how):
    argv = ["ip", "netns", "exec", node.name, "/usr/bin/python3", "-c", SERVER, *how]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as p:
        try:
            p.stdout.readline()
            wait_for(lambda: f":{PORT} " in node.run("ss", "-ltn"), 10)
            yield
        finally:
            p.kill()


def mails():
    found = []
    while True:
        try:
            with open(f"{MAILS}.{len(found) + 1}") as f:
                found.append(f.read())
        except FileNotFoundError:
            return found


def subjects():
    return [line[9:] for mail in mails() for line in mail.splitlines() if line.startswith("Subject: ")]


def config(instances=("V", "W"), timeout_s=3):
    text = (f"global_defs {{\n    router_id R1\n    script_user root\n"
            f"    notification_email {{\n        ops@example.com\n        root@example.com\n    }}\n"
            f"    notification_email_from lb@example.com\n    smtp_server 127.0.0.1 {PORT}\n"
            f"    smtp_connect_timeout {timeout_s}\n    smtp_helo_name lb.example.com\n"
            f"    smtp_alert_vrrp\n}}\n")
    for i, name in enumerate(instances, 1):
        text += (f"vrrp_instance {name} {{\n    state BACKUP\n    interface eth0\n"
                 f"    virtual_router_id {i}\n    priority 100\n    version 3\n    advert_int 0.2\n"
                 f"    virtual_ipaddress {{\n        10.0.9.{i}/24\n    }}\n}}\n")
    return text


def mail_status(node):
    found = node.daemon.status()
    return found["mail"] if found else {}


def failover(node, name):
    """The link goes and comes: how long the states take, the mails being in whatever condition."""
    def states():
        found = node.daemon.status()
        return {i["state"] for i in found["vrrp_instances"]} if found else None

    for link, state in (("down", "FAULT"), ("up", "MASTER")):
        began = time.monotonic()
        node.run("ip", "link", "set", "eth0", link)
        expect(wait_for(lambda: states() == {state}, 10, 0.02), f"{name}: {state}", states())
        note(f"{name}: {state} after {time.monotonic() - began:.2f} s")


def is_told(node):
    with server(node, "smtp"):
        node.daemon.start()
        want = {f"[R1] VRRP Instance {v} - Entering {s} state" for v in "VW" for s in ("BACKUP", "MASTER")}
        expect(wait_for(lambda: set(subjects()) == want, 10), "the start is told", subjects())
        lines = mails()[0].split("\n")
        expect(lines[0] == "lb.example.com lb@example.com ops@example.com,root@example.com",
               "HELO, sender and recipients are as configured", lines)
        heads = [line.split(":")[0] for line in lines[1:lines.index("")] if line[0] != " "]
        expect(heads == ["Date", "From", "Subject", "X-Mailer", "To"], "keepalived's headers", heads)
        failover(node, "a server that works")
        wait_for(lambda: len(subjects()) >= 10, 10)
        own = [s.split(" - ")[1] for s in subjects() if " V " in s]
        expect(own == [f"Entering {s} state" for s in ("BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER")],
               "each change, in its order", own)
        node.daemon.reload(config(("V",)))
        expect(wait_for(lambda: any("VRRP Deleted at reload" in m for m in mails()), 10),
               "an instance that a reload removes", subjects()[-1])
        expect(mail_status(node).get("lost") == 0, "none is lost", mail_status(node))


def fails(node, name, words, *how, late_s=15, lost=0):
    """`lost`: so many messages are given up meanwhile, at least."""
    before = mail_status(node)
    with server(node, *how) if how else contextlib.nullcontext():
        failover(node, name)
        expect(wait_for(lambda: any(w in (mail_status(node).get("failure") or "")
                                    for w in words.split("|")), late_s), f"{name}: {words}",
               mail_status(node))
        told = node.daemon.log_text().count("mail: smtp_server 127.0.0.1 port 2525")
        expect(mail_status(node)["sent"] == before["sent"], f"{name}: nothing is sent", mail_status(node))
        expect(wait_for(lambda: mail_status(node)["lost"] >= before["lost"] + lost, 10), f"{name}: {lost} messages are lost, and counted",
               mail_status(node))
    return told


def main():
    need(modules=["veth", "bridge"], programs=["ip", "ss"])
    node = Node("d1")
    node.plug("eth0", Switch("lan1"), "10.0.0.1/24")
    node.run("ip", "link", "set", "lo", "up")
    for i in range(1, 100):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{MAILS}.{i}")
    node.daemon = KINDS["tandem"](node, config())
    is_told(node)
    fails(node, "a server that refuses", "refuses it with 550", "smtp", "refusing", lost=3)
    fails(node, "no server", "can't connect")
    fails(node, "a server that hangs", "does not answer in time", "hang", late_s=60)
    told = fails(node, "a server that talks nonsense", "answers with what is not SMTP|breaks the connection off", "garbage", late_s=60)
    expect(told == 1, "one line for all of it", told)
    with server(node, "smtp"):
        expect(wait_for(lambda: mail_status(node)["failure"] == "" and not mail_status(node)["waiting"], 60),
               "what still waited is sent when the server is well", mail_status(node))
        expect("takes mail again" in node.daemon.log_text(), "which is told", node.daemon.log_text()[-300:])
        node.daemon.stop()
        expect(wait_for(lambda: any("Stopping" in s for s in subjects()), 5),
               "the last mail is sent before the end", subjects()[-4:])


run(main)
