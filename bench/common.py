# SPDX-License-Identifier: Apache-2.0
"""How a benchmark tells its figures: a chart for the reader, then one line a figure for programs.

    result NAME tandem=X peer=Y ratio=Z unit=U      medians; Z is how many times less tandem takes
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
        top = max(max(v) for v in self.values[name].values())
        if not top:
            print(f"\n{name}: 0 {self.units[name]} in all trials of both")
            return
        print(f"\n{name}, {self.units[name]} (median, and all trials)")
        for kind in KINDS:
            bar = "█" * round(BAR * medians[kind] / top) or "▏"
            trials = " ".join(f"{v:g}" for v in sorted(self.values[name][kind]))
            print(f"  {kind:<10} {bar:<{BAR}} {medians[kind]:g}   ({trials})")

    def tell(self):
        results = []
        for name, values in self.values.items():
            medians = {kind: round(statistics.median(values[kind]), 1) for kind in KINDS}
            self._chart(name, medians)
            ours, peer = (medians[kind] for kind in KINDS)
            ratio = f"{peer / ours:.2f}" if ours else "1.00" if not peer else "inf"
            results.append(f"result {name} tandem={ours:g} peer={peer:g} ratio={ratio} "
                           f"unit={self.units[name]}")
        print()
        print("\n".join(results), flush=True)
