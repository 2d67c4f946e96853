"""The `search` of a study file: the search that it describes, and every fault with its place."""

from pathlib import Path
from typing import Any

import pytest

from ablate.errors import StudyError
from ablate.study.reading.study_reader import read_study
from ablate.study.search_space.space import Dimension, RangeDimension, SearchSpec
from tests.support.study_text import filled

HEAD = """\
study: demo
config: {loss: {label_smoothing: 0.1}, schedule: {steps: 10, milestones: [5]}}
factors:
  margin: {sets: loss.margin, levels: [0.3, 0.2]}
  omega: {sets: loss.omega, levels: [0.9, 0.7]}
  erasing: {sets: augment.random_erasing, levels: {off: null, on: {p: 0.5}}}
  neck: {sets: evaluate.neck, levels: [before, after]}
  length: {sets: [schedule.steps, schedule.milestones], levels: {full: [10, [5]], half: [5, [2]]}}
design: [{rows: {plain: {}, erased: {erasing: on}}}, {add_one: {from: {}, factors: [omega]}}]
search:
"""
LINE = 1 + HEAD.count("\n")
"""The first line after HEAD."""


def read(tmp_path: Path, text: str, **options: Any) -> SearchSpec:
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    search = read_study(path, **options).search
    assert search is not None
    return search


def only(tmp_path: Path, dimension: str, head: str = HEAD) -> Dimension:
    (found,) = read(tmp_path, filled("<head>  space: {<dimension>}\n", head=head, dimension=dimension)).dimensions
    return found


def faults(tmp_path: Path, text: str, **options: Any) -> list[str]:
    with pytest.raises(StudyError) as caught:
        read(tmp_path, text, **options)
    return [fault.replace(str(tmp_path) + "/", "") for fault in caught.value.faults]


def test_what_a_search_is_unless_the_file_says_more(tmp_path: Path) -> None:
    search = read(tmp_path, HEAD + "  space: {margin: {low: 0.05, high: 1}}\n")
    assert search.dimensions == (RangeDimension("margin", "loss.margin", 0.05, 1),)
    assert {name: level.name for name, level in search.start.items()} == {
        "margin": 0.3, "omega": 0.9, "erasing": False, "neck": "before", "length": "full",
    }  # fmt: skip
    assert (search.sampler, search.pruner, search.names) == ("tpe", None, ["top1"])
    assert (search.trials, search.hours, search.top, search.finalist_seeds) == (40, None, 3, 5)


def test_what_a_file_can_say_of_a_search(tmp_path: Path) -> None:
    text = """\
  space:
    erasing: {choices: [on, off]}
    length: {choices: [half, full]}
    schedule.lr: {low: 1e-5, high: 1e-3, log: true}
    loss.distance: {choices: [squared, euclidean]}
  from: {omega: 0.7}
  sampler: random
  pruner: null
  metric: [top5, top1]
  hours: 2
  finalists: {top: 1, seeds: 2}
"""
    search = read(tmp_path, HEAD + text)
    erasing, length, rate, distance = search.dimensions
    assert [(choice.name, choice.values) for choice in erasing.choices] == [(True, ({"p": 0.5},)), (False, (None,))]
    assert (length.keys, length.values) == (("schedule.steps", "schedule.milestones"), ["half", "full"])
    assert (rate.keys, rate.low, rate.high, rate.log, rate.is_whole) == (("schedule.lr",), 1e-5, 1e-3, True, False)
    assert [(choice.name, choice.values) for choice in distance.choices] == [
        ("squared", ("squared",)),
        ("euclidean", ("euclidean",)),
    ]
    assert (search.start["omega"].name, search.start["neck"].name) == (0.7, "before")
    assert (search.sampler, search.pruner, search.names) == ("random", None, ["top5", "top1"])
    assert (search.trials, search.hours, search.top, search.finalist_seeds) == (None, 2, 1, 2)


@pytest.mark.parametrize(
    ("start", "expected"),
    [("erased", (True, 0.9)), ("omega=0.7", (False, 0.7)), ("baseline", (False, 0.9)), ("{}", (False, 0.9))],
)
def test_a_search_starts_from_any_row(tmp_path: Path, start: str, expected: tuple[bool, float]) -> None:
    search = read(tmp_path, HEAD + filled("  space: {margin: {low: 0, high: 1}}\n  from: <start>\n", start=start))
    assert (search.start["erasing"].name, search.start["omega"].name) == expected


