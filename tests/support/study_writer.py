"""Study files with mistakes in them, for tests: written from scratch, or real ones with a few words changed."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.support.paths import ROOT, STUDIES

FILES = [
    path.read_text(encoding="utf-8") for path in (*sorted(STUDIES.glob("*.yaml")), *(ROOT / "studies").glob("*.yaml"))
]

JUNK = ["'" + "x" * 3000 + "'", "[" * 60, "9" * 400, "{" + ", ".join(f"k{i}: {i}" for i in range(50)) + "}"]
JUNK += re.split(
    r"\s*¦\s*",
    """on ¦ off ¦ null ¦ ~ ¦ '' ¦ "" ¦ 0 ¦ 1 ¦ -1 ¦ 2.5 ¦ 1e-4 ¦ 1e999 ¦ -1e999 ¦ .nan ¦ .inf ¦ -.inf ¦ 1e308 ¦ 5e-324
    ¦ 99999999999999999999 ¦ 010 ¦ 0x10 ¦ 1_000 ¦ 1:30 ¦ 1.0 ¦ true ¦ yes ¦ no ¦ 2026-11-22 ¦ 'on' ¦ 'a: b' ¦ größe
    ¦ '日本' ¦ "\\0" ¦ "\\ud800" ¦ "\\n" ¦ "\\t x" ¦ '=' ¦ 'a=1, b=2' ¦ baseline ¦ plain ¦ nosuch ¦ D=ABC ¦ I=AB ¦ D=-AB
    ¦ D=A ¦ [] ¦ {} ¦ [[]] ¦ [{}] ¦ [on] ¦ [1, 1] ¦ [null] ¦ {a: 1} ¦ {on: 1} ¦ {1: 2} ¦ {null: 1} ¦ [1, [2, [3]]]
    ¦ {a: {b: {c: [1, {d: 2}]}}} ¦ [[[[[[1]]]]]] ¦ &x [1] ¦ *x ¦ *nosuch ¦ &y {a: *y} ¦ {<<: 1} ¦ {<<: {a: on}}
    ¦ !!str 1 ¦ !!python/object/apply:os.system ['true'] ¦ | ¦ > ¦ - ¦ ? ¦ @ ¦ % ¦ ` ¦ { ¦ [ ¦ } ¦ ] ¦ : ¦ , ¦ #
    ¦ 0..2 ¦ 2..1 ¦ {looks: [2, 3]} ¦ {looks: [3, 2]} ¦ {p: .nan}""",
)

NAMES = ["a", "b", "c", "d", "größe", "a=b", "'x, y'"]
ODD_NAMES = ["on", "1", "extends", "' '", "null", "''"]
LEVELS = ["off", "on", "0", "1", "0.3", "0.2", "small", "'1, b=2'", "1e-3", "full"]
ODD_LEVELS = ["0.30", "-0.0", "'off'", "null", "[1]", ".nan"]
LABELS = ["plain", "baseline", "one", "two", "'x, y'", "a=on"]
WORDS = re.compile(r"[\w.-]+")
MARKS = re.compile(r"[\[\]{}:,]")


class Writer:
    """Writes studies of the right vocabulary, with a mistake here and there."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.mistakes = random.choice([0.0, 0.0, 0.01, 0.03, 0.1, 0.3])
        self.factors: dict[str, list[str]] = {}
        self.labels: list[str] = []

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[self.random.randrange(len(choices))]

    def chance(self, probability: float) -> bool:
        return self.random.randrange(1000) < 1000 * probability

    def odd(self, usual: Sequence[str], odd: Sequence[str]) -> str:
        return str(self.pick(odd if self.chance(self.mistakes) else usual))

    def some(self, make: Callable[[], str], least: int = 1, most: int = 3) -> list[str]:
        return [make() for _ in range(least + self.random.randrange(most - least + 1))]

    def maybe(self, text: str) -> str:
        """The text, or a mistake."""
        return self.pick(JUNK) if self.chance(self.mistakes) else text

    def listed(self, items: Sequence[str]) -> str:
        return self.maybe("[" + ", ".join(self.maybe(item) for item in items) + "]")

    def mapped(self, items: dict[str, str]) -> str:
        return self.maybe(
            "{" + ", ".join(f"{self.maybe(key)}: {self.maybe(value)}" for key, value in items.items()) + "}"
        )

    def study(self) -> str:
        parts = {
            "study": "demo",
            "trainer": self.odd(["simulated"], ["retrieval"]),
            "factors": self.all_factors(),
        }
        optional = {
            "config": self.config, "groups": self.groups, "exclude": self.exclude, "require": self.require,
            "family": self.family, "seeds": self.seeds, "search": self.search, "references": self.references,
            "alpha": lambda: "0.05", "delta": lambda: "1", "primary": lambda: "top5", "question": lambda: "why?",
        }  # fmt: skip
        if not self.chance(self.mistakes):
            parts["design"] = self.listed([self.mapped({"rows": self.rows()}), *self.some(self.design)])
        parts |= {
            key: write()
            for key, write in optional.items()
            if self.chance(0.1 if key in ("exclude", "require") else 0.3)
        }
        if self.chance(0.3):
            inner = {key: write() for key, write in optional.items() if self.chance(0.2)}
            parts["profiles"] = self.mapped({"quick": self.mapped(inner or {"seeds": "1"})})
            parts["default_profile"] = "quick"
        return "\n".join(f"{self.maybe(key)}: {self.maybe(value)}" for key, value in parts.items())

    def all_factors(self) -> str:
        for name in self.some(lambda: self.odd(NAMES, ODD_NAMES), 3, 6):
            self.factors[name] = list(
                dict.fromkeys(self.some(lambda: self.odd(LEVELS, ODD_LEVELS), 2 - self.chance(self.mistakes), 4))
            )
        return self.mapped(
            {name: self.factor(index, levels) for index, (name, levels) in enumerate(self.factors.items())}
        )

    def factor(self, index: int, levels: list[str]) -> str:
        sets = f"settings.k{index}"
        written = {"sets": sets, "levels": self.listed(levels)}
        if self.chance(0.2):
            written["levels"] = self.mapped(
                {level: self.pick(JUNK if self.chance(self.mistakes) else LEVELS) for level in levels}
            )
        if self.chance(0.1):
            written["sets"] = f"[{sets}, settings.m{index}]"
            written["levels"] = self.mapped({level: f"[{n}, [{n}]]" for n, level in enumerate(levels)})
        if self.chance(0.2):
            written["baseline"] = self.pick(levels)
        return self.mapped(written)

    def name(self) -> str:
        return str(self.pick(list(self.factors)))

    def names(self, least: int = 1) -> str:
        return self.listed(list(dict.fromkeys(self.some(self.name, least, 5))))

    def level(self, name: str) -> str:
        return str(self.pick(self.factors[name]))

    def levels(self, least: int = 0, lists: bool = False) -> str:
        found = {}
        for name in self.some(self.name, least, 3):
            several = lists and self.chance(0.3)
            found[name] = self.listed(sorted(set(self.factors[name]))) if several else self.level(name)
        return self.mapped(found)

    def start(self) -> str:
        return str(self.pick(["{}", self.levels(), self.levels(1), self.odd(self.labels or ["{}"], LABELS)]))

    def design(self) -> str:
        kind = self.pick(["rows", "ladder", "add_one", "leave_one_out", "pairs", "grid", "fractional"])
        written = {kind: getattr(self, kind)()}
        if self.chance(0.3 if kind == "grid" else self.mistakes):
            written["from"] = self.start()
        return self.mapped(written)

    def rows(self) -> str:
        found = {}
        for label in dict.fromkeys(
            self.some(lambda: self.odd([n for n in LABELS if n not in self.labels] or ["z"], LABELS))
        ):
            parent = f"extends: {self.pick(self.labels)}, " if self.labels and self.chance(0.2) else ""
            found[label] = self.levels().replace("{", "{" + parent, 1)
            self.labels.append(label)
        return self.mapped(found)

    def ladder(self) -> str:
        rungs = [self.odd([name], [self.levels(1), name, name]) for name in dict.fromkeys(self.some(self.name))]
        return self.mapped({"from": "{}", "add": self.listed(rungs)})

    def add_one(self) -> str:
        return self.mapped({"from": self.start(), **({"factors": self.names()} if self.chance(0.3) else {})})

    leave_one_out = add_one

    def pairs(self) -> str:
        return self.mapped({"from": self.start(), "factors": self.listed(list(self.factors))})

    def grid(self) -> str:
        return self.mapped({name: self.listed(self.factors[name]) for name in self.some(self.name)})

    def fractional(self) -> str:
        how = {"resolution": self.pick(["3", "4", "5"])}
        if self.chance(0.3):
            how = {
                "generators": self.listed(
                    self.some(lambda: self.pick(["C=AB", "D=ABC", "D=-AB", "E=ABCD", "B=A"]), 1, 2)
                )
            }
        return self.mapped({"from": self.start(), "factors": self.listed(list(self.factors)), **how})

    def exclude(self) -> str:
        return self.listed(self.some(lambda: self.levels(1, lists=True)))

    def require(self) -> str:
        return self.listed(
            self.some(lambda: self.mapped({"if": self.levels(1, lists=True), "then": self.levels(1, lists=True)}))
        )

    def groups(self) -> str:
        return self.mapped({name: self.names() for name in ("g", "tricks")})

    def family(self) -> str:
        labels = [*self.labels, "nosuch"] if self.chance(self.mistakes) else self.labels or ["plain"]
        pairs = self.listed(self.some(lambda: self.listed([labels[0], labels[-1]])))
        return str(self.pick(["direct", "effects", pairs]))

    def seeds(self) -> str:
        return self.odd(["1", "2", "0..2", "[3, 1]", "{looks: [2, 3]}"], ["-1", "0", "[-1]", "1.5", "1..99999999999"])

    def config(self) -> str:
        effect = self.mapped(
            {"when": self.mapped({"k0": self.pick(LEVELS)}), "pp": self.odd(["1", "-2.5"], [".nan", "1e999"])}
        )
        return self.mapped(
            {
                "queries": "100",
                "base": self.odd(["0.3", "0.5"], ["2", "1e-9", ".nan"]),
                "effects": self.listed([effect]),
                "settings": self.mapped({"z": self.pick(LEVELS)}),
            }
        )

    def references(self) -> str:
        return self.mapped({self.odd(["other"], LABELS): self.mapped({"base": "0.3"}), "untrained": "{queries: 50}"})

    def search(self) -> str:
        found = {
            "space": self.mapped({name: self.dimension(name) for name in dict.fromkeys(self.some(self.name))}),
            "sampler": self.odd(["tpe", "gp", "random"], ["grid", "cmaes", "tpa", "on"]),
            "pruner": self.odd(["median", "hyperband", "null"], ["mean", "[median]"]),
            "metric": self.odd(["top1", "top10", "[top5]"], ["[top1, top5]", "top2", "[]", "[top1, top1]", "[{}]"]),
            "trials": self.odd(["4", "null"], ["0", "1e9"]),
            "hours": self.odd(["null", "0.5", "2"], ["0", "-1"]),
            "finalists": self.odd(["{top: 2, seeds: 2}", "{}"], ["{top: 0}"]),
            "from": self.odd(["{}", "baseline"], [self.levels(1), "nosuch", "1"]),
        }
        return self.mapped({part: text for part, text in found.items() if part == "space" or self.chance(0.3)})

    def dimension(self, name: str) -> str:
        if self.chance(0.4):
            return self.mapped({"choices": self.listed([*self.factors.get(name, []), *self.some(lambda: "1", 0, 1)])})
        ends = {"low": self.odd(["0.1", "0", "1"], ["5", ".nan", "-.inf"]), "high": self.odd(["1.5", "3"], ["9" * 400])}
        if self.chance(0.3):
            ends |= {"step": self.odd(["0.1", "0.5", "1"], ["0", "9", "1e-300", "on"])}
        return self.mapped(ends | ({"log": self.odd(["off"], ["on"])} if self.chance(0.2) else {}))


def mutated(random: Random) -> str:
    """A real study file with a few words exchanged, doubled, taken out or put in, or with its lines disturbed."""
    text = random.choice(FILES)
    words = WORDS.findall(text)
    for _ in range(1 + random.randrange(4)):
        spans = [match.span() for match in (MARKS if random.randrange(5) == 0 else WORDS).finditer(text)]
        if not spans:
            break
        begin, end = random.choice(spans)
        what = random.randrange(8)
        if what <= 3:
            text = text[:begin] + random.choice(words) + text[end:]
        elif what <= 5:
            text = text[:begin] + random.choice(JUNK) + text[end:]
        elif what == 6:
            text = text[:begin] + text[end:]
        else:
            lines = text.split("\n")
            number = random.randrange(len(lines))
            lines[number : number + 1] = random.choice(
                [[], [lines[number]] * 2, ["  " + lines[number]], [lines[number].strip()]]
            )
            text = "\n".join(lines)
    return text
