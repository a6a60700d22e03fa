"""Turn text from standard input into Markdown that GitHub shows as it is, with nothing in it interpreted.

The text holds names from data: parameters, paths, messages. In a code block, mentions, links and HTML are but text.
Headings stay, if they are plain words.
"""

import re
import sys
from itertools import groupby

HEADING = re.compile("### [A-Za-z0-9, ]+")
LIMIT = 25_000  # characters, so that with any number of fences it is less than the 65,536 that GitHub takes


def neutralise(text: str) -> str:
    """Return ``text`` as headings and code blocks, without control characters, cut where it is too long."""
    if len(text) > LIMIT:
        text = f"{text[:LIMIT]}\n(the rest is cut off)"
    text = "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
    text = text.replace("```", "'''")  # or it would end a block
    parts = []
    for is_heading, lines in groupby(text.split("\n"), lambda line: HEADING.fullmatch(line) is not None):
        part = "\n".join(lines).strip("\n")
        if part:
            parts.append(part if is_heading else f"```\n{part}\n```")
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(neutralise(sys.stdin.buffer.read().decode(errors="replace")))
