"""The log format, written from the store's rows.

The first form has the mean rates of each row only. A study that would read back from it as another one, because it has
several seeds or rules of its own, is written with a section `# study` and the results of each seed.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from statistics import fmean
from typing import Any

from ablate.analysis.estimation.observations import trainings_shared
from ablate.analysis.looks.history import as_json
from ablate.analysis.results import TESTED_ON, RowResult, SeedResult, StudyResults
from ablate.errors import LogError
from ablate.measurement import TEST
from ablate.store.imported_log import ALPHA, DELTA_PP
from ablate.store.plan_document import DELTA_PP as DELTA_PP_KEY
from ablate.store.plan_document import PlanDocument, rules
from ablate.store.results import StoredValue
from ablate.study.factors import level_text
from ablate.study.logfile.declared import DOCUMENT_KEYS, ENDED, LOOKS, NEEDED
from ablate.study.logfile.examples import STATED, stated
from ablate.study.logfile.measurements import RowMeasurements
from ablate.study.logfile.parser import NOTE, RESULTS, parse_log, rate_text
from ablate.study.logfile.quoting import is_key, is_line, is_title, quoted, quoted_level
from ablate.study.logfile.rows import named_rows
from ablate.study.logfile.vocabulary import BACKBONE, BACKBONES, PARTS, factor_of, title_parts, words_of
from ablate.study.metrics import UNDECLARED
from ablate.trainers.protocol import TEST_EXAMPLES
from ablate.trainers.registry import TRAINERS
from ablate.trainers.top_k import MAP, MAP_AT_R

TOP = re.compile(r"top(\d+)")
QUERIES = STATED[0]
PRECISIONS = (MAP.name, MAP_AT_R.name)
_TOP_K = {metric.name for metric in UNDECLARED}


def render(results: StudyResults) -> str:
    """Return a `# setting` section, then a section for each row with a result, in the form that keeps the results."""
    if results.imported:
        return _with_seeds(results) if results.document.declared else _first_form(results)
    text = _first_form(results)
    return text if _keeps(text, results) else _with_seeds(results)


def _first_form(results: StudyResults) -> str:
    """Return the log with the mean rates of each row that has a result."""
    sections = [_setting(results)] if _setting_lines(results) else []
    for row in results.rows:
        if rates := _rates(row, of_queries=not results.imported):
            sections.append("\n\n".join([_heading(row), *_blocks(_lines(row, results)), _accuracy(rates)]))
    return "\n\n".join(sections) + "\n"


def _with_seeds(results: StudyResults) -> str:
    """Return the log with a section `# study`, and with the results of every seed of every row and reference."""
    sections = [_setting(results)] if _setting_lines(results) else []
    sections.append("\n\n".join(["# study", *_declared(results)]))
    circumstances = _differing_circumstances(results)
    every = [*results.rows, *results.references]
    shared, trials = trainings_shared(every), _first_of_trials(every)
    for at, row in enumerate((*results.rows, *results.references)):
        is_row = at < len(results.rows)
        lines = _every_line(row, results) if is_row else []
        same = (None if first == at else int(first) + 1 for first in (shared[at], trials[at]))
        others = _other_values(row) if _declares_metrics(results) else {}
        measured = _measured(row, is_row, circumstances, others, *same)
        listed = "\n".join(f"    {key}: {value}" for key, value in measured.lines())
        accuracy = [_accuracy(rates)] if (rates := _rates(row)) else []
        sections.append("\n\n".join([_heading(row), *_blocks(lines), *accuracy, RESULTS, listed]))
    return "\n\n".join(sections) + "\n"


def _keeps(text: str, results: StudyResults) -> bool:
    """Return True if a log of the first form reads back as the same rows, hits and rules."""
    document = results.document
    own = (document.delta, document.alpha, document.family.kind, document.looks)
    if own != (DELTA_PP, ALPHA, "direct", ()) or _differing_circumstances(results):
        return False
    if document.unpaired or document.summaries or results.bundles:
        return False
    if _any_fixed(document) or document.unread or results.equal.rows or results.equal.seeds:
        return False
    if _first_of_trials(results.rows) != list(range(len(results.rows))):
        return False
    if any(row.missing or len(row.seeds) != 1 for row in results.rows) or len(results.seeds) != 1:
        return False
    try:
        log = parse_log(text)
        read = named_rows(log)
    except LogError:
        return False
    names = {name for named in read for name in named.levels}
    constant = {name for name in results.factors if len({level_text(row.levels[name]) for row in results.rows}) == 1}
    if names != set(results.factors) - constant or len(read) != len(results.rows):
        return False
    return document.primary == _first_primary(results) and all(
        log.hits(named.row) == {k: counts[0] for k, counts in _hits(row).items()}
        and log.queries == row.results[row.seeds[0]].sizes.get(QUERIES, 0)
        and all(level_text(level) == level_text(row.levels[name]) for name, level in named.levels.items())
        for named, row in zip(read, results.rows, strict=True)
    )


def _any_fixed(document: PlanDocument) -> bool:
    """Return True if the data give some row its rate, whatever is trained: then it has no verdict."""
    tests = [limits.on(TEST) for limits in document.limits]
    return any(test is not None and test.is_fixed(document.primary) for test in tests)


def _first_primary(results: StudyResults) -> str | None:
    """Return the metric that verdicts are about after an import of the first form: the first that all rows have."""
    return next((f"top{k}" for k in (1, 5, 10) if all(k in _rates(row) for row in results.rows)), None)


def _declared(results: StudyResults) -> Iterator[str]:
    """Return the lines of the section `# study`: the rules, the factors, the looks taken. Their values are JSON."""
    alike = replace(results.equal, rows=(), seeds=()).to_json()
    equal = {"equal_rows": results.equal.rows, "equal_seeds": results.equal.seeds, "alike": alike}
    stored = {**results.document.to_json(), **equal}
    for key in DOCUMENT_KEYS:
        value = stored.get(key)
        if key == "data" and not any((value or {}).values()):
            continue
        if key == "metrics" and not _declares_metrics(results):
            continue
        if value or (key in NEEDED and key in stored) or (key == "steps" and value is not None):
            yield f"{key}: {_json(value)}"
    if results.looks:
        looks = [{**as_json(look, results.metric), "asked": dict(look.requested)} for look in results.looks]
        yield f"{LOOKS}: {_json(looks)}"
        if results.ended:
            yield f"{ENDED}: {_json(list(results.ended))}"


def _declares_metrics(results: StudyResults) -> bool:
    """Return True unless the log can be read without its metrics, as one about a rate of the k best that is to rise."""
    document = results.document
    if document.primary not in _TOP_K or DELTA_PP_KEY not in rules(document):
        return True
    runs = [one for row in (*results.rows, *results.references) for one in row.results.values()]
    return results.imported and any(
        name not in _TOP_K or not _is_of_queries(one, name) for one in runs for name in one.values
    )


def _other_values(row: RowResult) -> dict[str, list[StoredValue | None]]:
    """Return {metric: value of each seed} of metrics that have no line of their own; None for a seed that has none."""
    results = list(row.results.values())
    own = {f"top{k}" for k in _rates(row)} | set(_precisions(row))
    names = dict.fromkeys(name for one in results for name in one.values if name not in own)
    return {name: [one.values.get(name) for one in results] for name in names}


def _measured(
    row: RowResult,
    is_row: bool,
    circumstances: Mapping[str, Mapping[str, str]],
    others: Mapping[str, Sequence[StoredValue | None]],
    trainings_of: int | None,
    trials_of: int | None,
) -> RowMeasurements:
    seeds = row.seeds
    first = row.results[seeds[0]] if seeds else None
    keys = [row.results[seed].trial for seed in seeds]
    own = {name: tuple(known.get(key) for key in keys) for name, known in circumstances.items()}
    return RowMeasurements(
        seeds,
        (first.sizes.get(QUERIES) or 0) if first else 0,
        first.sizes.get("gallery") if first else None,
        first.data if first else None,
        _hits(row),
        {name: tuple(row.values[name].values) for name in _precisions(row)},
        {name: tuple(None if one is None else one.value for one in of_seeds) for name, of_seeds in others.items()},
        {
            name: tuple(None if one is None else one.n for one in of_seeds)
            for name, of_seeds in others.items()
            if any(one and one.n for one in of_seeds)
        },
        row.failed,
        row.missing,
        label=row.label if row.title is not None and row.title != row.label else None,
        kind="row" if is_row else "reference",
        trainings_of=trainings_of,
        trials_of=trials_of,
        circumstances={name: values for name, values in own.items() if any(value is not None for value in values)},
        changes={seed: row.results[seed].changes for seed in seeds if row.results[seed].changes},
        diverged=row.diverged,
        reasons=row.reasons,
    )


def _first_of_trials(rows: Sequence[RowResult]) -> list[int]:
    """Return for each row the position of the first row that has one of its trials: its own, if no other has."""
    first: dict[str, int] = {}
    for at, row in enumerate(rows):
        for trial in row.trials.values():
            first.setdefault(trial, at)
    return [min((first[trial] for trial in row.trials.values()), default=at) for at, row in enumerate(rows)]


def _hits(row: RowResult) -> dict[int, tuple[int, ...]]:
    """Return {k: hits of each seed} for each k that all seeds have."""
    return {
        k: tuple(round(one.values[f"top{k}"].value * (one.values[f"top{k}"].n or 0)) for one in row.results.values())
        for k in _rates(row)
    }


def _rates(row: RowResult, *, of_queries: bool = True) -> dict[int, float]:
    """Return {k: mean hit rate over seeds, in [0, 1]} for each k that all seeds have, in ascending order.

    Rates that are no finite numbers have no hits. `of_queries`: only shares of the queries of the test, which have.
    """
    results = list(row.results.values())
    finite = [
        {
            name
            for name, one in result.values.items()
            if isfinite(one.value) and (not of_queries or _is_of_queries(result, name))
        }
        for result in results
    ]
    names = set.intersection(*finite) if finite else set()
    ks = sorted(int(match[1]) for name in names if (match := TOP.fullmatch(name)))
    return {k: fmean(one.values[f"top{k}"].value for one in results) for k in ks}


def _precisions(row: RowResult) -> list[str]:
    """Return the precisions that all seeds have, as means over the queries of the test."""
    every = row.results.values()
    return [name for name in PRECISIONS if name in row.values and all(_is_of_queries(one, name) for one in every)]


def _is_of_queries(result: SeedResult, name: str) -> bool:
    """Return True unless a value is not a mean over the queries of the test, as far as is known."""
    n = result.values[name].n
    return n is not None and n == (result.sizes.get(QUERIES) or 0)


def _differing_circumstances(results: StudyResults) -> dict[str, dict[str, str]]:
    """Return {name: {trial key: value}} of recorded circumstances that are not the same in all runs of the rows.

    With them, the examples of each test: two data sets may have the same ones.
    """
    runs = {run.trial: run.environment for row in results.rows for run in row.results.values()}
    names = sorted({name for run in runs.values() for name in run} - {TESTED_ON})
    differing = {
        name: {key: run[name] for key, run in runs.items() if name in run}
        for name in names
        if len({run.get(name) for run in runs.values()}) > 1
    }
    if (differing and any(TESTED_ON in run for run in runs.values())) or _differ_in_names_only(results):
        every = [run for row in (*results.rows, *results.references) for run in row.results.values()]
        differing[TEST_EXAMPLES] = {
            run.trial: run.environment[TESTED_ON] for run in every if TESTED_ON in run.environment
        }
    return differing


def _differ_in_names_only(results: StudyResults) -> bool:
    """Return True if rows of equal data and numbers of examples were tested on others: a log has no names of them."""
    tests: dict[Any, set[str | None]] = {}
    for row in results.rows:
        for run in row.results.values():
            value = run.values.get(results.primary)
            if value is not None:
                tests.setdefault((run.data, value.n), set()).add(run.environment.get(TESTED_ON))
    return any(len(of) > 1 for of in tests.values())


def _setting(results: StudyResults) -> str:
    opening = "# setting\n" if results.document.tight else "# setting\n\n"
    lines = _setting_lines(results)
    if not results.imported:  # the lines of an imported log are written as they were spelled
        lines = tuple((key, quoted(value, is_line)) for key, value in lines)
    return opening + "\n\n".join(_blocks(lines))


def _setting_lines(results: StudyResults) -> tuple[tuple[str, str], ...]:
    """Return the lines of the setting, with the number of queries of an imported log if only an option gave it."""
    document, n = results.document, results.sizes.get(QUERIES)
    is_given = results.imported and not document.declared and not document.examples_inferred
    if not n or not is_given or stated(document.setting):
        return document.setting
    return (*document.setting, (QUERIES, str(n)))


def _heading(row: RowResult) -> str:
    return f"# {quoted(row.label if row.title is None else row.title, is_title)}"


def _blocks(lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Return `key: value` blocks; consecutive notes form one block."""
    notes: list[str] = []
    for key, value in lines:
        if key == NOTE:
            notes.append(f"    - {value}")
            continue
        if notes:
            yield "\n".join(notes)
            notes = []
        yield f"{key}: {value}".rstrip()
    if notes:
        yield "\n".join(notes)


