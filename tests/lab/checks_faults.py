#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=60 ip_vs=no
"""Every method of checking against every fault of a server: a table of the verdicts, and each one's reason.

What answers is a real server (nginx, dnsmasq, aiosmtpd, grpc, the kernel's echo); a relay in front of it
makes it slow, stuck, garble, reset or drip (lab/relays.py). `through_service` has its own: checks_through.py."""

import os
import re
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, certificates, expect, need, note, relays, responders, run, wait_for  # noqa: E402
from lab.traffic import program  # noqa: E402

WEB, NOBODY, CLOSED = "10.0.0.2", "10.0.0.9", 9999
PINGS = {"slow": "10.0.0.3", "garbage": "10.0.0.4", "reset": "10.0.0.5"}
DIR, PYTHON = "/run/lab-one", "/usr/bin/python3"  # Debian's, which has Debian's modules
HTTP, H2C, TLS, OLD, OTHER, SMTP, ECHO, DNS, AGENTS = 80, 81, 443, 444, 445, 25, 8000, 53, 7100
AGENT = AGENTS + responders.AGENTS.index("up,ready 50%\tmaxconn:30\n")
GRPC, _ = responders.grpc_ports(AGENTS)
GRPC_TLS = {TLS: 7443, OLD: 7444, OTHER: 7445}
FIRST_RELAY = 20000
TIMEOUT_S = 1.2  # more than a drip's pause; four of them are the longest run

COLUMNS = ("up", "closed", "gone", *relays.FAULTS, "expired", "other name")

UP, DOWN = True, False
GONE = (DOWN, r"no (answer|connection) (for 1.200 s|after 1\d\d\d)|no route to host")
CONNECT = {"closed": (DOWN, "connection refused"), "gone": GONE}
TAKES_SLOW = r"in ([5-9]\d\d|1\d\d\d)\.\d ms"  # at least relays.SLOW_S
# Who speaks just then hears of it at that, and finds only the end afterwards.
RESET = "reset by peer|receiving data from the peer|sending data to the peer|SSL|TLS|closed without an answer"
LATE = r"in time|takes too long|does not come to its end|stops in the middle|no answer"
CERTIFICATE = {"expired": (DOWN, "TLS: .*expired"), "other name": (DOWN, "TLS: .*(name|subject)")}


def http(passes):
    return {**CONNECT, "up": (UP, f"{passes} in"), "slow": (UP, f"{passes} {TAKES_SLOW}"), "stuck": (DOWN, LATE),
            "garbage": (DOWN, "after"), "reset": (DOWN, RESET),
            "drip": (DOWN, LATE)}


def over_tls(passes):
    return {**http(passes), **CERTIFICATE, "reset": (DOWN, RESET)}


VERIFY = f"tls_verify\n tls_ca {DIR}/good.pem\n sni_name good.example\n"
TALK = 'send "HEAD / HTTP/1.0\\r\\n\\r\\n"\n expect "\\r\\n\\r\\n"\n'
PAGE = "url {\n path /\n status_code 200\n }\n"
ALIKE = (UP, r"connected in")  # it is a connection that is wanted, and the kernel makes it


class Method:
    """A row: the check, its server's port, the flight that is spoilt, and for each fault (is up, reason)."""

    def __init__(self, name, keyword, lines, port, cells, flight=1, udp=False, others=()):
        self.name, self.keyword, self.lines, self.port = name, keyword, lines, port
        self.cells, self.flight, self.udp, self.others = cells, flight, udp, dict(others)

    def check(self, fault, relay):
        address, port, lines = WEB, self.port, self.lines
        if fault == "gone":
            address = NOBODY
        elif fault == "closed":
            port = CLOSED
        elif fault in self.others:
            port = self.others[fault]
            lines = lines.replace("good.pem", "old.pem") if fault == "expired" else lines.replace("good.pem", "other.pem")
        elif fault in relays.FAULTS:
            port = relay
        return f"{self.keyword} {{\n connect_ip {address}\n connect_port {port}\n {lines} }}\n"

    def relay(self, fault, port):
        return f"{port}:{fault}:{self.port}:{self.flight}{'/udp' * self.udp}"


class Ping(Method):
    def check(self, fault, relay):
        return f"PING_CHECK {{\n connect_ip {NOBODY if fault == 'gone' else PINGS.get(fault, WEB)}\n }}\n"

    def relay(self, fault, port):
        return None


class Script(Method):
    def check(self, fault, relay):
        return f'MISC_CHECK {{\n misc_path "{DIR}/{fault}"\n misc_timeout {TIMEOUT_S}\n }}\n'

    def relay(self, fault, port):
        return None


