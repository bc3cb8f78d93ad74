# SPDX-License-Identifier: Apache-2.0
"""A timeline of one change, as text for the terminal and as SVG.

A Timeline has rows of spans over time and marks below them. It knows times and words only; what
they mean is the caller's.
"""

from html import escape

GOOD, BAD = "good", "bad"


class Timeline:
    def __init__(self, title, zero_us, from_us, to_us):
        self.title, self.zero_us, self.from_us, self.to_us = title, zero_us, from_us, to_us
        self.rows, self.marks = [], []

    def row(self, label, spans):
        """spans: [(from_us, to_us, GOOD or BAD)]; a later one is drawn over an earlier."""
        self.rows.append((label, spans))

    def mark(self, at_us, text):
        self.marks.append((at_us, text))

    def _ticks(self):
        span_s = (self.to_us - self.from_us) / 1e6
        step_us = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 60) if span_s / s <= 8) * 1e6
        at = self.zero_us - (self.zero_us - self.from_us) // step_us * step_us
        while at <= self.to_us:
            yield at, f"{(at - self.zero_us) / 1e6:g} s"
            at += step_us

    # ---- terminal

    def text(self, width=64, margin=18):
        scale = width / (self.to_us - self.from_us)

        def column(at_us):
            return min(max(int((at_us - self.from_us) * scale), 0), width - 1)

        def line(label, cells):
            return f"{label:<{margin}}{''.join(cells).rstrip()}"

        out = [self.title]
        cells = [" "] * (width + 8)
        for at, text in self._ticks():
            cells[column(at):column(at) + len(text)] = text
        out.append(line("", cells))
        for label, spans in self.rows:
            cells = [" "] * width
            for start, end, kind in spans:
                for c in range(column(start), column(end) + 1):
                    cells[c] = "█" if kind == GOOD else "·"
            out.append(line(label, cells))
        for at, text in self.marks:
            out.append(line("", [" "] * column(at) + ["▲ ", text]))
        return "\n".join(out)

    # ---- SVG

    def svg_height(self):
        return 60 + 26 * len(self.rows) + 18 * len(self.marks)

    def svg(self, y, width=900, margin=150):
        scale = (width - margin - 20) / (self.to_us - self.from_us)

        def x(at_us):
            return margin + (min(max(at_us, self.from_us), self.to_us) - self.from_us) * scale

        bottom = y + 46 + 26 * len(self.rows)
        out = [f'<text x="10" y="{y + 18}" class="title">{escape(self.title)}</text>']
        for at, text in self._ticks():
            out.append(f'<line x1="{x(at):.1f}" y1="{y + 42}" x2="{x(at):.1f}" y2="{bottom}" '
                       f'class="grid"/>'
                       f'<text x="{x(at):.1f}" y="{y + 37}" class="tick">{text}</text>')
        for i, (label, spans) in enumerate(self.rows):
            top = y + 46 + 26 * i
            out.append(f'<text x="10" y="{top + 14}">{escape(label)}</text>')
            for start, end, kind in spans:
                wide = max(x(end) - x(start), 1.5)
                out.append(f'<rect x="{x(start):.1f}" y="{top}" width="{wide:.1f}" height="18" '
                           f'class="{kind}"/>')
        for i, (at, text) in enumerate(self.marks):
            out.append(f'<line x1="{x(at):.1f}" y1="{y + 42}" x2="{x(at):.1f}" '
                       f'y2="{bottom + 18 * i + 10}" class="mark"/><text x="{x(at) + 4:.1f}" '
                       f'y="{bottom + 18 * i + 12}">{escape(text)}</text>')
        return "\n".join(out)


STYLE = """text{font:13px sans-serif;fill:#222}.title{font-weight:bold;font-size:15px}
.tick{font-size:11px;fill:#666;text-anchor:middle}.grid{stroke:#ddd}.mark{stroke:#c22}
.good{fill:#4a9}.bad{fill:#e54}"""


def legend(y, margin=150):
    """What the two colours mean, on one line."""
    out = []
    for x, kind, text in ((margin, GOOD, "answered, or address held"),
                          (margin + 220, BAD, "no answer")):
        out.append(f'<rect x="{x}" y="{y}" width="18" height="12" class="{kind}"/>'
                   f'<text x="{x + 26}" y="{y + 11}">{text}</text>')
    return "\n".join(out)


def write_svg(path, timelines, width=900):
    y, parts = 10, []
    for t in timelines:
        parts.append(t.svg(y, width))
        y += t.svg_height() + 10
    parts.append(legend(y))
    y += 28
    with open(path, "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}">\n'
                f'<style>{STYLE}</style><rect width="100%" height="100%" fill="white"/>\n'
                + "\n".join(parts) + "\n</svg>\n")


def held(moves, holders_before, node, from_us, to_us):
    """Spans in which a node had an address, from the moves of that address."""
    spans, since = [], from_us if node in holders_before else None
    for move in moves:
        if move.node != node:
            continue
        if move.gained and since is None:
            since = move.at_us
        elif not move.gained and since is not None:
            spans.append((since, move.at_us, GOOD))
            since = None
    return spans + ([(since, to_us, GOOD)] if since is not None else [])


def answered(probe):
    """Spans of a probe: all good, but for its gaps."""
    return [(probe.start_us, probe.end_us, GOOD)] + [
        (g["from_us"], g["to_us"], BAD) for g in probe.gaps]