def test_a_row_that_it_starts_from_fixes_nothing_that_is_searched(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD + "  space: {erasing: {choices: [on, off]}}\n  from: erased\n").dimensions


def test_the_metric_is_the_primary_unless_another_is_named(tmp_path: Path) -> None:
    space = "  space: {margin: {low: 0, high: 1}}\n"
    assert read(tmp_path, HEAD + space, settings=["primary=top10"]).names == ["top10"]
    assert read(tmp_path, HEAD + space + "  metric: top5\n", settings=["primary=top10"]).names == ["top5"]


def test_a_searched_config_key_may_stand_in_config_and_a_factor_s_baseline_too(tmp_path: Path) -> None:
    assert only(tmp_path, "loss.label_smoothing: {low: 0, high: 0.5}").low == 0
    head = HEAD.replace("loss: {", "loss: {margin: 0.3, ")
    assert only(tmp_path, "margin: {low: 0, high: 0.5}", head).high == 0.5


@pytest.mark.parametrize(
    ("dimension", "is_whole"),
    [
        ("schedule.warmup_steps: {low: 0, high: 10}", True),  # a key that takes no fractions
        ("schedule.warmup_steps: {low: 0, high: 1}", True),
        ("margin: {low: 0, high: 1}", False),
        ("margin: {low: 0, high: 4, step: 1}", True),  # all written as whole numbers
        ("margin: {low: 0, high: 4, step: 1.0}", False),
        ("margin: {low: 0, high: 1, step: 0.1}", False),
        ("schedule.warmup_steps: {low: 1, high: 10, log: true}", True),
    ],
)
def test_whole_numbers(tmp_path: Path, dimension: str, is_whole: bool) -> None:
    assert only(tmp_path, dimension).is_whole == is_whole


FREE = """\
study: demo
trainer: simulated
config: {settings: {c: 4}}
factors:
  a: {sets: settings.a, levels: [1, 2]}
  b: {sets: settings.b, levels: [1, 2.5]}
  word: {sets: settings.word, levels: [small, 2]}
  flag: {sets: settings.flag, levels: [on, 2]}
search:
"""


@pytest.mark.parametrize(
    ("dimension", "is_whole"),
    [
        ("a: {low: 1, high: 3}", True),  # the range and the levels are whole numbers
        ("a: {low: 1, high: 100, log: true}", True),
        ("a: {low: 1.0, high: 3}", False),  # the file asks for fractions
        ("a: {low: 1, high: 3.5}", False),
        ("a: {low: 1, high: 3, step: 0.5}", False),
        ("b: {low: 1, high: 3}", False),
        ("word: {low: 1, high: 3}", False),
        ("flag: {low: 1, high: 3}", False),
        ("settings.c: {low: 1, high: 9}", True),  # the config has a whole number there
        ("settings.d: {low: 1, high: 9}", False),
        ("seed_sd_pp: {low: 0, high: 1}", False),  # a key that takes fractions
        ("queries: {low: 10, high: 100}", True),  # a key that takes none
    ],
)
def test_a_free_key_is_searched_in_whole_numbers_if_its_values_are(
    tmp_path: Path, dimension: str, is_whole: bool
) -> None:
    found = only(tmp_path, dimension, FREE)
    assert isinstance(found, RangeDimension)
    assert found.is_whole == is_whole
    assert type(found.exact(2.0)) is (int if is_whole else float)


def test_a_search_that_began_with_fractions_is_another_space(tmp_path: Path) -> None:
    """It continues if the file asks for fractions."""
    whole, fractions = (only(tmp_path, f"a: {{low: {low}, high: 3}}", FREE).declared() for low in ("1", "1.0"))
    assert whole != fractions
    assert fractions == {"sets": ["settings.a"], "low": 1, "high": 3}


def test_steps_are_the_numbers_that_people_write(tmp_path: Path) -> None:
    dimension = only(tmp_path, "margin: {low: 0.1, high: 1.05, step: 0.1}")
    assert dimension.values == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert (dimension.high, dimension.count) == (1.0, 10)
    assert dimension.exact(0.1 + 2 * 0.1) == 0.3 != 0.1 + 2 * 0.1
    assert [dimension.exact_or_none(value) for value in (0.30000000000000004, 0.25, 1.1, 0.0, True, "0.3", None)] == [
        0.3, None, None, None, None, None, None,
    ]  # fmt: skip


