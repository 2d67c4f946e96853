"""The size of a YAML document, before anything is made of it: its levels, and its values with aliases in full."""

from typing import Any

import yaml

MOST_VALUES = 100_000
"""The largest number of values of a document, those of its aliases counted each time."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def size_fault(text: str, deepest: int) -> str:
    """Return why a document is too large to be read; empty if it is not. Raises yaml.YAMLError if it is no YAML.

    `deepest`: the largest number of levels; far more of them would end the whole process in the loader in C. A few
    lines of aliases to aliases can stand for more values than memory holds.
    """
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    count = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in (anchor for anchor, _ in open_nodes):
                return f"has more than {MOST_VALUES:,} values, as the alias *{event.anchor} leads to itself"
            count += sizes.get(str(event.anchor), 1)  # one without an anchor is no YAML, as the loader reports
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes |= {anchor: count - before} if anchor else {}
        elif isinstance(event, yaml.ScalarEvent):
            sizes |= {event.anchor: 1} if event.anchor else {}
            count += 1
        if len(open_nodes) > deepest:
            return f"has more than {deepest} levels, too many to be a configuration"
        if count > MOST_VALUES:
            return f"has more than {MOST_VALUES:,} values, too many to be a configuration"
    return ""
