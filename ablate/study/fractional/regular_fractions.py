"""Regular fractions of two-level factors: which effects share a column.

A fraction of 2^m runs has m basic factors. The column of every factor is a product of basic ones, written as a
bit mask (A is 0b1, B is 0b10, AB is 0b11) with a sign. The product of several factors has the exclusive or of
their masks and the product of their signs; effects of one mask cannot be told apart. (Box and Hunter 1961;
Montgomery, Design and Analysis of Experiments, chapter 8.)
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import xor

LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZabcdefghjklmnopqrstuvwxyz"
"""Names of factors in generators, without I, which stands for the constant; the convention of R's FrF2."""

_GENERATOR = re.compile(r"\s*([A-Za-z])\s*=\s*([-+]?)\s*([A-Za-z]+)\s*")


@dataclass(frozen=True)
class RegularFraction:
    """A fraction of 2^`basic` runs: for each factor the mask of its column, and its sign, 1 or -1."""

    basic: int
    masks: tuple[int, ...]
    signs: tuple[int, ...]

    @property
    def runs(self) -> int:
        return 1 << self.basic

    def cells(self) -> Iterator[tuple[int, ...]]:
        """The runs in standard order, the first basic factor varying fastest: 0 is low, 1 is high."""
        for run in range(self.runs):
            yield tuple(self._level(mask, sign, run) for mask, sign in zip(self.masks, self.signs, strict=True))

    def _level(self, mask: int, sign: int, run: int) -> int:
        lows = (mask & ~run).bit_count()
        return int((lows % 2 == 0) == (sign > 0))

    def sign(self, factors: Sequence[int]) -> int:
        """The sign of the product of some factors, given by their numbers."""
        return -1 if sum(self.signs[factor] < 0 for factor in factors) % 2 else 1

    def mask(self, factors: Sequence[int]) -> int:
        return reduce(xor, (self.masks[factor] for factor in factors), 0)

    def generated(self) -> list[int]:
        """The factors that are products of others: all but the first with each basic column."""
        basics = {self.masks.index(1 << bit) for bit in range(self.basic)}
        return [factor for factor in range(len(self.masks)) if factor not in basics]

    def generators(self) -> list[tuple[int, ...]]:
        """The defining words that come from one generated factor each: the factor, then the basic ones in it."""
        basic = [self.masks.index(1 << bit) for bit in range(self.basic)]
        return [
            (factor, *(basic[bit] for bit in range(self.basic) if self.masks[factor] >> bit & 1))
            for factor in self.generated()
        ]

    def chains(self) -> list[list[tuple[int, ...]]]:
        """Main effects and two-factor interactions, as factor numbers, by the column that they share."""
        found: dict[int, list[tuple[int, ...]]] = {}
        numbers = range(len(self.masks))
        for effect in [*((number,) for number in numbers), *combinations(numbers, 2)]:
            found.setdefault(self.mask(effect), []).append(effect)
        return list(found.values())

    def words(self) -> list[tuple[int, ...]]:
        """Every product of factors that is constant: 2^p - 1 of them for p generators, the shortest first."""
        found: set[frozenset[int]] = {frozenset()}
        for generator in self.generators():
            found |= {word ^ frozenset(generator) for word in found}
        return sorted((tuple(sorted(word)) for word in found if word), key=lambda word: (len(word), word))


def shortest_word(masks: Sequence[int]) -> int | None:
    """The resolution: the least number of columns whose product is constant; None if all are independent."""
    words = _independent_words(masks)
    if len(words) > 12:
        return _shortest_of_many(masks)
    found = {0}
    for word in words:
        found |= {word ^ other for other in found}
    return min((word.bit_count() for word in found if word), default=None)


def _shortest_of_many(masks: Sequence[int]) -> int:
    """The same for too many words to go through: there, the shortest is short.

    Two products of s columns with one mask make a word of at most 2s, and one of s and one of s - 1 a word of at
    most 2s - 1; in this order, the first that is found is the shortest.
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
    """Words, as bits of factors, whose products are all words: one for each column that others give."""
    reduced: dict[int, tuple[int, int]] = {}  # by highest bit: a product of columns, and which
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
    """The fraction that generators like `D=ABC` and `E=-AB` describe; ValueError says what is wrong with one."""
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
