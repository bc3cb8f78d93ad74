# SPDX-License-Identifier: Apache-2.0
"""Servers of protocols for which Debian has a library but no server: agents and gRPC's health service.

    /usr/bin/python3 -m lab.responders FIRST_PORT CERTIFICATE KEY

Agents listen from FIRST_PORT on, one port for each line of AGENTS; gRPC on the two ports behind
them, without and with TLS. Prints "ready" when all of them listen, then serves until it is ended.
An agent says the line of the file DIR/PORT instead, when there is one.
"""

import contextlib
import os
import socketserver
import sys
import threading
import time

DIR = "/run/lab-agents"
AGENTS = ("up\n", "down # the disk is full\n", "75%\r\n", "drain\n", "up,ready 50%\tmaxconn:30\n", "maint", "nonsense\n",
          "", "x" * 4000, "slow", "75", "asks")

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
STATUS = {b"": SERVING, b"good.Service": SERVING, b"bad.Service": NOT_SERVING, b"long.Service": b"\x12\xff\x07" + b"x" * 1023}


class Agent(socketserver.BaseRequestHandler):
    def handle(self):
        line = self.server.line
        with contextlib.suppress(OSError), open(f"{DIR}/{self.server.server_address[1]}") as f:
            line = f.read()
        if line == "slow":
            time.sleep(3)
        elif line == "asks":
            line = "up\n" if self.request.recv(100) == b"web1\n" else "down # who is that?\n"
        with contextlib.suppress(OSError):
            self.request.sendall(line.encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


def agents(first):
    for port, line in enumerate(AGENTS, first):
        server = Server(("", port), Agent)
        server.line = line
        threading.Thread(target=server.serve_forever, daemon=True).start()


def grpc_ports(first):
    return first + len(AGENTS), first + len(AGENTS) + 1


def check(request, context):
    """HealthCheckRequest: a string with the number 1, shorter than 128 bytes, or nothing."""
    import grpc
    service = request[2:]
    if service == b"slow.Service":
        time.sleep(3)
    if service not in STATUS:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return STATUS[service]


def grpc_server(plain, tls, certificate, key):
    import grpc
    from concurrent import futures
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)}),))
    with open(certificate, "rb") as c, open(key, "rb") as k:
        credentials = grpc.ssl_server_credentials([(k.read(), c.read())])
    server.add_insecure_port(f"0.0.0.0:{plain}")
    server.add_secure_port(f"0.0.0.0:{tls}", credentials)
    server.start()
    return server


def main(first, certificate, key):
    os.makedirs(DIR, exist_ok=True)
    agents(first)
    server = grpc_server(*grpc_ports(first), certificate, key)
    print("ready", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:4])
