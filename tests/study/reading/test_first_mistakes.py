"""The mistakes that a person makes in a first study file: each is one fault, with its place and what was meant."""

from pathlib import Path

import pytest

from tests.support.study_text import faults, read

STUDY = """\
study: demo
question: Does it help?
trainer: simulated
delta: 0.5
config:
  queries: 500
  effects:
    - {when: {warmup: on}, pp: 1.0}
factors:
  margin: {sets: settings.margin, levels: [0.3, 0.2]}
  warmup: {sets: settings.warmup, levels: [off, on]}
  omega: {sets: settings.omega, levels: [0.9, 0.7]}
design:
  - rows:
      plain: {}
      warm: {warmup: on}
  - ladder: {from: plain, add: [margin, warmup, {omega: 0.7}]}
exclude:
  - {margin: 0.2, omega: 0.7, warmup: off}
seeds: 2
profiles:
  quick: {seeds: 1}
"""

MARGIN = "  margin: {sets: settings.margin, levels: [0.3, 0.2]}\n"
DESIGN = "design:\n  - rows:\n      plain: {}\n      warm: {warmup: on}\n  - ladder:"

MISSPELT_KEYS = [
    ("factors:", "factros:", "9: factros: unknown key 'factros'; did you mean 'factors'?"),
    ("factors:", "variables:", "9: variables: unknown key 'variables'; did you mean 'factors'?"),
    ("factors:", "things:", "9: things: unknown key 'things'; known: study, question,"),
    ("trainer:", "trainr:", "3: trainr: unknown key 'trainr'; did you mean 'trainer'?"),
    ("simulated", "simulatd", "3: trainer: unknown trainer 'simulatd'; did you mean 'simulated'?"),
    ("config:\n", "conifg:\n", "5: conifg: unknown key 'conifg'; did you mean 'config'?"),
    ("queries: 500", "queires: 500", "6: config.queires: unknown key 'queires'; did you mean 'queries'?"),
    ("when:", "wehn:", "8: config.effects[0].wehn: unknown key 'wehn'; did you mean 'when'?"),
    ("sets: settings.margin", "set: settings.margin", "factors.margin.set: unknown key 'set'; did you mean 'sets'?"),
    ("levels: [0.3", "values: [0.3", "factors.margin.values: unknown key 'values'; did you mean 'levels'?"),
    ("settings.margin,", "setings.margin,", "config key 'setings.margin'; did you mean 'settings.margin'?"),
    ("settings.margin,", "config.settings.margin,", "did you mean 'settings.margin'?"),
    ("design:", "desing:", "13: desing: unknown key 'desing'; did you mean 'design'?"),
    ("- rows:", "- row:", "14: design[0].row: unknown key 'row'; did you mean 'rows'?"),
    ("- rows:", "- explicit:", "14: design[0].explicit: unknown key 'explicit'; known: rows, ladder,"),
    ("- ladder", "- lader", "17: design[1].lader: unknown key 'lader'; did you mean 'ladder'?"),
    ("from: plain", "form: plain", "17: design[1].ladder.form: unknown key 'form'; did you mean 'from'?"),
    ("seeds: 2", "seed: 2", "20: seed: unknown key 'seed'; did you mean 'seeds'?"),
    ("quick: {seeds", "quick: {sedes", "22: profiles.quick.sedes: unknown key 'sedes'; did you mean 'seeds'?"),
    ("delta: 0.5", "metric: top1", "4: metric: unknown key 'metric'; did you mean 'primary'?"),
    ("delta: 0.5", "base: 0.3", "4: base: unknown key 'base'; did you mean 'config.base'?"),
    ("study: demo", "name: demo", "1: name: unknown key 'name'; did you mean 'study'?"),
]
MISSPELT_NAMES = [
    (
        "{warmup: on}\n  - l",
        "{warmpu: on}\n  - l",
        "16: design[0].rows.warm.warmpu: unknown factor 'warmpu'; did you mean",
    ),
    (
        "warm: {w",
        "warm: {extend: plain, w",
        "16: design[0].rows.warm.extend: unknown factor 'extend'; did you mean 'extends'?",
    ),
    (
        "[margin, warmup",
        "[marginn, warmup",
        "17: design[1].ladder.add[0]: unknown factor 'marginn'; did you mean 'margin'?",
    ),
    ("{omega: 0.7}]", "{omga: 0.7}]", "17: design[1].ladder.add[2].omga: unknown factor 'omga'; did you mean 'omega'?"),
    (
        "{omega: 0.7}]",
        "{omega: 0.8}]",
        "17: design[1].ladder.add[2].omega: unknown level of omega 0.8; known: 0.9, 0.7",
    ),
    ("{omega: 0.7}]", "omega=0.7]", "found 'omega=0.7'; a level is written {omega: 0.7}, with braces and a colon"),
    ("from: plain", "from: plan", "17: design[1].ladder.from: unknown row 'plan'; did you mean 'plain'?"),
    (
        "warm: {warmup: on}",
        "warm: {warmup: yes}",
        "16: design[0].rows.warm.warmup: unknown level of warmup 'yes'; did you mean 'on'?",
    ),
    ("warm: {warmup: on}", "warm: {warmup: None}", "unknown level of warmup 'None'; did you mean 'off'?"),
    ("- {margin: 0.2,", "- {margin: 0.25,", "19: exclude[0].margin: unknown level of margin 0.25; known: 0.3, 0.2"),
    ("[0.3, 0.2]}", "[0.3, 0.2], baseline: 0.25}", "10: factors.margin.baseline: unknown level 0.25"),
    (
        "quick: {seeds: 1}",
        "quick: {factors: {marginn: {levels: [1, 2]}}}",
        "unknown factor 'marginn'; did you mean 'margin'?",
    ),
    ("delta: 0.5", "default_profile: quik", "4: default_profile: unknown profile 'quik'; did you mean 'quick'?"),
    ("delta: 0.5", "primary: top-1", "4: primary: unknown metric 'top-1'; did you mean 'top1'? known: top1,"),
    ("study: demo", "study: My Study", "1: study: found 'My Study'; did you mean 'my-study'? accepted: small letters"),
    ("design:", "family: [[plain, wram]]\ndesign:", "13: family[0][1]: unknown row 'wram'; did you mean 'warm'?"),
    (
        "design:",
        "require: [{if: {warmpu: on}, then: {omega: 0.7}}]\ndesign:",
        "13: require[0].if.warmpu: unknown factor",
    ),
    (
        "design:",
        "groups: {all: [margin, omgea]}\ndesign:",
        "13: groups.all[1]: unknown factor 'omgea'; did you mean 'omega'?",
    ),
    (
        "design:",
        "search: {space: {margn: {low: 0.1, high: 0.3}}}\ndesign:",
        "13: search.space.margn: unknown factor or config key",
    ),
    (
        "design:",
        "design:\n  - pairs: {from: {}, factors: [margin, omgea]}",
        "14: design[0].pairs.factors[1]: unknown factor 'omgea'",
    ),
    (
        "design:",
        "design:\n  - leave_one_out: {from: {warmup: yes}}",
        "14: design[0].leave_one_out.from.warmup: unknown level",
    ),
]
SHAPES = [
    (DESIGN, DESIGN.replace("  - ", "  ").replace("      ", "    "), "13: design: found {rows: {plain: {}, "),
    (
        "exclude:\n  - {",
        "exclude:\n    {",
        "18: exclude: found {margin: 0.2, omega: 0.7, warmup: off}; accepted: a list (write a dash",
    ),
    (
        MARGIN,
        "  margin:\n  sets: settings.margin\n  levels: [0.3, 0.2]\n",
        "factors.margin: the lines below belong to 'margin': indent",
    ),
    (
        MARGIN,
        MARGIN.replace("[0.3, 0.2]", "0.3, 0.2"),
        "10: factors.margin.levels: several values stand in brackets: [0.3, 0.2]",
    ),
    (MARGIN, MARGIN.replace("[0.3, 0.2]", "'0.3, 0.2'"), "accepted: a list or a mapping (write [0.3, 0.2])"),
    (
        MARGIN,
        MARGIN.replace("sets: ", "sets:"),
        "10: factors.margin.sets: write a space after the colon: `sets: settings.margin`",
    ),
    (MARGIN, "  margin: [0.3, 0.2]\n", "10: factors.margin: found [0.3, 0.2]; accepted: a mapping"),
    (
        "      plain: {}\n      warm: {warmup: on}\n",
        "    plain: {}\n    warm: {warmup: on}\n",
        "the lines below belong to 'rows': indent",
    ),
    (
        DESIGN,
        DESIGN.replace("design:\n  - rows", "rows").replace("  - ladder", "ladder"),
        "13: rows: stands inside `design`",
    ),
    (
        "warm: {warmup: on}",
        "warm: warmup=on",
        "16: design[0].rows.warm: found 'warmup=on'; accepted: a mapping (write {warmup: on})",
    ),
    ("from: plain, ", "", "17: design[1].ladder: 'from' is missing"),
    ("study: demo\n", "", "1: 'study' is missing; write `study: NAME`, with small letters, digits and dashes"),
    (
        "      plain: {}\n      warm: {warmup: on}\n",
        "      [plain, warm]\n",
        "(write each row as `LABEL: {FACTOR: LEVEL}`",
    ),
    (
        "- ladder: {from: plain, add: [margin, warmup, {omega: 0.7}]}",
        "- grid: [margin]",
        "as `FACTOR: [LEVEL, LEVEL]`)",
    ),
]
VALUES = [
    ("delta: 0.5", "delta: 0,5", "4: delta: found '0,5'; accepted: a number (write 0.5, with a point)"),
    ("delta: 0.5", "delta: '0.5'", "4: delta: found '0.5'; accepted: a number (write 0.5 without quotes)"),
    ("delta: 0.5", "delta: 5%", "(write 5, in pp)"),
    ("pp: 1.0", "pp: 5%", "(write 5, in pp)"),
    ("queries: 500", "base: 30", "config.base: found 30; accepted: at most 1 (write 0.3 for 30 %)"),
    ("queries: 500", "base: 30%", "config.base: found '30%'; accepted: a number (write 0.3, a share)"),
    ("seeds: 2", "seeds: 5%", "(write 5, without %)"),
    ("delta: 0.5", "alpha: 5", "4: alpha: found 5; did you mean 0.05? accepted: an error rate, more than 0 and"),
    ("[0.3, 0.2]", "[0.3, 0.30]", "10: factors.margin.levels[1]: level 0.3 stands here twice"),
    ("study: demo", "study: Demo 1", "1: study: found 'Demo 1'; did you mean 'demo-1'?"),
    ("delta: 0.5", "delta: 0.5 pp", "(write 0.5 alone, without 'pp')"),
    ("delta: 0.5", "delta: None", "None is plain text here; no value is written null, and this key needs a value"),
    ("delta: 0.5", "delta:", "4: delta: found null; accepted: a number (no value stands here; write it here)"),
    ("delta: 0.5", "delta: on", "4: delta: found on; accepted: a number"),
    ("delta: 0.5", "delta: .inf", "4: delta: found inf; accepted: a finite number"),
    ("delta: 0.5", "delta: [0.5]", "(write 0.5 without brackets)"),
    ("delta: 0.5", "delta: 1/2", "(write 0.5)"),
    ("queries: 500", "queries: 1_000", "(write 1000; digits are not grouped)"),
    ("queries: 500", "queries: 1,000", "(write 1000, without a comma)"),
    ("queries: 500", "queries: 2k", "(write 2000)"),
    ("queries: 500", "queries: 500.5", "6: config.queries: found 500.5; accepted: a whole number"),
    ("seeds: 2", "seeds: 1.5", "20: seeds: found 1.5; accepted: a number of seeds like 5"),
    ("seeds: 2", "seeds: 0-4", "(write 0..4)"),
    ("seeds: 2", "seeds: two", "20: seeds: found 'two'; accepted: a number of seeds like 5"),
    ("study: demo", "study: 2026", "1: study: found 2026; accepted: text (in quotes, '2026' is text)"),
    ("question: Does it help?", "question: on", "2: question: found on; accepted: text (in quotes, 'on' is text)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("right", "wrong", "words"), [*MISSPELT_KEYS, *MISSPELT_NAMES, *SHAPES, *VALUES], ids=lambda text: text[:30]
)
def test_a_mistake_is_one_fault(tmp_path: Path, right: str, wrong: str, words: str) -> None:
    assert right in STUDY
    found = faults(tmp_path, STUDY.replace(right, wrong, 1))
    if "stands inside" in words:  # a design of its own is misplaced as well
        assert len(found) == 2
        found = found[:1]
    assert len(found) == 1, found
    assert found[0].startswith("study.yaml:")
    assert words in found[0]


RETRIEVAL = """\
study: demo
config:
  model: {backbone: resnet18}
  amp: none
factors:
  margin: {sets: loss.margin, levels: [0.3, 0.2]}
  erasing: {sets: augment.random_erasing, levels: {off: null, on: {p: 0.5}}}
  normalization: {sets: loss.normalize_features, levels: [off, on]}
design:
  - rows: {plain: {}, all: {erasing: on, normalization: on}}
  - leave_one_out: {from: all}
  - grid: {margin: [0.2, 0.3], normalization: [off, on]}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("off: null,", "off: None,", ["accepted: a mapping or null (no value is written null, without quotes)"]),
        ("{off: null, on: {p: 0.5}}", "[off, on]", ["found on; accepted: a mapping or null"]),
        ("amp: none", "amp: None", ["found 'None'; did you mean 'none'? accepted:"]),
        ("amp: none", "loss.margin: 0.2", ["a key stands in its section: `loss: {margin: ...}`"]),
        ("[0.3, 0.2]", "(0.3, 0.2)", ["several values stand in brackets: [0.3, 0.2]"]),
        ("[0.3, 0.2]", "{0.3, 0.2}", ["several values stand in brackets: [0.3, 0.2]"]),
        ("[0.3, 0.2]", "[0.3, -0.2]", ["levels[1]: found -0.2; accepted: at least 0"]),
        ("levels: [off, on]", "levels: [no, yes]", ["found 'no'; did you mean off?", "found 'yes'; did you mean on?"]),
        ("levels: [off, on]", "levels: ['off', on]", ["found 'off'; accepted: on or off (write off without quotes)"]),
        (
            "_one_out: {from: all}",
            "_one_out:\n    from: all",
            ["the lines below belong to 'leave_one_out': indent them"],
        ),
        ("- leave_one_out", "- leave-one-out", ["'leave-one-out'; did you mean 'leave_one_out'?"]),
        ("sets: loss.margin", "sets: margin", ["unknown config key 'margin'; did you mean 'loss.margin'?"]),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_level_with_a_fault_brings_no_others(tmp_path: Path, right: str, wrong: str, words: list[str]) -> None:
    assert right in RETRIEVAL
    found = faults(tmp_path, RETRIEVAL.replace(right, wrong, 1))
    assert len(found) == len(words), found
    for fault, part in zip(found, words, strict=True):
        assert part in fault


def test_the_study_is_right_without_the_mistakes(tmp_path: Path) -> None:
    assert len(read(tmp_path, STUDY).rows) == 5


def test_independent_mistakes_are_all_found(tmp_path: Path) -> None:
    text = STUDY.replace("factors:", "factros:").replace("[margin,", "[marginn,").replace("seeds: 2", "seeds: none")
    text = text.replace("delta: 0.5", "delta: 0,5")
    assert [fault.split(": ")[1] for fault in faults(tmp_path, text)] == [
        "delta",
        "factros",
        "design[1].ladder.add[0]",
        "seeds",
    ]


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("data.size=[32, 32]", "config.data.size"),
        ("margin=0.2", "config.loss.margin"),
        ("loss.margn=0.2", "config.loss.margin"),
        ("config.loss.margn=0.2", "config.loss.margin"),
        ("config.margin=0.2", "config.loss.margin"),
        ("threads=2", "runtime.threads"),
        ("runtime.thread=2", "runtime.threads"),
        ("conifg.amp=none", "config.amp"),
        ("delat=0.2", "delta"),
    ],
)
def test_a_misspelt_setting_is_suggested_as_it_is_typed(tmp_path: Path, setting: str, meant: str) -> None:
    text = "study: demo\ndesign: [{rows: {plain: {}}}]\n"
    (fault,) = faults(tmp_path, text, settings=[setting])
    name = setting.partition("=")[0]
    assert fault.startswith(f"--set: unknown key {name!r}; did you mean {meant!r}? known: ")


@pytest.mark.parametrize("text", ["1e1", "10.0", "1E1", "1.0e1"])
def test_a_whole_number_may_be_written_with_an_exponent(tmp_path: Path, text: str) -> None:
    study = read(tmp_path, STUDY.replace("seeds: 2", f"seeds: {text}").replace("queries: 500", f"queries: {text}"))
    assert study.seeds == tuple(range(10))


def test_many_names_are_not_all_listed_after_the_nearest(tmp_path: Path) -> None:
    text = "study: demo\nfactors: {m: {sets: margn, levels: [0.3, 0.2]}}\ndesign: [{add_one: {from: {}}}]\n"
    (fault,) = faults(tmp_path, text)
    assert "unknown config key 'margn'; did you mean 'loss.margin'? known: amp, augment.*, batch.*," in fault
    assert len(fault) < 250


def test_factors_at_the_left_edge_are_one_fault_each(tmp_path: Path) -> None:
    text = STUDY.replace("  warmup: {sets", "warmup: {sets").replace("  omega: {sets", "omega: {sets")
    assert faults(tmp_path, text) == [
        f"study.yaml:{line}: {name}: {name!r} is a factor: write it below `factors:`, "
        "and indent it like the others there"
        for line, name in ((11, "warmup"), (12, "omega"))
    ]


def test_a_study_without_a_design_is_shown_one(tmp_path: Path) -> None:
    text = STUDY[: STUDY.index("design:")]
    (fault,) = faults(tmp_path, text)
    assert fault == "study.yaml:1: 'design' is missing; write the rows to run, like `design: [add_one: {from: {}}]`"
    assert len(read(tmp_path, text + "design: [add_one: {from: {}}]\n").rows) == 4


ERASING = """\
study: demo
question: Does it help?
trainer: retrieval
config:
  data: {size: [16, 16]}
  amp: none
factors:
  erasing: {sets: augment.random_erasing, levels: {off: null, on: {p: 0.5}}}
design:
  - add_one: {from: {}}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "message", "remedy"),
    [
        (
            "[16, 16]",
            "16",
            "config.data.size: found 16; accepted: a list of 2 values, like [64, 64] (write [16, 16])",
            "[16, 16]",
        ),
        (
            "[16, 16]",
            "16x8",
            "config.data.size: found '16x8'; accepted: a list of 2 values, like [64, 64] (write [16, 8])",
            "[16, 8]",
        ),
        (
            "[16, 16]",
            "[3, 16, 16]",
            "config.data.size: found [3, 16, 16]; accepted: a list of 2 values, like [64, 64]",
            "[16, 16]",
        ),
        ("none", "off", "config.amp: found off; did you mean 'none'? accepted: 'none', 'bf16' or 'fp16'", "'none'"),
        ("none", "null", "config.amp: found null; did you mean 'none'? accepted: 'none', 'bf16' or 'fp16'", "'none'"),
        (
            "{off: null, on: {p: 0.5}}",
            "[off, on]",
            "levels[1]: found on; accepted: a mapping or null (write the levels as {off: null, on: {}})",
            "{off: null, on: {}}",
        ),
        (
            "{off: null, on: {p: 0.5}}",
            "[null, {p: 0.5}]",
            "levels[0]: found null; a level that is null needs a name: write the levels as {NAME: VALUE, NAME: VALUE}",
            "{off: null, on: {p: 0.5}}",
        ),
        (
            "{off: null, on: {p: 0.5}}",
            "[off, {p: 0.5}]",
            "found {p: 0.5}; a level that is a mapping needs a name: write the levels as {NAME: VALUE, NAME: VALUE}",
            "{off: null, on: {p: 0.5}}",
        ),
        ("{p: 0.5}", "on", "accepted: a mapping or null (write {} to switch it on with its defaults)", "{}"),
        ("p: 0.5", "p: 50", "levels.on.p: found 50; accepted: at most 1 (write 0.5 for 50 %)", "p: 0.5"),
    ],
)
def test_the_remedy_is_accepted_as_it_stands(tmp_path: Path, right: str, wrong: str, message: str, remedy: str) -> None:
    assert right in ERASING
    (fault,) = faults(tmp_path, ERASING.replace(right, wrong, 1))
    assert fault.endswith(message)
    assert read(tmp_path, ERASING.replace(right, remedy, 1)).name == "demo"


@pytest.mark.parametrize(
    ("trainer", "found"),
    [
        ("trainer: retrieval\n", "study.yaml:3: trainer: found 'retrieval', which"),
        ("", "trainer: missing, so it is 'retrieval'"),
    ],
)
def test_the_keys_of_another_trainer_are_one_fault(tmp_path: Path, trainer: str, found: str) -> None:
    (fault,) = faults(tmp_path, STUDY.replace("trainer: simulated\n", trainer))
    assert found in fault
    assert "none of the keys queries, effects, settings.margin, settings.warmup, ...;" in fault
    assert "did you mean 'simulated', which has them all?" in fault


def test_keys_that_no_trainer_has_are_faults_by_themselves(tmp_path: Path) -> None:
    lines = faults(tmp_path, "study: s\nconfig: {queries: 500, learning: 1}\ndesign: [{rows: {a: {}}}]\n")
    assert len(lines) == 2
    assert all("unknown key" in line for line in lines)
