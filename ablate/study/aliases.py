"""What a fractional design cannot tell apart."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AliasTable:
    place: str
