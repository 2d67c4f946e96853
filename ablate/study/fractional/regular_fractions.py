"""Regular fractions of two-level factors, and the effects that share a column in them.

A fraction of 2^m runs has m basic factors. The column of every factor is a product of basic ones, written as a
bit mask (A is 0b1, B is 0b10, AB is 0b11) with a sign. The product of several factors has the exclusive or of
their masks and the product of their signs. Effects of the same mask cannot be separated. (Box and Hunter 1961;
Montgomery, Design and Analysis of Experiments, chapter 8.)
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import xor

LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZabcdefghjklmnopqrstuvwxyz"
"""The names of factors in generators. I is left out, as it stands for the constant (the convention of R's FrF2)."""

_GENERATOR = re.compile(r"\s*([A-Za-z])\s*=\s*([-+]?)\s*([A-Za-z]+)\s*")


@dataclass(frozen=True)
class RegularFraction:
    """A regular fraction."""

    basic: int
    """The number of basic factors."""
    masks: tuple[int, ...]
    """The mask of each factor's column."""
    signs: tuple[int, ...]
    """The sign of each factor's column, 1 or -1."""

    @property
    def runs(self) -> int:
        """The number of runs, 2^`basic`."""
        return 1 << self.basic

    def cells(self) -> Iterator[tuple[int, ...]]:
        """Yield the runs in standard order, the first basic factor varying fastest; 0 is low, 1 is high."""
        for run in range(self.runs):
            yield tuple(self._level(mask, sign, run) for mask, sign in zip(self.masks, self.signs, strict=True))

    def _level(self, mask: int, sign: int, run: int) -> int:
        lows = (mask & ~run).bit_count()
        return int((lows % 2 == 0) == (sign > 0))

    def sign(self, factors: Sequence[int]) -> int:
        """Return the sign, 1 or -1, of the product of some factors, given by their numbers."""
        return -1 if sum(self.signs[factor] < 0 for factor in factors) % 2 else 1

    def mask(self, factors: Sequence[int]) -> int:
        """Return the mask of the product of some factors, given by their numbers."""
        return reduce(xor, (self.masks[factor] for factor in factors), 0)

    def generated(self) -> list[int]:
        """Return the factors that are products of others: all except the first factor with each basic column."""
        basics = {self.masks.index(1 << bit) for bit in range(self.basic)}
        return [factor for factor in range(len(self.masks)) if factor not in basics]

    def generators(self) -> list[tuple[int, ...]]:
        """Return a defining word for each generated factor: the factor, then the basic factors in its product."""
        basic = [self.masks.index(1 << bit) for bit in range(self.basic)]
        return [
            (factor, *(basic[bit] for bit in range(self.basic) if self.masks[factor] >> bit & 1))
            for factor in self.generated()
        ]

    def chains(self) -> list[list[tuple[int, ...]]]:
        """Return main effects and two-factor interactions, as factor numbers, grouped by the column that they share."""
        chains: dict[int, list[tuple[int, ...]]] = {}
        numbers = range(len(self.masks))
        for effect in [*((number,) for number in numbers), *combinations(numbers, 2)]:
            chains.setdefault(self.mask(effect), []).append(effect)
        return list(chains.values())

    def words(self) -> list[tuple[int, ...]]:
        """Return every product of factors that is constant: 2^p - 1 for p generators, the shortest first."""
        words: set[frozenset[int]] = {frozenset()}
        for generator in self.generators():
            words |= {word ^ frozenset(generator) for word in words}
        return sorted((tuple(sorted(word)) for word in words if word), key=lambda word: (len(word), word))


def shortest_word(masks: Sequence[int]) -> int | None:
    """Return the resolution: the smallest number of columns with a constant product; None if all are independent."""
    words = _independent_words(masks)
    if len(words) > 12:
        return _shortest_of_many(masks)
    products = {0}
    for word in words:
        products |= {word ^ other for other in products}
    return min((product.bit_count() for product in products if product), default=None)


def _shortest_of_many(masks: Sequence[int]) -> int:
    """Return the same if there are too many words to list. The shortest word is short then.

    Two products of s columns with one mask make a word of at most 2s. One of s and one of s - 1 columns make a word of
    at most 2s - 1. Products are compared in this order, so that the first word is the shortest.
    """
    before = {0}
    for size in range(1, len(masks) + 1):
        products = [reduce(xor, chosen) for chosen in combinations(masks, size)]
        distinct = set(products)
        if before & distinct:
            return 2 * size - 1
        if len(distinct) < len(products):
            return 2 * size
        before = distinct
    raise AssertionError("columns that depend on one another have a word")


def _independent_words(masks: Sequence[int]) -> list[int]:
    """Return words, as bits of factors, whose products are all words: one for each column that depends on others."""
    reduced: dict[int, tuple[int, int]] = {}  # by highest bit: the mask of a product, and its factors as bits
    words = []
    for number, mask in enumerate(masks):
        factors = 1 << number
        while mask and (top := mask.bit_length()) in reduced:
            mask, factors = mask ^ reduced[top][0], factors ^ reduced[top][1]
        if mask:
            reduced[mask.bit_length()] = mask, factors
        else:
            words.append(factors)
    return words


def from_generators(texts: Sequence[str], factors: int) -> RegularFraction:
    """Return the fraction of generators like `D=ABC` and `E=-AB`; ValueError with the fault of a wrong one."""
    letters = LETTERS[:factors]
    products: dict[str, tuple[int, str]] = {}
    for text in texts:
        letter, sign, product = _parsed(text, letters)
        if letter in products:
            raise ValueError(f"{text}: {letter} is generated twice")
        products[letter] = (-1 if sign == "-" else 1, product)
    basics = [letter for letter in letters if letter not in products]
    masks = {letter: 1 << bit for bit, letter in enumerate(basics)}
    for letter, (_, product) in products.items():
        generated = next((other for other in product if other in products), None)
        if generated:
            raise ValueError(f"{letter}={product}: {generated} is generated itself; accepted: {', '.join(basics)}")
        masks[letter] = sum(masks[other] for other in product)
    signs = tuple(products[letter][0] if letter in products else 1 for letter in letters)
    return RegularFraction(len(basics), tuple(masks[letter] for letter in letters), signs)


def _parsed(text: str, letters: str) -> tuple[str, str, str]:
    match = _GENERATOR.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no generator; accepted: a factor's letter and a product of others, like D=ABC")
    letter, sign, product = match.groups()
    unknown = next((other for other in letter + product if other not in letters), None)
    if unknown:
        raise ValueError(
            f"{text}: there is no factor {unknown}; the factors are {letters[0]} to {letters[-1]}, without I"
        )
    if letter in product or len(set(product)) < len(product):
        raise ValueError(f"{text}: a letter stands here twice")
    return letter, sign, product
