"""Similarities of queries and gallery entries: exact for single pairs, approximate with an error bound for blocks.

An exact similarity is the inner product of two float32 vectors in float64, in which every product is exact, summed by
halves and rounded to float32. It depends on the two vectors alone, not on their position, on threads or on the device.
So equal entries are equally similar. Pairs that tie in mathematics tie here, except for coincidences in the 29 bits
that are rounded off.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ablate.retrieval.training.device import bf16_hardware

GROUP = 64
"""Blocks are padded to a multiple of this many columns, with minus infinity."""

_ELEMENTS = 2**17
"""The number of float64 values at once when pairs are computed: as many as a CPU's nearer caches hold."""
_TILE = 4096
"""The number of gallery entries in one product: products with more do not fit into the caches."""
_COPY = 2**27
"""The largest number of values in a gallery that is copied to bf16."""

_UNIT = {torch.bfloat16: 2.0**-23, torch.float32: 2.0**-24, torch.float64: 2.0**-53}
"""Relative error of each rounding in a sum of products. bf16 is summed in float32; twice the unit of float32 allows for
hardware that does not round to nearest."""

_ROUNDED = {torch.bfloat16: 2.0**-8, torch.float32: 0.0}
"""Relative error of rounding a sum to the type of the product."""


def precisions(gallery: Tensor) -> tuple[torch.dtype, ...]:
    """Return the types in which screening this gallery saves time, the fastest first."""
    assert torch.get_float32_matmul_precision() == "highest", "the bounds hold for full float32"
    quick = gallery.device.type == "cpu" and bf16_hardware(gallery.device) == "yes" and gallery.numel() <= _COPY
    return (torch.bfloat16, torch.float32) if quick else (torch.float32,)


