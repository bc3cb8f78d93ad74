# SPDX-License-Identifier: Apache-2.0
"""Servers that misbehave, for checks to find out: a program with one TCP port for each habit.

    python3 -m lab.nasty FIRST_PORT [CERTIFICATE KEY]

prints "PORT HABIT" lines, then serves until it is ended.
"""

import asyncio
import contextlib
import re
import socket
import ssl
import struct
import sys

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def silent(reader, writer):
    await asyncio.sleep(3600)


async def slow(reader, writer):
    await reader.read(4096)
    await asyncio.sleep(0.3)
    writer.write(OK)


async def stuck(reader, writer):
    writer.write(OK[:-3])
    await asyncio.sleep(3600)


async def drip(reader, writer):
    writer.write(OK.replace(b": 5", b": 9999"))
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.1)


async def garbage(reader, writer):
    writer.write(bytes(range(256)) * 4)


async def reset(reader, writer):
    await reader.read(1)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def close(reader, writer):
    await reader.read(4096)


async def short(reader, writer):
    await reader.read(4096)
    writer.write(OK.replace(b": 5", b": 50"))


async def long_header(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for i in range(2000):
        writer.write(b"X-%d: %s\r\n" % (i, b"x" * 100))
        await writer.drain()


async def chunked(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")


async def mirror(reader, writer):
    """The request comes back as the body."""
    request = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", request)
    request += await reader.readexactly(int(length[1]) if length else 0)
    writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + request)


async def mail(reader, writer):
    """An SMTP server, as far as QUIT. It does not like to be called bad."""
    writer.write(b"220-mail.example\r\n220 at your service\r\n")
    while line := (await reader.readline()).split():
        if line[0] == b"QUIT":
            writer.write(b"221 bye\r\n")
            return
        writer.write(b"501 no\r\n" if line == [b"HELO", b"bad"] else b"250 pleased\r\n")


async def redis(reader, writer):
    """As much of Redis' protocol as its PING."""
    while line := await reader.readline():
        writer.write(b"+PONG\r\n" if line == b"PING\r\n" else b"-ERR unknown command\r\n")
        await writer.drain()


async def flood(reader, writer):
    """Never stops talking."""
    while True:
        writer.write(b"blah " * 1000)
        await writer.drain()


async def rude(reader, writer):
    """Over TLS: the body's end is that of the connection, and nobody says good-bye."""
    await reader.read(4096)
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nhello")
    await writer.drain()
    writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


async def hang_up(reader, writer):
    pass


HABITS = (silent, slow, stuck, drip, garbage, reset, close, short, long_header, chunked, mirror, mail,
          hang_up, redis, flood, rude)


def on_connection(habit):
    async def serve(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await habit(reader, writer)
            await writer.drain()
        writer.close()

    return serve


async def main(first, certificate=None, key=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate, key)
    for port, habit in enumerate(HABITS, first):
        await asyncio.start_server(on_connection(habit), "", port, ssl=context if habit is rude else None)
        print(port, habit.__name__, flush=True)
    await asyncio.sleep(1e6)


def ports(first):
    """{habit: port}, as main() gives them."""
    return {habit.__name__: port for port, habit in enumerate(HABITS, first)}


def ready(log):
    """All of them listen."""
    with open(log) as f:
        return {line.split()[-1] for line in f} >= {habit.__name__ for habit in HABITS}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
