"""The tables in a report's Markdown."""


def tables_of(markdown: str) -> list[list[str]]:
    """Return the lines of each table."""
    tables: list[list[str]] = [[]]
    for line in markdown.splitlines():
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    return [table for table in tables if table]
