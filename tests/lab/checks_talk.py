#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90 ip_vs=no
"""TCP_CHECK with send and expect, GRPC_CHECK, AGENT_CHECK and SMTP_CHECK's hosts: against servers that
speak these protocols, and against servers with every bad habit."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, certificates, expect, nasty, need, responders, run, wait_for  # noqa: E402

A = "10.0.0.2"
NASTY, AGENTS, SMTP, TLS, CLOSED = 7000, 7100, 25, 7300, 9999
GRPC, GRPC_TLS = responders.grpc_ports(AGENTS)
BAD = nasty.ports(NASTY)
DIR = "/run/lab-talk"
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules


def check(method, port, more=""):
    return f"{method} {{\n connect_port {port}\n {more}\n }}\n"


def talk(port, more):
    return check("TCP_CHECK", port, more)


def tls(port, more=""):
    return talk(port, f"tls\n {more}")


def grpc(port, more=""):
    return check("GRPC_CHECK", port, more)


def agent(line, more=""):
    return check("AGENT_CHECK", AGENTS + responders.AGENTS.index(line), more)


PING = 'send "PING\\r\\n"\n '
VERIFY = f"tls_verify\n tls_ca {DIR}/good.pem\n "
HTTP = 'send "HEAD / HTTP/1.0\\r\\n\\r\\n"\n expect "HTTP/1.1 200"'

# (what it is, the check, is it up, its result in words)
CASES = [
    ("send and expect", talk(BAD["redis"], PING + 'expect "+PONG\\r\\n"'), True, r"answered as wanted in [\d.]+ ms"),
    ("in hex", talk(BAD["redis"], 'send_hex 50 49 4e 47 0d 0a\n expect_hex 2b504f4e47'), True, "answered as wanted"),
    ("by regex", talk(BAD["redis"], PING + 'expect_regex "^\\\\+P.NG"'), True, "answered as wanted"),
    ("two rounds", talk(BAD["redis"], PING + 'expect PONG\n send "x\\r\\n"\n expect "-ERR"'), True, "answered"),
    ("what comes is used up", talk(BAD["redis"], PING + 'expect PONG\n expect PONG'), False, "wanted \"PONG\""),
    ("another answer", talk(BAD["redis"], 'send "x\\r\\n"\n expect "+PONG"'), False,
     r'answered "-ERR unknown command", wanted "\+PONG" in time'),
    ("no match", talk(BAD["redis"], 'send "x\\r\\n"\n expect_regex "^[+]"'), False, r'wanted a match of "\^\[\+\]" in time'),
    ("silence", talk(BAD["silent"], 'expect x'), False, "got no answer in time"),
    ("a flood", talk(BAD["flood"], 'expect x'), False, 'answered "blah blah .*\\.\\.\\.", wanted "x"'),
    ("a byte now and then", talk(BAD["drip"], 'expect x'), False, 'wanted "x"'),
    ("garbage", talk(BAD["garbage"], 'expect OK'), False, r'answered "\?.*wanted "OK", and closed the connection'),
    ("a reset", talk(BAD["reset"], 'send x\n expect x'), False, "reset by peer"),
    ("closed at once", talk(BAD["hang_up"], 'expect x'), False, "answered nothing, wanted \"x\", and closed"),
    ("stuck in the middle", talk(BAD["stuck"], 'expect hello'), False, 'answered "HTTP/1.1 200 OK.*in time'),
    ("nobody there", talk(CLOSED, 'expect x'), False, "connection refused"),
    ("TLS", tls(TLS), True, r"connected in [\d.]+ ms"),
    ("send and expect over TLS", tls(TLS, HTTP), True, "answered as wanted"),
    ("verified", tls(TLS, f"{VERIFY} sni_name good.example\n {HTTP}"), True, "answered as wanted"),
    ("of another name", tls(TLS, f"{VERIFY} sni_name bad.example"), False, "TLS: .*(name|subject)"),
    ("a certificate that ends", tls(TLS, "tls_expiry_warning 30"), True, "connected, the certificate expires in (9|10) days, in"),
    ("TLS with silence", tls(BAD["silent"]), False, "no connection for 0.500 s"),
    ("TLS with who does not speak it", tls(BAD["garbage"]), False, "TLS: "),
    ("TLS with nobody", tls(CLOSED), False, "connection refused"),
    ("TLS with a file that is not there", tls(TLS, "tls_certificate /nowhere.pem"), True, "TLS: .*certificate"),

    ("gRPC", grpc(GRPC), True, r"SERVING in [\d.]+ ms"),
    ("gRPC, a service", grpc(GRPC, "service good.Service"), True, "SERVING in"),
    ("gRPC, a sick one", grpc(GRPC, "service bad.Service"), False, "NOT_SERVING, wanted SERVING, after"),
    ("gRPC, one that is not there", grpc(GRPC, "service no.Service"), False, r"gRPC status 5 \(unknown service\), after"),
    ("gRPC, slow", grpc(GRPC, "service slow.Service"), False, "connected, but no answer after 5"),
    ("gRPC, too much", grpc(GRPC, "service long.Service"), False, "the body of the answer is too long"),
    ("gRPC over TLS", grpc(GRPC_TLS, f"tls\n {VERIFY} sni_name good.example"), True, "SERVING in"),
    ("gRPC over TLS of another name", grpc(GRPC_TLS, f"tls\n {VERIFY} virtualhost bad.example"), False, "TLS: "),
    ("gRPC with garbage", grpc(BAD["garbage"]), False, "after"),
    ("gRPC with silence", grpc(BAD["silent"]), False, "no answer|no connection|stops in the middle"),
    ("gRPC with HTTP/1", grpc(TLS, "tls"), False, "after"),
    ("gRPC with nobody", grpc(CLOSED), False, "connection refused"),

    ("an agent", agent("up\n"), True, r'the agent says "up"'),
    ("an agent, down", agent("down # the disk is full\n"), False, 'the agent says "down # the disk is full"'),
    ("an agent's weight", agent("75%\r\n"), True, 'the agent says "75%"'),
    ("an agent's drain", agent("drain\n"), True, "drain"),
    ("an agent with much to say", agent("up,ready 50%\tmaxconn:30\n"), True, r'"up,ready 50%\?maxconn:30"'),
    ("an agent that is asked", agent("asks", 'send "web1\\n"'), True, 'the agent says "up"'),
    ("nonsense changes nothing", agent("nonsense\n"), True, "the agent says what is not in its language"),
    ("nor does half a line", agent("maint"), True, "the agent closes the connection in the middle of its line"),
    ("nor does nothing", agent(""), True, "the agent got no answer: the connection is closed"),
    ("nor too much", agent("x" * 4000), True, "the agent says too much"),
    ("nor does a slow one", agent("slow"), True, "the agent got no answer in time"),
    ("nor does nobody", check("AGENT_CHECK", CLOSED), True, "connection refused"),

    ("mail", check("SMTP_CHECK", SMTP), True, r"greeted in [\d.]+ ms"),
    ("mail's hosts", check("SMTP_CHECK", CLOSED, f"host {{\n connect_port {SMTP}\n }}"), True, "greeted"),
]


def config():
    reals = "".join(f"real_server {A} {1000 + i} {{\n fall 1\n delay_loop 2\n warmup 1\n connect_timeout 0.5\n"
                    f" {text} }}\n" for i, (_, text, _, _) in enumerate(CASES))
    two = f"SMTP_CHECK {{\n host {{ connect_port {SMTP} }}\n host {{ connect_port {CLOSED} }}\n }}\n"
    return ("global_defs {\n router_id one\n}\nvirtual_server 10.0.0.100 80 {\n lb_algo rr\n lb_kind NAT\n"
            f" protocol TCP\n {reals}\n real_server {A} 2000 {{\n fall 1\n warmup 0\n {two} }}\n}}\n"
            ).replace("host { ", "host {\n ").replace(f"{SMTP} }}", f"{SMTP}\n }}").replace(
                f"{CLOSED} }}", f"{CLOSED}\n }}")


def start_servers(web):
    certificates.make(DIR)
    top = {"PYTHONPATH": os.path.dirname(os.path.dirname(nasty.__file__))}
    web.spawn([PYTHON, "-m", "lab.nasty", str(NASTY)], log="nasty.log", env=top)
    web.spawn([PYTHON, "-m", "lab.responders", str(AGENTS), f"{DIR}/good.pem", f"{DIR}/key.pem"],
              log="responders.log", env=top)
    web.spawn([PYTHON, "-m", "aiosmtpd", "-n", "-l", f"0.0.0.0:{SMTP}"], log="smtp.log")
    with open(f"{DIR}/nginx", "w") as f:
        f.write(f"error_log stderr; pid {DIR}/pid; daemon off; worker_processes 1; events {{ }}\n"
                f"http {{ access_log off; server {{ listen {TLS} ssl; ssl_certificate {DIR}/good.pem;"
                f" ssl_certificate_key {DIR}/key.pem; return 200 hello; }} }}\n")
    web.spawn(["nginx", "-p", DIR, "-c", f"{DIR}/nginx"], log="nginx.log")
    out = os.environ["LAB_OUT"]
    return wait_for(lambda: nasty.ready(f"{out}/nasty.log") and "ready" in open(f"{out}/responders.log").read() and
                    listens(web, SMTP) and listens(web, TLS), 20, 0.1)


def listens(node, port):
    return f":{port} " in node.run("ss", "-ltnH")


def servers(tandem):
    status = tandem.status()
    return {s["port"]: s for s in status["services"][0]["real_servers"]} if status and status["services"] else {}


def fits(said, i):
    _, _, up, words = CASES[i]
    check = said.get(1000 + i, {"checks": [{}]})["checks"][0]
    return check.get("up") is up and re.search(words, check.get("result", ""))


def main():
    need(programs=["nginx", "openssl", "ss"])
    if subprocess.run([PYTHON, "-c", "import grpc, aiosmtpd"], capture_output=True).returncode:
        need(programs=["python3-grpcio and python3-aiosmtpd"])
    switch, one, web = Switch("sw"), Node("one"), Node("web")
    one.plug("eth0", switch, "10.0.0.1/24")
    web.plug("eth0", switch, f"{A}/24")
    expect(start_servers(web), "the servers run")
    tandem = Tandem(one, config())
    tandem.start()
    wait_for(lambda: all(fits(servers(tandem), i) for i in range(len(CASES))), 15, 0.3)
    said = servers(tandem)
    for i, (what, _, up, words) in enumerate(CASES):
        check = said.get(1000 + i, {"checks": [{}]})["checks"][0]
        expect(fits(said, i), f"{what}: {check.get('result')}", f"up is {check.get('up')}; wanted {up}, {words}")
    two = said.get(2000, {"checks": []})
    expect([c["up"] for c in two["checks"]] == [True, False] and not two["up"],
           "each host of an SMTP_CHECK is a check, and one that fails takes the server out", two)
    expect(re.search(r"warning: .*TCP_CHECK .*: the certificate expires in (9|10) days", tandem.log_text()),
           "a certificate that ends soon is a warning in the log")
    expect(tandem.log_text().count("the certificate expires") == 1, "said once")
    expect(re.search(r"AGENT_CHECK .* could not be run: the agent got no answer in time", tandem.log_text()),
           "an agent that does not answer is told")
    changes_its_mind(tandem)
    expect(tandem.stop() == 0, "it stops in order")


def changes_its_mind(tandem):
    """Only the agent takes back what the agent has said."""
    port = AGENTS + responders.AGENTS.index("up\n")
    where = next(i for i, case in enumerate(CASES) if case[0] == "an agent")

    def says(line, up):
        with open(f"{responders.DIR}/{port}.new", "w") as f:
            f.write(line)
        os.rename(f"{responders.DIR}/{port}.new", f"{responders.DIR}/{port}")
        check = {}

        def heard():
            check.update(servers(tandem)[1000 + where]["checks"][0])
            return check["up"] is up and line.strip() in check["result"]
        expect(wait_for(heard, 8, 0.2), f"the agent says {line.strip()}: up is {up}", check)

    says("fail # tests\n", False)
    says("90%\n", False)
    says("up 80%\n", True)


run(main)
