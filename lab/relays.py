# SPDX-License-Identifier: Apache-2.0
"""Relays in front of real servers, each of which spoils in one way what its server says.

    python3 -m lab.relays PORT:FAULT:SERVER[:FLIGHT][/udp] ...

PORT listens, SERVER is the server's port at the same host. The fault begins with the server's flight
FLIGHT (default 1): what it says until the other side speaks again. Over TLS 1.3 flight 1 is the handshake's,
2 the reply. A relay of datagrams spoils each reply. Prints "ready", then serves until it is ended.

    slow     SLOW_S later, but all of it
    stuck    half of it, then silence; a datagram is cut there
    garbage  bytes of no protocol, then the end
    reset    the connection is reset
    drip     a byte a second
"""

import asyncio
import contextlib
import socket
import struct
import sys

SLOW_S, DRIP_S = 0.5, 1
GARBAGE = bytes(range(256)) * 2
FAULTS = ("slow", "stuck", "garbage", "reset", "drip")


class Conversation:
    """One connection to the relay, and its own to the server."""

    def __init__(self, fault, flight):
        self.fault, self.flight, self.flights, self.server_speaks = fault, flight, 0, False

    async def up(self, client, server):
        while data := await client.read(65536):
            self.server_speaks = False
            server.write(data)

    async def down(self, server, client):
        while data := await server.read(65536):
            self.flights += not self.server_speaks
            self.server_speaks = True
            if self.flights < self.flight:
                client.write(data)
            elif not await getattr(self, self.fault)(data, client):
                return

    async def slow(self, data, client):
        if self.flight:
            await asyncio.sleep(SLOW_S)
        self.flight = 0
        client.write(data)
        return True

    async def stuck(self, data, client):
        client.write(data[:len(data) // 2])
        await asyncio.sleep(3600)

    async def garbage(self, data, client):
        client.write(GARBAGE)
        await asyncio.sleep(SLOW_S)  # it must come before the end, or the end is all that is seen

    async def reset(self, data, client):
        client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def drip(self, data, client):
        for i in range(len(data)):
            await asyncio.sleep(DRIP_S)
            client.write(data[i:i + 1])
            await client.drain()
        return True


def tcp(fault, server_port, flight):
    async def serve(reader, writer):
        talk = Conversation(fault, flight)
        with contextlib.suppress(OSError):
            from_server, to_server = await asyncio.open_connection("127.0.0.1", server_port)
            said = asyncio.create_task(talk.up(reader, to_server))
            with contextlib.suppress(OSError):
                await talk.down(from_server, writer)
            said.cancel()
            to_server.close()
        writer.close()
    return serve


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, fault, server_port):
        self.fault, self.server_port = fault, server_port

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        self.task = asyncio.create_task(self.ask(data, sender))

    async def ask(self, data, sender):
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(("127.0.0.1", self.server_port))
            sock.send(data)
            reply = await loop.sock_recv(sock, 65536)
        if self.fault == "slow":
            await asyncio.sleep(SLOW_S)
        spoilt = {"stuck": reply[:len(reply) // 2], "garbage": GARBAGE}
        self.transport.sendto(spoilt.get(self.fault, reply), sender)


async def main(specs):
    loop = asyncio.get_running_loop()
    for spec in specs:
        words, _, udp = spec.partition("/")
        port, fault, server_port, *flight = words.split(":")
        if udp:
            await loop.create_datagram_endpoint(lambda f=fault, s=int(server_port): Datagrams(f, s),
                                                local_addr=("0.0.0.0", int(port)))
        else:
            await asyncio.start_server(tcp(fault, int(server_port), int(flight[0]) if flight else 1), "", int(port))
    print("ready", flush=True)
    await asyncio.sleep(1e6)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
