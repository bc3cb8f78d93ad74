# SPDX-License-Identifier: Apache-2.0
"""Values over time as an SVG: one step line for each series. Knows numbers and names only."""

from html import escape

COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f", "#475569", "#b45309")
WIDTH, HEIGHT, LEFT, TOP, LOW = 900, 320, 60, 40, 50


def write_curves(path, title, series, marks=(), unit=""):
    """series: {label: [(seconds, value)]}, in the order of time; marks: [(seconds, text)]."""
    points = [p for values in series.values() for p in values]
    start, end = min(p[0] for p in points), max(p[0] for p in points)
    top = max(p[1] for p in points) or 1

    def x(at):
        return LEFT + (at - start) / (end - start or 1) * (WIDTH - LEFT - 20)

    def y(value):
        return TOP + (1 - value / top) * (HEIGHT - TOP - LOW)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT + 18 * len(series) // 5}" '
           'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>',
           f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>']
    for value in (0, top / 2, top):
        out.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}{unit}</text>'
                   f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#e5e7eb"/>')
    for tick in range(int(start), int(end) + 1, max(1, int(end - start) // 10)):
        out.append(f'<text x="{x(tick):.1f}" y="{HEIGHT - LOW + 16}" text-anchor="middle">{tick} s</text>')
    for at, text in marks:
        out.append(f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{TOP}" y2="{HEIGHT - LOW}" stroke="#9ca3af" stroke-dasharray="4"/>'
                   f'<text x="{x(at) + 4:.1f}" y="{TOP + 10}">{escape(text)}</text>')
    for i, (label, values) in enumerate(series.items()):
        steps = [f"{x(values[0][0]):.1f},{y(values[0][1]):.1f}"]
        for (_, before), (at, value) in zip(values, values[1:]):
            steps += [f"{x(at):.1f},{y(before):.1f}", f"{x(at):.1f},{y(value):.1f}"]
        colour = COLOURS[i % len(COLOURS)]
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{" ".join(steps)}"/>'
                   f'<text x="{LEFT + 160 * (i % 5)}" y="{HEIGHT - LOW + 36 + 16 * (i // 5)}" fill="{colour}">{escape(label)}</text>')
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n</svg>\n")
