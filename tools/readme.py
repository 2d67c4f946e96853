"""Copy kept outputs into the README, so that it shows nothing that no command printed.

    python tools/readme.py > README.new && mv README.new README.md

A block stands between `<!-- kept: FILE, "FIRST" to "LAST" -->` and `<!-- end -->`. The tool replaces it by the lines of
benchmarks/results/FILE from the first line that begins with FIRST up to the next line that begins with LAST. Without
the quotes, the block is the whole file. Markdown files are copied as they are, others as code.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
BLOCK = re.compile(r'(<!-- kept: (\S+?)(?:, "(.+?)" to "(.+?)")? -->\n).*?(<!-- end -->)', re.DOTALL)


def filled(page: str) -> str:
    """Return a page with each block replaced by its kept output; LookupError if a line is not there."""
    return BLOCK.sub(lambda block: block[1] + excerpt(block[2], block[3], block[4]) + block[5], page)


def excerpt(file: str, first: str | None, last: str | None) -> str:
    """Return the kept lines of one block, in a fence unless the file is Markdown."""
    lines = (ROOT / file if "/" in file else RESULTS / file).read_text(encoding="utf-8").splitlines()
    if first is not None and last is not None:
        start = position(lines, first, 0, file)
        lines = lines[start : position(lines, last, start, file) + 1]
    text = "\n".join(lines) + "\n"
    if file.endswith(".md"):
        return f"\n{text}\n"
    return f"```{'yaml' if file.endswith('.yaml') else ''}\n{text}```\n"


def position(lines: list[str], beginning: str, start: int, file: str) -> int:
    """Return the number of the first line from `start` on that begins so."""
    for number in range(start, len(lines)):
        if lines[number].startswith(beginning):
            return number
    raise LookupError(f"{file}: no line begins with {beginning!r}")


if __name__ == "__main__":
    print(filled((ROOT / "README.md").read_text(encoding="utf-8")), end="")