def test_choices_are_held_by_name(tmp_path: Path) -> None:
    dimension = only(tmp_path, "erasing: {choices: [off, on]}")
    assert (dimension.exact_or_none(True), dimension.exact_or_none(False)) == (True, False)
    assert dimension.exact_or_none(1) is None
    assert dimension.exact_or_none({}) is None


def test_what_may_not_change_is_what_is_searched_and_how(tmp_path: Path) -> None:
    text = HEAD + "  space: {margin: {low: 0, high: 1}, erasing: {choices: [off, on]}}\n"
    first = read(tmp_path, text).declared
    for old, new in [
        ("high: 1}", "high: 2}"),
        ("high: 1}", "high: 1, step: 0.5}"),
        ("[off, on]", "[on, off]"),
        ("{p: 0.5}", "{p: 0.4}"),
        ("margin: {low", "omega: {low"),
        ("search:\n", "search:\n  from: {omega: 0.7}\n"),
        ("search:\n", "search:\n  sampler: gp\n"),
        ("search:\n", "search:\n  pruner: median\n"),
        ("search:\n", "search:\n  metric: top5\n"),
    ]:
        assert old in text
        assert read(tmp_path, text.replace(old, new)).declared != first, new
    for new in ("  trials: 7\n", "  hours: 1\n", "  finalists: {top: 1}\n", "  from: baseline\n", "  metric: top1\n"):
        assert read(tmp_path, text + new).declared == first, new
    assert read(tmp_path, text.replace("[0.3, 0.2]", "[0.2, 0.3]")).declared == first, "where it would start"


SPACE = "study.yaml:{line}: search.space."


