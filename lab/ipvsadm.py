# SPDX-License-Identifier: Apache-2.0
"""What ipvsadm says of a node's table."""


KINDS = {"TCP": "-t", "UDP": "-u", "SCTP": "--sctp-service", "FWM": "-f"}


def listing(node):
    """{("-t 10.0.0.100:80", "10.1.0.1:80"): "-x 90 -y 50"}: the thresholds, and of each service the
    servers from the head of the kernel's list on."""
    found, service = {}, None
    for row in map(str.split, node.run("ipvsadm", "-Ln", "--thresholds", "--nosort").splitlines()):
        if row and row[0] in KINDS:
            service = f"{KINDS[row[0]]} {row[1]}" + " -6" * (row[2] == "IPv6")
        elif row[:1] == ["->"] and service:
            upper, lower = row[2:4]
            found[service, row[1]] = f" -x {upper}" * (upper != "0") + f" -y {lower}" * (lower != "0")
    return found


def lines(node):
    """`ipvsadm -Sn` in the kernel's order, with the thresholds, which it forgets."""
    services, servers = [], {}
    for line in map(str.strip, node.run("ipvsadm", "-Sn").strip().splitlines()):
        if line.startswith("-A "):
            services.append(line)
        else:
            key, rest = line[3:].split(" -r ", 1)
            servers[key, rest.split(" ", 1)[0]] = line
    return services + [servers[where] + limits for where, limits in listing(node).items()
                       if where in servers]  # else it came in between


def table(node):
    """{"-t 10.0.0.100:80": ("-s rr", {"10.1.0.1:80": "-g -w 1"})}, the servers in the kernel's order."""
    found = {}
    for line in lines(node):
        kind, rest = line.split(" ", 1)
        if kind == "-A":
            key, words = rest.split(" -s ", 1)
            found[key] = (f"-s {words}", {})
        else:
            key, server = rest.split(" -r ", 1)
            server, words = server.split(" ", 1)
            found[key][1][server] = words
    return found
