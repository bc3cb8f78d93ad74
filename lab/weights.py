# SPDX-License-Identifier: Apache-2.0
"""The weights of real servers 10.0.0.x in a node's kernel: as they are, and over time, as a picture."""

import time

from .curves import write_curves
from .net import wait_for

EIGHTHS = "▁▂▃▄▅▆▇█"


def weights(node):
    """{last byte of the real server's address: weight} in the kernel, whichever the service."""
    found = {}
    with node.inside(), open("/proc/thread-self/net/ip_vs") as f:
        for words in map(str.split, f):
            if words and words[0] == "->" and words[1].startswith("0A0000"):
                found[int(words[1][6:8], 16)] = int(words[3])
    return found


class Film:
    """The weights, sampled as long as something is waited for."""

    def __init__(self, node, servers, every_s=0.1):
        self.node, self.servers, self.every_s = node, servers, every_s
        self.start, self.samples, self.marks = time.monotonic(), [], []

    def now(self):
        found = weights(self.node)
        self.samples.append((time.monotonic() - self.start, found))
        return found

    def mark(self, text):
        self.marks.append((time.monotonic() - self.start, text))

    def until(self, condition, within_s):
        return wait_for(lambda: condition(self.now()), within_s, self.every_s)

    def run(self, seconds):
        self.until(lambda w: False, seconds)

    def sums(self, since_s=0):
        """The weight of the whole pool: [(seconds, sum)]."""
        return [(at, sum(found.values())) for at, found in self.samples if at >= since_s]

    def svg(self, path, title="weights in the kernel"):
        series = {f"10.0.0.{i}": [(at, found.get(i, 0)) for at, found in self.samples] for i in self.servers}
        write_curves(path, title, series, self.marks)

    def _at(self, at_s):
        return next((found for at, found in reversed(self.samples) if at <= at_s), self.samples[0][1])

    def text(self, step_s=0.5):
        """A line a server, a character a step: full height is the largest weight, a blank is not in the table."""
        end = self.samples[-1][0]
        columns = [self._at(i * step_s) for i in range(int(end / step_s) + 1)]
        top = max(max(found.values(), default=0) for found in columns) or 1
        lines = []
        for i in self.servers:
            cells = (EIGHTHS[max(0, min(7, found[i] * 8 // top - 1))] if i in found else " " for found in columns)
            lines.append(f"  10.0.0.{i:<4}|{''.join(cells)}|")
        for at, what in self.marks:
            lines.append(" " * 12 + " " * int(at / step_s) + f"^ {at:.1f} s: {what}")
        return "\n".join(lines)