@pytest.mark.parametrize(
    ("dimension", "told"),
    [
        ("margin: {low: 1, high: 0.5}", "margin: low is not below high: 1 and 0.5; swap them or move them apart"),
        ("margin: {low: 1, high: 1}", "margin: low is not below high"),
        ("margin: {low: 1}", "margin: low without high; a range has both"),
        ("margin: {high: 1}", "margin: high without low; a range has both"),
        ("margin: {}", "margin: neither a range nor choices; accepted: {low"),
        ("margin: {low: 0, high: 1, choices: [0.3, 0.2]}", "margin: choices and low stand together; accepted: a range"),
        ("margin: {step: 1, choices: [0.3, 0.2]}", "margin: choices and step stand together"),
        ("margin: {low: 0, high: 1, log: on}", "margin.low: found 0; on a log scale, low is above 0"),
        ("margin: {low: 1, high: 2, log: on, step: 1}", "margin.log: a range on a log scale has no steps"),
        ("margin: {low: 0, high: 1, step: 0}", "margin.step: found 0; accepted: more than 0"),
        ("margin: {low: 0, high: 1, step: 2}", "margin.step: a step of 2 is larger than the range; at most 1"),
        ("margin: {low: 0, high: .inf}", "margin.high: found inf; accepted: a finite number"),
        ("margin: {low: on, high: 1}", "margin.low: found on; accepted: a number"),
        ("margin: {lo: 0, high: 1}",
         "margin.lo: unknown key 'lo'; did you mean 'low'? known: low, high, step, log, choices"),
        ("margin: {low: -1, high: 1}", "margin.low: found -1; accepted: at least 0"),
        ("omega: {low: 0.5, high: 1.5}", "omega.high: found 1.5; accepted: at most 1"),
        ("schedule.lr: {low: 0, high: 1}", "schedule.lr.low: found 0; accepted: more than 0"),
        ("neck: {low: 0, high: 1}", "neck.low: found 0; accepted: 'before' or 'after'"),
        ("schedule.warmup_steps: {low: 0.5, high: 2}",
         "schedule.warmup_steps.low: found 0.5; accepted: a whole number"),
        ("schedule.warmup_steps: {low: 0, high: 2, step: 0.5}",
         "schedule.warmup_steps.step: found 0.5; accepted: a whole"),
        ("margin: {choices: [0.3]}",
         "margin.choices: a search needs at least 2 choices; a fixed value stands in `from`"),
        ("loss.distance: {choices: [squared]}",
         "loss.distance.choices: a search needs at least 2 choices; a fixed value stands in `config`"),
        ("margin: {choices: []}", "margin.choices: a search needs at least 2 choices"),
        ("margin: {choices: [0.3, 0.30]}", "margin.choices[1]: choice 0.3 stands here twice"),
        ("margin: {choices: [0.3, 0.25]}", "margin.choices[1]: unknown level of margin 0.25; known: 0.3, 0.2"),
        ("neck: {choices: [before, afer]}",
         "neck.choices[1]: unknown level of neck 'afer'; did you mean 'after'? known: before, after"),
        ("erasing: {choices: [on, 0]}", "erasing.choices[1]: unknown level of erasing 0; known: off, on"),
        ("loss.distance: {choices: [squared, cubed]}",
         "loss.distance.choices[1]: found 'cubed'; accepted: 'squared' or 'euclidean'"),
        ("loss.distance: {choices: [squared, [euclidean]]}",
         "loss.distance.choices[1]: found ['euclidean']; accepted: on or off, a number, or text"),
        ("model.stem_relu: {choices: [on, 1]}", "model.stem_relu.choices[1]: found 1; accepted: on or off"),
        ("margn: {low: 0, high: 1}", "margn: unknown factor or config key 'margn'; did you mean 'margin'?"),
        ("margn: {low: 0, high: 1}", "did you mean 'margin'"),
        ("schedule.lt: {low: 0, high: 1}", "did you mean 'schedule.lr'"),
        ("loss.margin: {low: 0, high: 1}", "loss.margin: search factor 'margin' instead, which sets loss.margin"),
        ("augment.random_erasing.p: {low: 0, high: 1}", "augment.random_erasing.p: search factor 'erasing' instead"),
        ("schedule: {choices: [1, 2]}",
         "schedule: search factor 'length' instead, which sets schedule.steps, schedule.milestones"),
        ("margin: {low: 0, high: 1}, loss.margin: {low: 0, high: 1}",
         "loss.margin: factor 'margin' is searched as well, and sets loss.margin; leave this out"),
        ("loss.metric_options: {choices: [1, 2]}, loss.metric_options.a: {low: 0, high: 1}",
         "loss.metric_options.a: loss.metric_options and loss.metric_options.a are one key"),
        ("length: {low: 0, high: 1}",
         "length: factor 'length' sets several keys, and a range is for one; accepted: choices"),
    ],
)  # fmt: skip
def test_faults_of_a_dimension(tmp_path: Path, dimension: str, told: str) -> None:
    found = faults(tmp_path, HEAD + filled("  space:\n    {<dimension>}\n", dimension=dimension))
    assert any(fault.startswith(f"study.yaml:{LINE + 1}: search.space.") and told in fault for fault in found), found


TWO = "  space: {margin: {low: 0, high: 1}, neck: {choices: [before, after]}}\n"
LISTS = "  space: {erasing: {choices: [off, on]}, neck: {choices: [before, after]}}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TWO + "  sampler: tpa\n",
         "sampler: unknown sampler 'tpa'; did you mean 'tpe'? known: tpe, gp, random, grid, cmaes"),
        (TWO + "  pruner: medain\n",
         "pruner: unknown pruner 'medain'; did you mean 'median'? known: median, hyperband"),
        (TWO + "  metric: top2\n", "metric: unknown metric 'top2'; did you mean 'top5'? known: top1, top5, top10"),
        (TWO + "  metric: [top1, top3]\n", "metric[1]: unknown metric 'top3'"),
        (TWO + "  metric: [top1, top1]\n", "metric[1]: metric top1 stands here twice"),
        (TWO + "  metric: []\n", "metric: found []; accepted: "),
        (TWO + "  trials: 0\n", "trials: found 0; accepted: at least 1"),
        (TWO + "  hours: 0\n", "hours: found 0; accepted: more than 0"),
        (TWO + "  finalists: {top: 0}\n", "finalists.top: found 0; accepted: at least 1"),
        (TWO + "  from: plane\n", "from: unknown row 'plane'; did you mean 'plain'?"),
        (TWO + "  from: {omega: 0.8}\n", "from.omega: unknown level of omega 0.8"),
        (TWO + "  from: {margin: 0.2}\n",
         "from.margin: factor 'margin' is both fixed and searched: take it out of one"),
        (LISTS + "  sampler: cmaes\n",
         "sampler: cmaes searches ranges of numbers, and space has only choices; tpe searches both"),
        (TWO + "  sampler: cmaes\n  metric: [top1, top5]\n",
         "sampler: cmaes takes one metric, and metric names several; accepted: tpe, gp, random, grid"),
        (TWO + "  pruner: median\n  metric: [top1, top5]\n",
         "pruner: pruning uses one metric, and metric names several"),
        ("  space: {}\n", "space: found {}; accepted: at least one entry"),
        ("  space: {margin: {low: 0, high: 1}}\n  trails: 3\n", "trails: unknown key 'trails'"),
    ],
)  # fmt: skip
def test_faults_of_a_search(tmp_path: Path, text: str, told: str) -> None:
    found = faults(tmp_path, HEAD + text)
    assert any(fault.startswith("study.yaml:") and f": search.{told}" in fault for fault in found), found