def _lines(row: RowResult, results: StudyResults) -> list[tuple[str, str]]:
    """Return the own lines of an imported row; else a line for each factor that the title does not name."""
    if row.lines is not None:
        return [(key, value) for key, value in row.lines]
    named = {factor_of(part) for part in title_parts(row.title or row.label)}
    shared = dict(results.document.setting)
    in_title = {name for name in results.factors if _in_title(name, row, named, shared.get(BACKBONE))}
    own = [(words_of(name), name) for name in results.factors if name not in in_title]
    return _opening(results) + [(quoted(words, is_key), quoted_level(row.levels[name])) for words, name in own]


def _every_line(row: RowResult, results: StudyResults) -> list[tuple[str, str]]:
    """Return the own lines of an imported row; else a line for each factor, by its own name."""
    if row.lines is not None:
        return [(key, value) for key, value in row.lines]
    opening = [(key, value) for key, value in _opening(results) if key not in results.factors]
    return opening + [(quoted(name, is_key), quoted_level(row.levels[name])) for name in results.factors]


def _opening(results: StudyResults) -> list[tuple[str, str]]:
    trainer = TRAINERS.get(results.document.trainer)
    return list(trainer.log_row) if trainer else []


def _in_title(name: str, row: RowResult, named: set[str], shared: str | None) -> bool:
    """Return True if the title gives the level: it names components that are on, and a backbone of its own."""
    if name == BACKBONE:
        leading = (title_parts(row.title or row.label) or [""])[0]
        is_named = BACKBONES.fullmatch(leading) is not None
        return bool(row.levels[name] == (leading if is_named else shared))
    return name in PARTS.values() and (row.levels[name] == "on") == (name in named)


def _accuracy(rates: Mapping[int, float]) -> str:
    lines = [f"    - top-{k}\n      {rate_text(rate)}" for k, rate in rates.items()]
    return "accuracy:\n\n" + "\n".join(lines)


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)