class File(Script):
    def check(self, fault, relay):
        return f"FILE_CHECK {{\n track_file {fault}\n }}\n"


def tls(name, keyword, lines, cells):
    return Method(name, keyword, lines + VERIFY, TLS, cells, flight=2, others={"expired": OLD, "other name": OTHER})


def talks(passes):
    return {**CONNECT, "up": (UP, passes), "slow": (UP, f"{passes} {TAKES_SLOW}"), "stuck": (DOWN, "in time"),
            "garbage": (DOWN, r'answered "\?'), "reset": (DOWN, RESET), "drip": (DOWN, "in time")}


# An agent that cannot be understood has said nothing: the server stays as it was.
SAYS = {fault: (UP, words) for fault, words in (
    ("up", 'the agent says "up'), ("closed", "connection refused"), ("gone", "no connection for"),
    ("slow", 'the agent says "up'), ("stuck", "the agent got no answer in time"), ("garbage", "what is not in its language"),
    ("reset", "reset by peer"), ("drip", 'the agent takes too long|in time'))}

MAIL = {**talks("greeted in"), "slow": (UP, f"greeted {TAKES_SLOW}"), "stuck": (DOWN, "HELO got no answer in time"),
        "garbage": (DOWN, "HELO was answered with what is not SMTP"), "drip": (DOWN, "HELO (takes too long|got no answer in time)")}

DATAGRAM = {"closed": (DOWN, "connection refused"), "gone": GONE}

METHODS = (
    Ping("PING_CHECK", "", "", 0, {
        "up": (UP, "echo reply in"), "gone": GONE, "slow": (UP, f"echo reply {TAKES_SLOW}"),
        "garbage": (DOWN, "no answer for 1.200 s"), "reset": (DOWN, "no answer for 1.200 s")}),
    Method("TCP_CHECK", "TCP_CHECK", "", HTTP, {**CONNECT, **{fault: ALIKE for fault in ("up", *relays.FAULTS)}}),
    Method("TCP_CHECK, send, expect", "TCP_CHECK", TALK, HTTP, talks("answered as wanted")),
    tls("TCP_CHECK, TLS", "TCP_CHECK", "tls\n" + TALK,
        {**talks("answered as wanted"), **CERTIFICATE, "stuck": (DOWN, "got no answer in time"), "garbage": (DOWN, "reset|TLS|closed"),
         "drip": (DOWN, "in time|takes too long")}),
    Method("HTTP_GET, 1.0", "HTTP_GET", PAGE, HTTP, http("HTTP 200")),
    Method("HTTP_GET, 1.1", "HTTP_GET", "http_protocol 1.1\n" + PAGE, HTTP, http("HTTP 200")),
    Method("HTTP_GET, 2", "HTTP_GET", "http_protocol 2\n" + PAGE, H2C, http("HTTP 200")),
    tls("SSL_GET, 1.0", "SSL_GET", PAGE, over_tls("HTTP 200")),
    tls("SSL_GET, 1.1", "SSL_GET", "http_protocol 1.1\n" + PAGE, over_tls("HTTP 200")),
    tls("SSL_GET, 2", "SSL_GET", "http_protocol 2\n" + PAGE, over_tls("HTTP 200")),
    Method("SSL_GET, in the handshake", "SSL_GET", PAGE + VERIFY, TLS, {
        **over_tls("HTTP 200"), "stuck": (DOWN, "no connection after 1[1-9]"), "garbage": (DOWN, "TLS: "),
        "drip": (DOWN, "no connection after 1[1-9]"), "expired": None, "other name": None}),
    Method("UDP_CHECK, require_reply", "UDP_CHECK", "payload 68656c6c6f\n require_reply 68656c6c6f\n min_reply_length 5\n max_reply_length 5\n", ECHO, {
        **DATAGRAM, "up": (UP, "a reply of 5 bytes"), "slow": (UP, f"a reply of 5 bytes {TAKES_SLOW}"),
        "stuck": (DOWN, "a reply of 2 bytes, wanted 5 to 5"), "garbage": (DOWN, "a reply of 512 bytes, wanted 5 to 5")}, udp=True),
    Method("DNS_CHECK", "DNS_CHECK", "retry 0\n type A\n name here.example\n require_answer\n", DNS, {
        **DATAGRAM, "up": (UP, "answered with 1 record"), "slow": (UP, f"answered with 1 record {TAKES_SLOW}"),
        "stuck": (DOWN, "no answer for"), "garbage": (DOWN, "no answer for")}, udp=True),
    Method("SMTP_CHECK", "SMTP_CHECK", "", SMTP, MAIL, flight=2),
    Method("GRPC_CHECK", "GRPC_CHECK", "", GRPC, http("SERVING")),
    Method("GRPC_CHECK, TLS", "GRPC_CHECK", "tls\n" + VERIFY, GRPC_TLS[TLS], over_tls("SERVING"), flight=2,
           others={"expired": GRPC_TLS[OLD], "other name": GRPC_TLS[OTHER]}),
    Method("AGENT_CHECK", "AGENT_CHECK", "", AGENT, SAYS),
    Script("MISC_CHECK", "", "", 0, {
        "up": (UP, "exit status 0 in"), "closed": (DOWN, "exit status 1 after"), "gone": (UP, "not run: .*No such file"),
        "slow": (UP, "exit status 0 in"), "stuck": (DOWN, "not done in 1.200 s: ended"), "garbage": (DOWN, "exit status 42 after"),
        "reset": (DOWN, "ended by signal 9"), "drip": (DOWN, "not done in 1.200 s: ended")}),
    File("FILE_CHECK", "", "", 0, {
        "up": (UP, "holds 0"), "closed": (DOWN, "holds 1"), "gone": (UP, "holds 0"), "garbage": (UP, "holds 0")}),
)