def test_a_grid_needs_values_to_count(tmp_path: Path) -> None:
    found = faults(tmp_path, HEAD + TWO + "  sampler: grid\n")
    assert found == [
        f"study.yaml:{LINE}: search.space.margin: sampler grid needs `step` or `choices` here; "
        "the others search any value of a range"
    ]
    stepped = TWO.replace("high: 1", "high: 1, step: 0.25")
    assert [each.count for each in read(tmp_path, HEAD + stepped + "  sampler: grid\n").dimensions] == [5, 2]
    (fault,) = faults(tmp_path, HEAD + TWO.replace("high: 1", "high: 1, step: 1e-6") + "  sampler: grid\n")
    assert fault == (
        f"study.yaml:{LINE + 1}: search.sampler: the grid has 2,000,002 combinations, "
        "and at most 1,000,000 are searched; take larger steps"
    )


def test_what_config_fixes_is_not_searched(tmp_path: Path) -> None:
    head = HEAD.replace("loss: {", "loss: {margin: 0.4, ")
    assert faults(tmp_path, head + TWO) == [
        f"study.yaml:{LINE}: search.space.margin: config.loss.margin fixes 0.4, and factor 'margin' sets it again; "
        "take it out of config, or write its baseline 0.3 there"
    ]


def test_all_faults_come_at_once_beside_those_of_the_file(tmp_path: Path) -> None:
    text = """\
  space:
    margin: {low: 1, high: 0}
    omega: {low: zero, high: 1}
    loss.label_smoothing: {low: 0, high: 3}
    erasing: {choices: [on, of]}
  from: {neck: behind}
  sampler: best
  metric: top2
  trials: -1
seeds: 0
"""
    found = faults(tmp_path, HEAD + text)
    assert [fault.split(": ")[0:2] for fault in found] == [
        [f"study.yaml:{LINE + 1}", "search.space.margin"],
        [f"study.yaml:{LINE + 2}", "search.space.omega.low"],
        [f"study.yaml:{LINE + 3}", "search.space.loss.label_smoothing.high"],
        [f"study.yaml:{LINE + 4}", "search.space.erasing.choices[1]"],
        [f"study.yaml:{LINE + 5}", "search.from.neck"],
        [f"study.yaml:{LINE + 6}", "search.sampler"],
        [f"study.yaml:{LINE + 7}", "search.metric"],
        [f"study.yaml:{LINE + 8}", "search.trials"],
        [f"study.yaml:{LINE + 9}", "seeds"],
    ]


def test_ends_that_only_go_together_with_another_searched_key_are_no_fault(tmp_path: Path) -> None:
    """Each candidate shows if its values go together. Next to a key that nothing varies, the end itself is wrong."""
    head = "study: demo\nsearch:\n  space: {batch.sampling: {choices: [quadruplets, pk]}, %s}\n"
    both = "loss.mining: {choices: [given, batch-hard]}, model.bn_grouping: {choices: [per_role, fused]}"
    assert len(read(tmp_path, head % both).dimensions) == 3
    found = faults(tmp_path, head % "schedule.steps: {low: 1, high: 5}")
    assert any(fault.startswith("study.yaml:3: search.space.batch.sampling.choices[1]") for fault in found), found