def similarity(queries: Tensor, gallery: Tensor, query: Tensor, entry: Tensor) -> Tensor:
    """Return the exact similarities, float32 (pairs,), of rows `query` of `queries` and rows `entry` of `gallery`."""
    found = torch.empty(len(query), device=queries.device)
    step = max(1, (_ELEMENTS if queries.device.type == "cpu" else 2**24) // queries.shape[1])
    for start in range(0, len(query), step):
        here = slice(start, start + step)
        terms = gallery.index_select(0, entry[here]).double().mul_(queries.index_select(0, query[here]))
        width = terms.shape[1]
        while width > 1:
            half = (width + 1) // 2
            terms[:, : width - half] += terms[:, half:width]
            width = half
        found[here] = terms[:, 0]
    return found


class ScoreBlock(NamedTuple):
    """Approximate similarities of n queries, with |exact - value| <= relative * |value| + slack."""

    values: Tensor
    """(n, gallery), padded to a multiple of GROUP columns."""
    slack: Tensor
    """(n, 1), float64."""
    relative: float

    def lower(self, value: Tensor) -> Tensor:
        """Return lower bounds for the exact similarities of entries with these values, (n, 1)."""
        value = value.double()
        return value - self.relative * value.abs() - self.slack

    def least(self, exact: Tensor) -> Tensor:
        """Return the least values possible for entries whose exact similarity is at least `exact`, (n, m)."""
        bound = exact.double() - self.slack
        return (bound / (1 + self.relative * bound.sign())).float()

    def most(self, exact: Tensor) -> Tensor:
        """Return the greatest values possible for entries whose exact similarity is at most `exact`, (n, m)."""
        bound = exact.double() + self.slack
        return (bound / (1 - self.relative * bound.sign())).float()


class ScreenedGallery:
    """A gallery, float32 (gallery, width), prepared for products in one type. In float64 its similarities are exact."""

    def __init__(self, gallery: Tensor, dtype: torch.dtype) -> None:
        self.gallery = torch.empty_like(gallery, dtype=dtype) if dtype == torch.bfloat16 else gallery
        self.dtype, self.exact = dtype, dtype == torch.float64
        self.limit = 2**62 if self.exact else len(gallery) // (64 if dtype == torch.bfloat16 else 32)
        """The largest number of pairs of one query that are compared exactly. With more, the next screen is faster."""
        norm, residual = torch.zeros(2, len(gallery), dtype=torch.float64, device=gallery.device)
        for here in few_rows(gallery):
            norm[here] = _norms(gallery[here])
            if dtype == torch.bfloat16:
                self.gallery[here] = gallery[here]
                residual[here] = _norms(gallery[here] - self.gallery[here])
        self.norm, self.residual = norm.max(), residual.max()
        self._values = torch.empty(0)

    def block(self, queries: Tensor) -> ScoreBlock:
        """Return the similarities of some queries with the whole gallery. Its values are valid until the next block."""
        count, columns = len(queries), -(-len(self.gallery) // GROUP) * GROUP
        if self._values.numel() < count * columns:
            dtype = torch.float32 if self.exact else self.dtype
            self._values = torch.empty(count * columns, dtype=dtype, device=queries.device)
        values = self._values[: count * columns].view(count, columns)
        values[:, len(self.gallery) :] = -torch.inf
        cast = queries.to(self.dtype)
        slack = self._slack(queries, cast)
        for start in range(0, len(self.gallery), _TILE):
            out = values[:, start : start + min(_TILE, len(self.gallery) - start)]
            if self.exact:
                self._round(queries, cast, start, slack, out)
            else:
                _product(cast, self.gallery[start : start + _TILE], out)
        if self.exact:
            return ScoreBlock(values, torch.zeros_like(slack), 0.0)
        values[slack.isinf().squeeze(1)] = 0
        # The exact similarity is rounded to float32 too, and so are the bounds that values are compared with.
        return ScoreBlock(values, slack, _ROUNDED[self.dtype] + 2.0**-22)

    def _round(self, queries: Tensor, cast: Tensor, start: int, slack: Tensor, out: Tensor) -> None:
        """Write the exact similarities of queries and a tile of the gallery.

        Nearly all of them are the float64 product, in any order of summation, rounded. A pair is computed on its own
        only if the error of that product could change the rounded number.
        """
        product = cast @ self.gallery[start : start + out.shape[1]].double().T
        out.copy_(product - slack)
        query, entry = (out != product.add_(slack).float()).nonzero(as_tuple=True)
        out[query, entry] = similarity(queries, self.gallery, query, entry + start)

    def _slack(self, queries: Tensor, cast: Tensor) -> Tensor:
        """Return bounds for the errors of a block's sums before they are rounded, float64 (n, 1).

        A bound has three parts. First, the change of each vector by the conversion, by Cauchy and Schwarz. Then, the
        additions in any order (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1); terms of
        zero add nothing. Last, numbers that are too small for float32, which hardware may take for zero. If a partial
        sum may be too large for float32, the bound is infinite.
        """
        norm, cast_norm = _norms(queries), _norms(cast)
        converted = _norms(queries - cast) * self.norm + cast_norm * self.residual
        terms = (queries != 0).sum(1)
        if self.exact:  # products are exact, so one term is; but the exact similarity is rounded too, and so are bounds
            terms = torch.where(terms > 1, terms + 32, 0)
        roundings = terms * _UNIT[self.dtype]
        summed = roundings / (1 - roundings) * cast_norm * (self.norm + self.residual)
        vanished = 0.0 if self.exact else queries.shape[1] * 2.0**-126 * (1 + norm + self.norm)
        slack = (converted + summed + vanished) * 1.0001  # the norms are rounded too
        slack = torch.where(norm * self.norm == 0, 0.0, slack)
        if not self.exact:
            slack[~(cast_norm * (self.norm + self.residual) < 2.0**126)] = torch.inf
        return slack[:, None]


def _product(one: Tensor, other: Tensor, out: Tensor) -> None:
    """Write the inner products of the rows of two matrices of the same type."""
    if one.dtype == torch.float32 and one.device.type == "cpu" and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        # torch.mm uses MKL for float32, which is slower than oneDNN by a sixth on processors that are not Intel's.
        out.copy_(torch.ops.mkldnn._linear_pointwise(one, other, None, "none", [], ""))
    else:
        torch.mm(one, other.T, out=out)


def _norms(vectors: Tensor) -> Tensor:
    """Return the lengths of vectors, float64 (n,)."""
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=1, dtype=torch.float64)
    return norms


def few_rows(vectors: Tensor) -> Iterator[slice]:
    """Return parts with few enough vectors that results computed from a part stay in a CPU's nearest cache.

    They are too small for torch to split among threads, which costs more than it saves on a machine in use by others.
    """
    rows = max(1, (2**14 if vectors.device.type == "cpu" else 2**24) // vectors.shape[1])
    return (slice(start, start + rows) for start in range(0, len(vectors), rows))


def padded(row: Tensor, values: Tensor, rows: int, fill: float, least: int = 1) -> Tensor:
    """Return values (n,) of ascending rows as a matrix, (rows, largest number in a row but at least `least`).

    Each row has its values in their order, and then `fill`.
    """
    count = torch.bincount(row, minlength=rows)
    matrix = values.new_full((rows, max(least, int(count.max()) if rows else 0)), fill)
    matrix[row, torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]] = values
    return matrix