# What a method's fault is where its server is no server.
SCRIPTS = {"up": "exit 0", "closed": "exit 1", "slow": f"sleep {relays.SLOW_S}; exit 0", "stuck": "exec sleep 100",
           "garbage": "head -c 3000000 /dev/urandom; exit 42", "reset": "kill -9 $$", "drip": "while echo x; do sleep 1; done"}
FILES = {"up": "0\n", "closed": "1\n", "garbage": "\0\xff no number\n"}


def cells():
    """(port of the real server, method, fault, wanted)"""
    wanted = [(m, fault, m.cells[fault]) for m in METHODS for fault in COLUMNS if m.cells.get(fault)]
    return [(1000 + i, *cell) for i, cell in enumerate(wanted)]


def config():
    files = "".join(f"track_file {name} {{\n file {DIR}/file-{name}\n weight 0\n }}\n" for name in (*FILES, "gone"))
    servers = "".join(f"real_server {WEB} {port} {{\n fall 1\n delay_loop 30\n warmup 1\n connect_timeout {TIMEOUT_S}\n"
                      f" {method.check(fault, FIRST_RELAY + port)} }}\n" for port, method, fault, _ in cells())
    return (f"global_defs {{\n router_id one\n script_user root\n}}\n{files}virtual_server 10.0.0.100 80 {{\n lb_algo rr\n"
            f" lb_kind NAT\n protocol TCP\n {servers} }}\n")


def write(name, text, mode=0o644):
    with open(f"{DIR}/{name}", "w", encoding="latin-1") as f:
        f.write(text)
    os.chmod(f"{DIR}/{name}", mode)


def nginx():
    def server(listen, certificate="", what='return 200 "hello";'):
        keys = f"ssl_protocols TLSv1.3; ssl_certificate {DIR}/{certificate}; ssl_certificate_key {DIR}/key.pem;" if certificate else ""
        return f"server {{ listen {listen}; {keys} location / {{ {what} }} }}\n"

    pages = "".join(server(f"{port} ssl http2", name) + server(f"{GRPC_TLS[port]} ssl http2", name, f"grpc_pass grpc://127.0.0.1:{GRPC};")
                    for port, name in ((TLS, "good.pem"), (OLD, "old.pem"), (OTHER, "other.pem")))
    write("nginx", f"error_log stderr; pid {DIR}/pid; daemon off; worker_processes 1; events {{ worker_connections 512; }}\n"
          f"http {{ access_log off; {server(HTTP)} {server(f'{H2C} http2')} {pages} }}\n")
    return ["nginx", "-p", DIR, "-c", f"{DIR}/nginx"]


