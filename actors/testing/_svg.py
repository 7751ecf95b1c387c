"""The story as an SVG document."""

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from actors.testing._story import Line, Story

LANE, ROW, TOP, LEFT = 120, 22, 40, 70
COLOURS = {"fault": "#c60", "dead": "#c00", "broken": "#c00", "restart": "#06c"}


def draw(story: "Story") -> str:
    """Draw lanes as vertical lines, messages as arrows, everything else as dots with words."""
    width = LEFT + LANE * len(story.lanes) + 640
    height = TOP + ROW * (len(story.lines) + 1)
    size = f'width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="monospace" font-size="11">',
        '<defs><marker id="to" markerWidth="8" markerHeight="6" refX="8" refY="3" orient="auto">',
        '<path d="M0,0 L8,3 L0,6 z"/></marker></defs>',
    ]
    for at, name in enumerate(story.lanes):
        x = LEFT + LANE * at
        parts.append(f'<text x="{x}" y="{TOP - 20}" text-anchor="middle">{escape(name)}</text>')
        parts.append(f'<line x1="{x}" y1="{TOP - 12}" x2="{x}" y2="{height}" stroke="#bbb"/>')
    for number, line in enumerate(story.lines):
        parts += _line(line, TOP + ROW * number, LEFT + LANE * len(story.lanes))
    return "\n".join([*parts, "</svg>"])


def _line(line: "Line", y: int, words_x: int) -> list[str]:
    colour = COLOURS.get(line.kind, "#000")
    x1, x2 = LEFT + LANE * line.source, LEFT + LANE * line.target
    parts = [
        f'<rect x="{LEFT + LANE * lane - 3}" y="{y - ROW // 2}" width="6" height="{ROW}" fill="#ddd"/>'
        for lane in sorted(line.busy)
    ]
    parts.append(f'<text x="4" y="{y + 4}" fill="#888">{line.step}</text>')
    if x1 == x2:
        parts.append(f'<circle cx="{x1}" cy="{y}" r="4" fill="{colour}"/>')
    else:
        parts.append(f'<line x1="{x1}" y1="{y}" x2="{x2}" y2="{y}" stroke="{colour}" marker-end="url(#to)"/>')
    parts.append(f'<text x="{words_x}" y="{y + 4}" fill="{colour}">{escape(line.text)}</text>')
    return parts
