"""Similarities of queries and gallery entries: exact ones of single pairs, and quick ones of whole blocks with a bound
on their error.

Exact means: the inner product of two float32 vectors in float64, where every product is exact, summed by halves and
rounded to float32. It depends on the two vectors alone, not on where they stand among others, on threads or device, so
equal entries are equally similar; and pairs that tie in mathematics tie here, but for coincidences at the 29 bits that
are rounded off.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ablate.retrieval.training.device import bf16_hardware

GROUP = 64
"""Blocks are padded to a multiple of this many columns, with minus infinity."""

_ELEMENTS = 2**17  # of float64 at once where pairs are computed: what a CPU's nearer caches hold
_TILE = 4096  # gallery entries in one product: of products with all at once, the caches hold too little
_COPY = 2**27  # numbers of a gallery that are copied to bf16

_UNIT = {torch.bfloat16: 2.0**-23, torch.float32: 2.0**-24, torch.float64: 2.0**-53}
"""Relative error of each rounding in a sum of products. bf16 is summed in float32, and twice its unit allows for
hardware that does not round to nearest."""

_ROUNDED = {torch.bfloat16: 2.0**-8, torch.float32: 0.0}
"""Relative error of rounding a sum to the type of the product."""


def precisions(gallery: Tensor) -> tuple[torch.dtype, ...]:
    """The types in which it pays to screen this gallery, the quickest first."""
    assert torch.get_float32_matmul_precision() == "highest", "the bounds hold for full float32"
    quick = gallery.device.type == "cpu" and bf16_hardware(gallery.device) == "yes" and gallery.numel() <= _COPY
    return (torch.bfloat16, torch.float32) if quick else (torch.float32,)


def similarity(queries: Tensor, gallery: Tensor, query: Tensor, entry: Tensor) -> Tensor:
    """The exact similarities of pairs, float32 (pairs,): of rows `query` of the queries and `entry` of the gallery."""
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
    """Screened similarities (n, gallery, padded), with |exact - value| <= relative * |value| + slack."""

    values: Tensor
    slack: Tensor  # (n, 1), float64
    relative: float

    def lower(self, value: Tensor) -> Tensor:
        """What the exact similarities of entries with these values, (n, 1), are at least."""
        value = value.double()
        return value - self.relative * value.abs() - self.slack

    def least(self, exact: Tensor) -> Tensor:
        """The least values that entries can have whose exact similarity is at least this one, (n, m)."""
        bound = exact.double() - self.slack
        return (bound / (1 + self.relative * bound.sign())).float()

    def most(self, exact: Tensor) -> Tensor:
        """The greatest values that entries can have whose exact similarity is at most this one, (n, m)."""
        bound = exact.double() + self.slack
        return (bound / (1 - self.relative * bound.sign())).float()


class ScreenedGallery:
    """A gallery, float32 (gallery, width), made ready for products in some type; in float64, what it gives is exact."""

    def __init__(self, gallery: Tensor, dtype: torch.dtype) -> None:
        self.gallery = torch.empty_like(gallery, dtype=dtype) if dtype == torch.bfloat16 else gallery
        self.dtype, self.exact = dtype, dtype == torch.float64
        self.limit = 2**62 if self.exact else len(gallery) // (64 if dtype == torch.bfloat16 else 32)
        """Pairs of a query that are compared exactly sooner than by the next screen."""
        norm, residual = torch.zeros(2, len(gallery), dtype=torch.float64, device=gallery.device)
        for here in few_rows(gallery):
            norm[here] = _norms(gallery[here])
            if dtype == torch.bfloat16:
                self.gallery[here] = gallery[here]
                residual[here] = _norms(gallery[here] - self.gallery[here])
        self.norm, self.residual = norm.max(), residual.max()
        self._values = torch.empty(0)

    def block(self, queries: Tensor) -> ScoreBlock:
        """The products of some queries with the whole gallery. Its values are good until the next block."""
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
        # The exact similarity is rounded to float32 as well, and so are the bounds that values are held against.
        return ScoreBlock(values, slack, _ROUNDED[self.dtype] + 2.0**-22)

    def _round(self, queries: Tensor, cast: Tensor, start: int, slack: Tensor, out: Tensor) -> None:
        """Writes the exact similarities of queries and a tile of the gallery.

        Nearly all of them are what float64 gives in any order, rounded: only where its error could change the rounded
        number, the pair is computed by itself.
        """
        product = cast @ self.gallery[start : start + out.shape[1]].double().T
        out.copy_(product - slack)
        query, entry = (out != product.add_(slack).float()).nonzero(as_tuple=True)
        out[query, entry] = similarity(queries, self.gallery, query, entry + start)

    def _slack(self, queries: Tensor, cast: Tensor) -> Tensor:
        """What the sums of a block err by at most, before they are rounded, float64 (n, 1).

        By Cauchy and Schwarz, from what the conversion really took from each vector; then from the additions in any
        order (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1); then from numbers that are
        too small for float32, which hardware may take for zero. Terms of zero add nothing. Where a sum on the way
        may be too large for float32, values say nothing.
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
    """Writes the inner products of the rows of two matrices, of one type."""
    if one.dtype == torch.float32 and one.device.type == "cpu" and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        # torch.mm takes MKL for float32, which is slower than oneDNN by a sixth on processors that are not Intel's.
        out.copy_(torch.ops.mkldnn._linear_pointwise(one, other, None, "none", [], ""))
    else:
        torch.mm(one, other.T, out=out)


def _norms(vectors: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=1, dtype=torch.float64)
    return norms


def few_rows(vectors: Tensor) -> Iterator[slice]:
    """Parts of so many vectors that what is made of them stays in a CPU's nearest cache.

    They are too small for torch to share among threads, which costs more than it gains where others use the machine.
    """
    rows = max(1, (2**14 if vectors.device.type == "cpu" else 2**24) // vectors.shape[1])
    return (slice(start, start + rows) for start in range(0, len(vectors), rows))


def padded(row: Tensor, values: Tensor, rows: int, fill: float, least: int = 1) -> Tensor:
    """Values that belong to ascending rows, (n,), as (rows, most of a row, or `least`): each row's in their order."""
    count = torch.bincount(row, minlength=rows)
    found = values.new_full((rows, max(least, int(count.max()) if rows else 0)), fill)
    found[row, torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]] = values
    return found
