"""Files with damaged bytes, as a crash, a wrong copy or a hostile sender leaves them."""

import random

JUNK = (
    b"\0", b"\xff", b"\x80" * 9, b"[", b"{", b'"', b"NaN", b"1e999", b"9" * 400, b"null", b"\n", b"- ", b": ", b"&a ",
    b"*a", b"!!python/object:os.system ", b"true", b"[]", b"-", b",", b"\t", b"|",
)  # fmt: skip
"""Pieces that mean something in one of the formats."""


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Return the content with one to ten changes: bytes lost, pieces put in, a byte changed, an end that is cut off."""
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 3, 10))):
        at = draw.randrange(len(changed) + 1)
        kind = draw.randrange(10)
        if kind < 3:
            del changed[at : at + draw.randrange(20)]
        elif kind < 7:
            changed[at:at] = draw.choice(JUNK)
        elif kind < 9:
            changed[at : at + 1] = bytes([draw.randrange(256)])
        else:
            del changed[at:]
    return bytes(changed)
