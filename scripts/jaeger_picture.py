#!/usr/bin/env python3
"""Draws what a Jaeger knows about one trace as a waterfall, for those without its web pages.

  jaeger_picture.py URL TRACE|last FILE.svg

The rows are in the order of Jaeger's timeline: each span below its parent, by start, with a colour
for each node. Exit code 1 if it does not know the trace, 69 if it does not answer.
"""
import sys
from xml.sax.saxutils import escape

import jaeger_trace as jaeger

ROWS_MAX = 60  # more is no picture; the rest is counted below it
ROW, WIDTH, NAMES, MARGIN = 20, 1200, 330, 10
INDENT, DEPTH_MAX = 14, 8
GRIDLINES = 4
COLOURS = ("#17b8be", "#b7885e", "#4f81bd", "#cb3c8b", "#829ae3", "#12939a")
FAILED = "#c0392b"


def in_order(spans):
    """(span, depth) as the timeline shows them."""
    known = {span["spanID"] for span in spans}
    below = {}
    for span in sorted(spans, key=lambda one: (one["startTime"], -one["duration"])):
        parent = next((r["spanID"] for r in span["references"]
                       if r["refType"] == "CHILD_OF" and r["spanID"] in known), None)
        below.setdefault(parent, []).append(span)
    waiting = [(span, 0) for span in reversed(below.get(None, []))]
    while waiting:
        span, depth = waiting.pop()
        yield span, depth
        waiting += [(child, depth + 1) for child in reversed(below.get(span["spanID"], []))]


def tag(span, key):
    return next((one["value"] for one in span["tags"] if one["key"] == key), None)


def milliseconds(microseconds):
    return f"{microseconds / 1000:.{1 if microseconds >= 1000 else 2}f} ms"


def text(x, y, words, **style):
    given = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in style.items())
    return f'<text x="{x:.0f}" y="{y:.0f}"{given}>{escape(str(words))}</text>'


def row(span, depth, y, scale, colour):
    """The name with what tells one task or call from another, then the bar with its duration."""
    label = tag(span, "troupe.task.label") or tag(span, "troupe.purpose") or ""
    name = span["operationName"] + (f"  ({label})" if label else "")
    indent = MARGIN + INDENT * min(depth, DEPTH_MAX)
    letters_max = int((NAMES - indent) / 6.5)
    name = name if len(name) <= letters_max else name[:letters_max - 1] + "…"
    begin = NAMES + span["shown_from"] * scale
    width = max(1.0, span["duration"] * scale)
    fill = FAILED if tag(span, "error") else colour
    said = milliseconds(span["duration"])
    room, end = 7 * len(said), begin + width
    if end + room < WIDTH:
        duration = text(end + 4, y + 14, said, fill="#666")
    elif room < width:
        duration = text(end - 4, y + 14, said, fill="#fff", text_anchor="end")
    else:
        duration = text(begin - 4, y + 14, said, fill="#666", text_anchor="end")
    return [
        f'<rect x="{indent - 8}" y="{y + 5}" width="4" height="10" fill="{fill}"/>',
        text(indent, y + 14, name),
        f'<rect x="{begin:.1f}" y="{y + 4}" width="{width:.1f}" height="12" fill="{fill}"/>',
        duration,
    ]


def legend(colours, y):
    drawn, x = [], NAMES
    for node, colour in colours.items():
        drawn += [f'<rect x="{x}" y="{y + 4}" width="12" height="12" fill="{colour}"/>',
                  text(x + 17, y + 14, node)]
        x += 40 + 8 * len(node)
    return drawn


def picture(trace):
    spans = trace["spans"]
    begin = min(span["startTime"] for span in spans)
    length = max(span["startTime"] + span["duration"] for span in spans) - begin or 1
    scale = (WIDTH - NAMES - MARGIN) / length
    nodes = {key: jaeger.node_of(process) for key, process in trace["processes"].items()}
    named = sorted(set(nodes.values()))
    colours = {node: COLOURS[i % len(COLOURS)] for i, node in enumerate(named)}
    ordered = list(in_order(spans))
    shown, body, y = ordered[:ROWS_MAX], [], 2 * ROW
    for span, depth in shown:
        span["shown_from"] = span["startTime"] - begin
        body += row(span, depth, y, scale, colours[nodes[span["processID"]]])
        y += ROW
    if len(ordered) > len(shown):
        rest = jaeger.count_of(len(ordered) - len(shown), "more span")
        body.append(text(MARGIN, y + 14, f"and {rest}", fill="#666"))
        y += ROW
    lines = []
    for i in range(GRIDLINES + 1):
        x = NAMES + i * length / GRIDLINES * scale
        lines += [f'<line x1="{x:.0f}" y1="{ROW}" x2="{x:.0f}" y2="{y}" stroke="#ddd"/>',
                  text(x, 14, milliseconds(i * length / GRIDLINES), fill="#666",
                       text_anchor="end" if i == GRIDLINES else "middle" if i else "start")]
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 2 * ROW}"'
            ' font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{y + 2 * ROW}" fill="#fff"/>',
            text(MARGIN, 14, f"{jaeger.count_of(len(spans), 'span')} in {milliseconds(length)}",
                 font_weight="bold")]
    return "\n".join(head + lines + body + legend(colours, y + ROW / 2) + ["</svg>", ""])


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    url, wanted, file = sys.argv[1:]
    trace = jaeger.find_or_exit("jaeger_picture.py", url, wanted)
    with open(file, "w", encoding="utf-8") as out:
        out.write(picture(trace))
    print(f"{file}: trace {trace['traceID']}, {jaeger.count_of(len(trace['spans']), 'span')}")


if __name__ == "__main__":
    main()
