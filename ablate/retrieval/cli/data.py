"""`ablate data`: list the known data sets, and pack one."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.errors import AblateError

if TYPE_CHECKING:
    from ablate.retrieval.data.packing.format import PackLocation, PackRecord

REFUSE, SKIP, WARN = "refuse", "skip", "warn"

Root = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Folder or file of the data set; default: the folder that `ablate data list` shows.",
        show_default=False,
    ),
]


def known_names(incomplete: str) -> list[str]:
    """Return the known data sets for the completion of a shell."""
    from ablate.retrieval.data.catalog import DATASETS

    return _begun(DATASETS, incomplete)


def _begun(words: Iterable[str], incomplete: str) -> list[str]:
    """Return the words that begin with the letters of an incomplete one."""
    return [word for word in words if word.startswith(incomplete)]


def data_list(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Only this data set.", show_default=False, autocompletion=known_names),
    ] = None,
    root: Root = None,
) -> None:
    """Show the known data sets, the place of each, and the sizes at which it is packed."""
    from ablate.retrieval.data.catalog import DATASETS, require_known

    if name is None and root is not None:
        raise AblateError("--root is the place of one data set: name it too, as `ablate data list NAME --root PATH`")
    _check_root(root)
    if name is not None:
        require_known(name)
    rows = [("name", "place", "found there")]
    for each in DATASETS if name is None else [name]:
        rows += [(each, *_place_and_content(each, root)), ("", DATASETS[each], "")]
    typer.echo("\n".join(line for row in rows for line in _lines(row)))


def _check_root(root: str | None) -> None:
    """Raise AblateError for an empty root, which would be the working directory; most often a variable is not set."""
    if root == "":
        raise AblateError("--root is empty; give the folder or file of the data set, or leave it out")


def _lines(row: tuple[str, str, str]) -> Iterator[str]:
    """Yield the lines of one table row, 80 columns wide. A second cell that is too wide has a line of its own."""
    from textwrap import wrap

    name, place, content = row
    cells = wrap(content, 37)
    if len(place) > 24 or not cells:
        yield f"{name:<15}  {place}"
        name, place = "", ""
    for cell in cells:
        yield f"{name:<15}  {place:<24}  {cell}"
        name, place = "", ""


def _place_and_content(name: str, root: str | None) -> tuple[str, str]:
    """Return the place of a data set, and a description of its files there."""
    from ablate.filesystem import exists
    from ablate.retrieval.data import catalog
    from ablate.retrieval.data.formats import emoji
    from ablate.retrieval.data.packing import format

    if name == catalog.EMBEDDED:
        items = emoji.read_items(emoji.HERE, emoji.read_index(emoji.HERE))
        images = sum(len(item.vendors) for item in items)
        return "in the package", f"{images:,} images of {len(items):,} items"
    path, place = catalog.root_of(name, root), catalog.place(name, root)
    try:
        record = format.recorded(place)
    except AblateError as error:
        return str(path), str(error)
    begun = [format.sized(size) for size in place.partials().values()]
    texts = [_packed(place, record)] if record else []
    texts += [f"begun, not finished: {', '.join(begun)}"] if begun else []
    return str(path), "; ".join(texts) or ("there, not packed" if exists(path) else "not there")


def _packed(place: "PackLocation", record: "PackRecord") -> str:
    from ablate.retrieval.data.packing.format import sized

    sizes = ", ".join(map(sized, place.sizes(record.fingerprint))) or "no size now"
    skipped = f", {len(record.skipped):,} more skipped" if record.skipped else ""
    return f"packed at {sizes}: {record.images:,} images of {record.items:,} items{skipped}"


def data_prepare(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The data set; `ablate data list` shows all.",
            show_default=False,
            autocompletion=known_names,
        ),
    ],
    root: Root = None,
    size: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="H W", help="Height and width in pixels; default: that of data.size."),
    ] = None,
    corrupt: Annotated[
        str,
        typer.Option(
            metavar="refuse|skip",
            help="Treatment of images that cannot be read.",
            autocompletion=lambda incomplete: _begun((REFUSE, SKIP), incomplete),
        ),
    ] = REFUSE,
    leakage: Annotated[
        str,
        typer.Option(
            metavar="refuse|warn",
            help="Treatment of the same image in two splits, or as query and in its gallery.",
            autocompletion=lambda incomplete: _begun((REFUSE, WARN), incomplete),
        ),
    ] = WARN,
) -> None:
    """Cut out, resize and pack a data set's images for all trials. An interrupted packing continues."""
    from ablate.retrieval.cli.packing_progress import watch_packing
    from ablate.retrieval.config.data import Data
    from ablate.retrieval.data import catalog

    size = size or Data().size
    if min(size) < 1:
        raise AblateError(f"--size {size[0]} {size[1]}: height and width are whole numbers from 1, in pixels")
    if corrupt not in (REFUSE, SKIP):
        raise AblateError(f"--corrupt {corrupt}: accepted are {REFUSE} and {SKIP}")
    if leakage not in (REFUSE, WARN):
        raise AblateError(f"--leakage {leakage}: accepted are {REFUSE} and {WARN}")
    _check_root(root)
    _check_name(name, size)
    catalog.require_known(name)
    with watch_packing(name) as watcher:
        record = catalog.prepare(name, root, size, corrupt, watcher, leakage)
    if record is None:
        typer.echo(f"{name} needs no packing: it is part of the package")
        return
    place = catalog.place(name, root)
    _print_result(record, place.pack(size, record.fingerprint))


def _check_name(name: str, size: tuple[int, int]) -> None:
    """Raise AblateError if a CSV file is given in place of a data set's name."""
    if name.lower().endswith(".csv"):
        import shlex

        words = shlex.join(["ablate", "data", "prepare", "csv", "--root", name, "--size", *map(str, size)])
        raise AblateError(f"{name}: is a file, in place of a data set's name; did you mean `{words}`?")


def _print_result(record: "PackRecord", folder: Path) -> None:
    from ablate.retrieval.cli.data_warnings import leakage_lines
    from ablate.text import fault_lines

    if record.skipped:
        lines = list(dict.fromkeys(record.skipped))
        typer.echo(
            f"skipped {len(record.skipped):,} images, see {folder / 'pack.json'}:\n{fault_lines(lines)}", err=True
        )
    if record.leakage:
        typer.echo(leakage_lines(record.leakage), err=True)
    typer.echo(f"{record.images:,} images of {record.items:,} items: {folder}")
