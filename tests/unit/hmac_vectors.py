#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Advertisements with auth_hmac's trailer, made from the format's description alone, with nothing
but Python's own hmac: prints tests/unit/hmac_vectors.h, which test_vrrp_hmac.c compares with.

    tests/unit/hmac_vectors.py >tests/unit/hmac_vectors.h
"""

import hashlib
import hmac
import ipaddress
import struct

KEY = bytes(range(32))
LONG_KEY = b"a key in plain text, of sixty-four bytes: as long as one may be!"


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def message(version, vrid, priority, interval, addresses, auth=b""):
    interval = struct.pack("!BB" if version == 2 else "!H", *interval)
    packed = b"".join(ipaddress.ip_address(a).packed for a in addresses)
    return (struct.pack("!BBBB", version << 4 | 1, vrid, priority, len(addresses)) + interval +
            b"\0\0" + packed + auth)


def trailer(family, version, vrid, source, body, key_id, key, sequence):
    """What is authenticated is the pseudo-header, the message with its checksum as zero, and the
    trailer with its HMAC as zero."""
    source = ipaddress.ip_address(source).packed.ljust(16, b"\0")
    pseudo_header = struct.pack("!BBBB", family, version, vrid, 0) + source
    signed = struct.pack("!BBHLHH", 1, key_id, 0, *sequence)
    mac = hmac.new(key, pseudo_header + body + signed + b"\0" * 16, hashlib.sha256).digest()
    return signed + mac[:16]


def with_checksum(body, checksum_of):
    return body[:6] + struct.pack("!H", checksum(checksum_of)) + body[8:]


def ipv4_v2():
    body = message(2, 51, 150, (0, 1), ["192.0.2.100", "192.0.2.101"], b"\0" * 8)
    tail = trailer(4, 2, 51, "192.0.2.1", body, 7, KEY, (1764331200, 0x8000, 0))
    return with_checksum(body, body) + tail


def ipv4_v3():
    body = message(3, 52, 101, (10,), ["192.0.2.102"])
    tail = trailer(4, 3, 52, "192.0.2.1", body, 255, LONG_KEY, (1764331200, 0x8000, 1))
    return with_checksum(body, body) + tail


def ipv6_v3():
    body = message(3, 53, 200, (25,), ["fe80::100", "2001:db8::100"])
    tail = trailer(6, 3, 53, "fe80::1", body, 1, KEY, (1764331200, 0x8000, 0xffff))
    whole = body + tail
    pseudo = (ipaddress.ip_address("fe80::1").packed + ipaddress.ip_address("ff02::12").packed +
              struct.pack("!LL", len(whole), 112))
    return with_checksum(whole, pseudo + whole)


def print_bytes(name, data):
    print(f"static const uint8_t {name}[] = {{")
    for at in range(0, len(data), 12):
        print("\t" + " ".join(f"0x{b:02x}," for b in data[at:at + 12]))
    print("};")


print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Made by hmac_vectors.py. */")
for name, data in (("key_32", KEY), ("key_64", LONG_KEY), ("signed_ipv4_v2", ipv4_v2()),
                   ("signed_ipv4_v3", ipv4_v3()), ("signed_ipv6_v3", ipv6_v3())):
    print_bytes(name, data)
