"""The corpus as a table of the manual: ``python -m tests.contracts.escape_table`` writes it into the page."""

from pathlib import Path

from tests.contracts.escapes import ATTEMPTS

PAGE = Path(__file__).parent.parent.parent / "docs" / "explanation" / "sandbox.md"
BEGIN, END = "<!-- the corpus: begin -->", "<!-- the corpus: end -->"


def table() -> str:
    lines = [
        "| kind | way out | `process` | `landlock` | `bubblewrap` | `compose` |",
        "|---|---|---|---|---|---|",
    ]
    for one in ATTEMPTS:
        seen = " | ".join(f"**{level}**" if level == "out" else level for level in one.levels)
        lines.append(f"| {one.kind} | {one.name} | {seen} |")
    return "\n".join(lines)


def fresh(page: str) -> str:
    """The page with the table as it should be."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
