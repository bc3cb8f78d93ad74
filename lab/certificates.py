# SPDX-License-Identifier: Apache-2.0
"""Certificates for servers of the lab, each signed by itself. All of a directory have the same key, key.pem.

    good.pem   of good.example, ends in 10 days
    other.pem  of other.example
    old.pem    of good.example, ended in 2020
"""

import os
import subprocess

_CA = """[ca]
default_ca=a
[a]
database={dir}/ca/index
new_certs_dir={dir}/ca
rand_serial=yes
default_md=sha256
policy=p
[p]
commonName=supplied
"""


def _openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def _make(directory, name, host):
    _openssl("req", "-x509", "-key", f"{directory}/key.pem", "-subj", f"/CN={host}", "-addext",
             f"subjectAltName=DNS:{host}", "-days", "10", "-out", f"{directory}/{name}")


def _make_old(directory):
    """Only `openssl ca` makes one whose time is over."""
    os.makedirs(f"{directory}/ca", exist_ok=True)
    open(f"{directory}/ca/index", "w").close()
    with open(f"{directory}/ca.conf", "w") as f:
        f.write(_CA.format(dir=directory))
    _openssl("req", "-new", "-key", f"{directory}/key.pem", "-subj", "/CN=good.example", "-out", f"{directory}/old.csr")
    _openssl("ca", "-batch", "-config", f"{directory}/ca.conf", "-selfsign", "-keyfile", f"{directory}/key.pem",
             "-in", f"{directory}/old.csr", "-out", f"{directory}/old.pem", "-notext",
             "-startdate", "20200101000000Z", "-enddate", "20200201000000Z")


def make(directory):
    os.makedirs(directory, exist_ok=True)
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{directory}/key.pem")
    os.chmod(f"{directory}/key.pem", 0o644)
    _make(directory, "good.pem", "good.example")
    _make(directory, "other.pem", "other.example")
    _make_old(directory)