def start_servers(web):
    out, env = os.environ["LAB_OUT"], {"PYTHONPATH": os.path.dirname(os.path.dirname(relays.__file__))}
    certificates.make(DIR)
    web.spawn(nginx(), log="nginx.log")
    web.spawn([program("echo"), "-p", str(ECHO)], log="echo.log")
    web.spawn(["dnsmasq", "-k", "--user=root", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file",
               "--local=/example/", f"--host-record=here.example,{WEB}", "--no-daemon"], log="dnsmasq.log")
    web.spawn([PYTHON, "-m", "aiosmtpd", "-n", "-l", f"0.0.0.0:{SMTP}"], log="smtp.log")
    web.spawn([PYTHON, "-m", "lab.responders", str(AGENTS), f"{DIR}/good.pem", f"{DIR}/key.pem"], log="responders.log", env=env)
    specs = [m.relay(fault, FIRST_RELAY + port) for port, m, fault, _ in cells() if fault in relays.FAULTS]
    web.spawn([PYTHON, "-m", "lab.relays", *filter(None, specs)], log="relays.log", env=env)

    def ready():
        logs = [open(f"{out}/{name}.log").read() for name in ("relays", "responders")]
        return all("ready" in log for log in logs) and all(f":{port} " in web.run("ss", "-ltnH") for port in (SMTP, TLS, HTTP))
    return wait_for(ready, 20, 0.2)


def answer_pings(node):
    """In the kernel's place: late, with another's number, or not at all."""
    with node.inside():
        heard = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        says = {address: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) for address in PINGS.values()}
    for address, sock in says.items():
        sock.bind((address, 0))

    def reply(address, packet, sender):
        echo = bytearray(packet[20:])
        if echo[0] != 8:
            return
        echo[0], carry = 0, echo[2] << 8 | echo[3]
        carry = carry + 0x800
        carry = (carry & 0xffff) + (carry >> 16)
        echo[2:4] = carry.to_bytes(2, "big")
        if address == PINGS["garbage"]:
            echo[4:8], echo[2:4] = bytes((echo[4] ^ 255, *echo[5:8])), b"\x12\x34"
        if address == PINGS["reset"]:
            return
        threading.Timer(relays.SLOW_S, says[address].sendto, (bytes(echo), sender)).start()

    def listen():
        while True:
            packet, sender = heard.recvfrom(2048)
            reply(socket.inet_ntoa(packet[16:20]), packet, sender)
    threading.Thread(target=listen, daemon=True).start()


def results(tandem):
    """{port: its check} of those whose first run has ended."""
    status = tandem.status()
    found = status["services"][0]["real_servers"] if status and status["services"] else []
    return {s["port"]: s["checks"][0] for s in found if s["checks"][0].get("result", "not run yet") != "not run yet"}


def tell(method, mine, said):
    """A row in words, and what of it is not as wanted."""
    words, wrong = [], []
    for fault in COLUMNS:
        if fault not in mine:
            words.append("-")
            continue
        port, (up, reason) = mine[fault]
        check = said.get(port, {"up": None, "result": "no verdict"})
        right = check["up"] is up and re.search(reason, check["result"])
        words.append(("up" if check["up"] else "down") + ("" if right else "!"))
        note(f"    {method.name}, {fault}: {check['result']}")
        if not right:
            wrong.append(f"{fault}: {words[-1]} {check['result']}; wanted {up}, {reason}")
    return words, wrong


def main():
    need(programs=["nginx", "openssl", "dnsmasq", "ss"])
    if subprocess.run([PYTHON, "-c", "import grpc, aiosmtpd"], capture_output=True).returncode:
        need(programs=["python3-grpcio and python3-aiosmtpd"])
    switch, one, web, odd = Switch("sw"), Node("one"), Node("web"), Node("odd")
    one.plug("eth0", switch, "10.0.0.1/24")
    web.plug("eth0", switch, f"{WEB}/24")
    odd.plug("eth0", switch, *[f"{address}/24" for address in PINGS.values()])
    odd.sysctl(ipv4__icmp_echo_ignore_all=1)
    answer_pings(odd)
    tandem = Tandem(one, config())
    for name, text in SCRIPTS.items():
        write(name, f"#!/bin/sh\n{text}\n", 0o755)
    for name, text in FILES.items():
        write(f"file-{name}", text)
    expect(start_servers(web), "the servers run")
    tandem.start()
    wanted = cells()
    expect(wait_for(lambda: len(results(tandem)) == len(wanted), 25, 0.5), f"each of {len(wanted)} checks has a verdict in time",
           [f"{m.name}, {fault}" for port, m, fault, _ in wanted if port not in results(tandem)])
    said, table = results(tandem), [("", *COLUMNS)]
    for method in METHODS:
        words, wrong = tell(method, {fault: (port, want) for port, m, fault, want in wanted if m is method}, said)
        table.append((method.name, *words))
        expect(not wrong, method.name, wrong)
    for row in table:
        note(row[0].ljust(27) + "".join(word.ljust(11) for word in row[1:]))
    expect(tandem.stop() == 0, "it stops in order")


run(main)
