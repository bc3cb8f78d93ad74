# SPDX-License-Identifier: Apache-2.0
"""How a benchmark tells its figures: a chart for the reader, then one line a figure for programs.

    result NAME tandem=X peer=Y ratio=Z unit=U      medians; Z is how many times less tandem takes;
                                                    n/a where one of them has no such thing
"""

import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lab import need, note  # noqa: E402,F401

KINDS = ("tandem", "keepalived")
BAR = 40


class Figures:
    """name -> kind -> the values of all trials."""

    def __init__(self):
        self.units, self.values = {}, {}

    def add(self, name, unit, kind, value):
        self.units[name] = unit
        self.values.setdefault(name, {k: [] for k in KINDS})[kind].append(value)

    def _chart(self, name, medians):
        top = max(v for values in self.values[name].values() for v in values)
        if not top:
            print(f"\n{name}: 0 {self.units[name]} in all trials of both")
            return
        print(f"\n{name}, {self.units[name]} (median, and all trials)")
        for kind, median in medians.items():
            if median is None:
                print(f"  {kind:<10} not applicable yet")
                continue
            bar = "█" * round(BAR * median / top) or "▏"
            trials = " ".join(f"{v:g}" for v in sorted(self.values[name][kind]))
            print(f"  {kind:<10} {bar:<{BAR}} {median:g}   ({trials})")

    def tell(self):
        results = []
        for name, values in self.values.items():
            medians = {kind: round(statistics.median(values[kind]), 2) if values[kind] else None
                       for kind in KINDS}
            self._chart(name, medians)
            ours, peer = (medians[kind] for kind in KINDS)
            results.append(f"result {name} tandem={_text(ours)} peer={_text(peer)} "
                           f"ratio={_ratio(ours, peer)} unit={self.units[name]}")
        print()
        print("\n".join(results), flush=True)


def _text(value):
    return "n/a" if value is None else f"{value:g}"


def _ratio(ours, peer):
    if ours is None or peer is None:
        return "n/a"
    if not ours:
        return "inf" if peer else "1.00"
    return f"{peer / ours:.2f}"
