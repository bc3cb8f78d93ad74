#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real server that lab/held.py talks to: see there. held_server.py NAME PORT…"""

import asyncio
import socket
import sys


async def talk(reader, writer):
    name = f"{NAME}\n".encode()
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    first = True
    try:
        while line := await reader.readline():
            writer.write(name if first else line)
            first = False
        while not first:
            writer.write(b"and more\n")
            await writer.drain()
            await asyncio.sleep(0.5)
    except OSError:
        pass
    writer.close()


async def main():
    for port in sys.argv[2:]:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", int(port)))
        sock.listen(500)
        await asyncio.start_server(talk, sock=sock)
    print("ready", flush=True)
    await asyncio.Event().wait()


NAME = sys.argv[1]
asyncio.run(main())
