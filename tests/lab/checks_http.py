#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# lab: time=90 ip_vs=no
"""HTTP_GET and SSL_GET against nginx, and against servers with every bad habit: what is up, what is
down, and in which words."""

import contextlib
import hashlib
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from lab import Node, Switch, Tandem, certificates, expect, nasty, need, note, run, wait_for  # noqa: E402
from lab.daemon import installed  # noqa: E402

ADDRESS = "10.0.0.2"
NASTY = 7000
DIR = "/run/lab-web"
PAGE = "up since 12 days\n"
MD5 = hashlib.md5(PAGE.encode()).hexdigest()
CHUNKS = hashlib.md5(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n").hexdigest()

NGINX = f"""
error_log stderr; pid {DIR}/pid; daemon off; worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log {DIR}/access;
    log_format seen "$request|$http_host|$http_user_agent|$ssl_server_name";
    access_log {DIR}/seen seen;
    server {{
        listen 80;
        location = /    {{ return 200 "{PAGE}"; }}
        location = /503 {{ return 503; }}
        location = /301 {{ return 301 http://192.0.2.1/; }}
        location = /204 {{ return 204; }}
    }}
    server {{
        listen 443 ssl http2;
        ssl_certificate {DIR}/good.pem; ssl_certificate_key {DIR}/key.pem;
        location / {{ return 200 "$server_protocol of $ssl_server_name"; }}
    }}
    server {{
        listen 445 ssl;
        ssl_certificate {DIR}/good.pem; ssl_certificate_key {DIR}/key.pem;
        ssl_client_certificate {DIR}/good.pem; ssl_verify_client on;
        location / {{ return 200 "$ssl_client_s_dn"; }}
    }}
    server {{
        listen 81;
        auth_basic "here"; auth_basic_user_file {DIR}/users;
        root {DIR}/pages;
    }}
    server {{
        listen 444 ssl;
        ssl_certificate {DIR}/old.pem; ssl_certificate_key {DIR}/key.pem;
        location / {{ return 200 "old"; }}
    }}
}}
"""


def url(path="/", more=""):
    return f"url {{\n path {path}\n {more}\n }}\n"


def http(port, *urls, more=""):
    return f"HTTP_GET {{\n connect_port {port}\n {more}\n {''.join(urls) or url()} }}\n"


def tls(port, *urls, more=""):
    return http(port, *urls, more=more).replace("HTTP_GET", "SSL_GET")


BAD = nasty.ports(NASTY)
VERIFY = f"tls_verify\n tls_ca {DIR}/good.pem\n"

# (what it is, the check, is it up, its result in words)
CASES = [
    ("a page", http(80), True, r"HTTP 200 in [\d.]+ ms"),
    ("an error", http(80, url("/503")), False, r"HTTP 503, wanted 200-299, after [\d.]+ ms"),
    ("a redirection is not followed", http(80, url("/301", "status_code 301 404")), True, "HTTP 301 in "),
    ("no content", http(80, url("/204")), True, "HTTP 204 in "),
    ("the digest of keepalived's genhash", http(80, url("/", f"digest {MD5}")), True, "HTTP 200 in "),
    ("another digest", http(80, url("/", f"digest {'0' * 32}")), False,
     f"HTTP 200, but the digest is {MD5}, after"),
    ("a regex", http(80, url("/", 'regex "since \\\\d+ DAYS"\n regex_options caseless')), True, "HTTP 200"),
    ("a regex that does not match", http(80, url("/", "regex weeks")), False, "but the regex does not match"),
    ("a regex too late", http(80, url("/", "regex since\n regex_max_offset 2")), False, "does not match"),
    ("a regex that must not match", http(80, url("/", "regex since\n regex_no_match")), False,
     "but the regex matches"),
    ("pages in order", http(80, url("/"), url("/503"), url("/204")), False, "/503: HTTP 503, wanted"),
    ("nobody there", http(82), False, "connection refused after"),
    ("silence", http(BAD["silent"]), False, "connected, but no answer after [5-9]"),
    ("a slow answer", http(BAD["slow"]), True, r"HTTP 200 in [3-9]\d\d\."),
    ("stuck in the middle", http(BAD["stuck"]), False, "the answer stops in the middle, after [5-9]"),
    ("a byte now and then", http(BAD["drip"]), False, "the answer does not come to its end, after 2"),
    ("garbage", http(BAD["garbage"]), False, "HTTP/0.9"),
    ("a reset", http(BAD["reset"]), False, "reset by peer"),
    ("closed at once", http(BAD["close"]), False, "closed without an answer after"),
    ("shorter than announced", http(BAD["short"]), True, "HTTP 200, shorter than announced, in"),
    ("an endless header", http(BAD["long_header"]), False, "the header of the answer is too long"),
    ("chunks", http(BAD["chunked"], url("/", 'regex "^hello$"'), more="http_protocol 1.1"), True, "HTTP 200"),
    ("the digest of chunks is that of the bytes", http(BAD["chunked"], url("/", f"digest {CHUNKS}"),
                                                       more="http_protocol 1.1"), True, "HTTP 200"),
    ("the request of HTTP/1.0", http(BAD["mirror"], url("/x?y", (
        'regex "^GET /x\\\\?y HTTP/1.0\\\\r\\\\nHost: 10.0.0.2:7010\\\\r\\\\nUser-Agent: KeepAliveClient'
        '\\\\r\\\\n\\\\r\\\\n$"'))), True, "HTTP 200"),
    ("the request of HTTP/1.1", http(BAD["mirror"], url("/", (
        'regex "^GET / HTTP/1.1\\\\r\\\\nHost: some.example\\\\r\\\\n(.*\\\\r\\\\n)?Connection: close\\\\r\\\\n"')),
        more="http_protocol 1.1\n virtualhost some.example"), True, "HTTP 200"),
    ("HEAD", http(80, url("/", "method HEAD")), True, "HTTP 200"),
    ("HEAD has no body", http(80, url("/", "method HEAD\n regex since")), False, "the regex does not match"),
    ("the request of HEAD", http(BAD["mirror"], url("/", "method HEAD")), True, "HTTP 200"),
    ("the request of POST", http(BAD["mirror"], url("/in", (
        'method POST\n body "{1}"\n header "Content-Type: text/x"\n header "X-A: b c"\n regex "^POST /in HTTP/1.0\\\\r\\\\n'
        '(.*\\\\r\\\\n)*Content-Type: text/x\\\\r\\\\nX-A: b c\\\\r\\\\nContent-Length: 3\\\\r\\\\n\\\\r\\\\n[{]1[}]$"'))), True, "HTTP 200"),
    ("POST of nothing", http(BAD["mirror"], url("/", 'method POST\n regex "Content-Length: 0"')), True, "HTTP 200"),
    ("the request of OPTIONS", http(BAD["mirror"], url("/", 'method OPTIONS\n regex "^OPTIONS / HTTP"')), True, "HTTP 200"),
    ("OPTIONS with a body", http(BAD["mirror"], url("/", 'method OPTIONS\n body hi\n regex "^OPTIONS (.*\\\\r\\\\n)*\\\\r\\\\nhi$"')),
     True, "HTTP 200"),
    ("without a password", http(81), False, "HTTP 401"),
    ("with a password", http(81, more='basic_auth user "a secret"'), True, "HTTP 200"),
    ("with another", http(81, more="basic_auth user another"), False, "HTTP 401"),
    ("a client certificate", tls(445, url("/", 'regex "CN=good.example"'),
                                 more=f"tls_certificate {DIR}/good.pem\n tls_key {DIR}/key.pem"), True, "HTTP 200"),
    ("its key with a password", tls(445, more=f"tls_certificate {DIR}/good.pem\n tls_key {DIR}/locked.pem\n"
                                    "tls_key_password open"), True, "HTTP 200"),
    ("its key with another", tls(445, more=f"tls_certificate {DIR}/good.pem\n tls_key {DIR}/locked.pem"), False,
     "TLS: .*unable to set private key"),
    ("a certificate that ends", tls(443, more="tls_expiry_warning 30"), True,
     "HTTP 200, the certificate expires in (9|10) days in "),
    ("one that does not end yet", tls(443, more="tls_expiry_warning 5"), True, "^HTTP 200 in "),
    ("one that has ended", tls(444, more="tls_expiry_warning 5"), True, "the certificate has expired [0-9]+ days ago"),
    ("an end without close_notify", tls(BAD["rude"], url("/", "regex hello")), True, "HTTP 200"),
    ("such an end with tls_compliant", tls(BAD["rude"], url("/", "tls_compliant")), False, "HTTP 200, but the end is without close_notify"),
    ("tls_compliant with an orderly end", tls(443, more="tls_compliant"), True, "HTTP 200"),
    ("TLS", tls(443), True, "HTTP 200"),
    ("TLS without a name", tls(443, url("/", "regex \"of $\"")), True, "HTTP 200"),
    ("TLS with SNI", tls(443, url("/", 'regex "of good.example$"'),
                         more="enable_sni\n virtualhost good.example"), True, "HTTP 200"),
    ("TLS with another SNI", tls(443, url("/", 'regex "of other.example$"'),
                                 more="sni_name other.example\n virtualhost good.example"), True, "HTTP 200"),
    ("HTTP/2", tls(443, url("/", 'regex "^HTTP/2.0 of good.example"'),
                   more="http_protocol 2\n sni_name good.example"), True, "HTTP 200"),
    ("a verified certificate", tls(443, more=f"{VERIFY} sni_name good.example"), True, "HTTP 200"),
    ("the certificate of another name", tls(443, more=f"{VERIFY} sni_name bad.example"), False,
     "TLS: .*name .*does not match|TLS: .*subject"),
    ("an unknown authority", tls(443, more="tls_verify\n sni_name good.example"), False, "TLS: .*self.signed"),
    ("an expired certificate", tls(444, more=f"tls_verify\n tls_ca {DIR}/old.pem\n sni_name good.example"),
     False, "TLS: .*expired"),
    ("an expired certificate that is not verified", tls(444), True, "HTTP 200"),
    ("TLS with a server that does not speak it", tls(80), False, "TLS: "),
]


def config():
    reals = "".join(f"real_server {ADDRESS} {1000 + i} {{\n fall 1\n delay_loop 2\n warmup 2\n"
                    f" connect_timeout 0.5\n {check} }}\n"
                    for i, (_, check, _, _) in enumerate(CASES))
    return ("global_defs {\n router_id one\n}\nvirtual_server 10.0.0.100 80 {\n lb_algo rr\n lb_kind NAT\n"
            f" protocol TCP\n alpha\n {reals} }}\n")


def start_servers(web):
    certificates.make(DIR)
    with open(f"{DIR}/conf", "w") as f:
        f.write(NGINX)
    os.makedirs(f"{DIR}/pages", exist_ok=True)
    for name, text in (("pages/index.html", PAGE), ("users", "user:{PLAIN}a secret\n")):
        with open(f"{DIR}/{name}", "w") as f:
            f.write(text)
    subprocess.run(["openssl", "pkey", "-aes256", "-passout", "pass:open", "-in", f"{DIR}/key.pem", "-out",
                    f"{DIR}/locked.pem"], check=True, capture_output=True)
    os.chmod(f"{DIR}/locked.pem", 0o644)
    web.spawn(["nginx", "-p", DIR, "-c", f"{DIR}/conf"], log="nginx.log")
    web.spawn([sys.executable, "-m", "lab.nasty", str(NASTY), f"{DIR}/good.pem", f"{DIR}/key.pem"], log="nasty.log",
              env={"PYTHONPATH": os.path.dirname(os.path.dirname(nasty.__file__))})
    return wait_for(lambda: os.path.exists(f"{DIR}/pid") and
                    nasty.ready(f"{os.environ['LAB_OUT']}/nasty.log"), 10)


def results(tandem):
    """{port: check} of those that have been tried."""
    status = tandem.status()
    servers = status["services"][0]["real_servers"] if status and status["services"] else []
    return {s["port"] - 1000: s["checks"][0] for s in servers if s["checks"][0].get("result", "not run yet") != "not run yet"}


def fits(seen, i):
    _, _, up, words = CASES[i]
    return i in seen and seen[i]["up"] is up and re.search(words, seen[i]["result"])


def digest_is_genhashs(node):
    """What tandemctl digest and keepalived's genhash say of pages: the same."""
    def digest(*args):
        return node.run(installed("bin/tandemctl"), "digest", *args, check=False).strip()
    os.environ["TANDEM_LIBEXECDIR"] = installed("libexec/tandem")
    expect(digest(f"http://{ADDRESS}/") == MD5, "tandemctl digest tells the digest of a page", digest(f"http://{ADDRESS}/"))
    expect(digest(f"http://{ADDRESS}:{BAD['chunked']}/") == CHUNKS, "and of chunks as they come")
    for port, tls in ((80, []), (443, ["-S"])):
        said = node.run("genhash", "-s", ADDRESS, "-p", str(port), "-u", "/", *tls, check=False)
        url = f"{'https' if tls else 'http'}://{ADDRESS}:{port}/"
        ours = digest(url, "--virtualhost", f"{ADDRESS}:{port}")
        expect(ours and ours in said, f"genhash says the same of {url}", f"{ours}; {said}")
    expect(digest(f"http://{ADDRESS}:82/") == "", "without an answer it tells none")


def has_in_memory(pid, text):
    """Anywhere in what the process can read: its own memory, and what the supervisor gave it (a memfd)."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            with contextlib.suppress(OSError, ValueError, OverflowError):
                memory.seek(start)
                if line.split()[1][0] == "r" and text in memory.read(end - start):
                    return True
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            if "memfd" in os.readlink(f"/proc/{pid}/fd/{fd}"):
                with open(f"/proc/{pid}/fd/{fd}", "rb") as f:
                    if text in f.read():
                        return True
    return False


def passwords_stay(tandem):
    for name, pid in tandem.roles().items():
        expect(has_in_memory(pid, b"a secret") == (name == "tandem-check"),
               f"{name} {'has' if name == 'tandem-check' else 'was not given'} the password of basic_auth")


def main():
    need(programs=["nginx", "openssl", "genhash"])
    switch, one, web = Switch("sw"), Node("one"), Node("web")
    one.plug("eth0", switch, "10.0.0.1/24")
    web.plug("eth0", switch, f"{ADDRESS}/24")
    expect(start_servers(web), "the servers run")
    tandem = Tandem(one, config())
    tandem.start()
    wait_for(lambda: all(fits(results(tandem), i) for i in range(len(CASES))), 30, 0.3)
    seen = results(tandem)
    for i, (what, _, up, words) in enumerate(CASES):
        check = seen.get(i, {"up": None, "result": "it has not run"})
        expect(fits(seen, i), f"{what}: {check['result']}", f"up is {check['up']}; wanted {up}, {words}")
    digest_is_genhashs(one)
    passwords_stay(tandem)
    with open(f"{DIR}/seen") as f:
        note(f"nginx has seen {len(f.readlines())} requests")
    code, text = tandem.ctl("status")
    expect(code == 0 and tandem.stop() == 0, "it stops in order", text)


run(main)
