"""`ablate run --until-decided`: look after look, more seeds only where a verdict is open, and nothing counted twice."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ablate.store import require_store
from ablate.store.looks import LookRow, read_looks
from tests.conftest import Ablate
from tests.support.command_line import query, start, wait_for
from tests.support.package_copy import Package, new_base

LOOKS = (2, 3, 5, 7)
INLINE = ("--executor", "inline")
UNTIL = (*INLINE, "--until-decided")
STUDY = """
study: made
trainer: simulated
delta: 1.0
config:
  queries: 4000
  effects:
    - {when: {large: on}, pp: -15}
    - {when: {middling: on}, pp: 2.5}
    - {when: {small: on}, pp: 0.9}
factors:
  large: {sets: settings.large, levels: [off, on]}
  middling: {sets: settings.middling, levels: [off, on]}
  small: {sets: settings.small, levels: [off, on]}
  none: {sets: settings.none, levels: [off, on]}
design:
  - rows: {plain: {}, large: {large: on}, middling: {middling: on}, small: {small: on}, none: {none: on}}
references:
  lower: {base: 0.2}
seeds: {looks: [2, 3, 5, 7]}
profiles:
  other: {config: {base: 0.3}}
"""
ROWS = ("plain", "large", "middling", "small", "none")
DECIDED = {"better", "worse", "better_below_delta", "worse_below_delta", "no_effect"}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "made.yaml"
    path.write_text(STUDY)
    return path


def edit(path: Path, old: str, new: str) -> None:
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))


def looks(store: str = "results/ablate.db", study: str = "made", profile: str = "base") -> list[LookRow]:
    opened = require_store(store)
    with opened.read() as connection:
        return read_looks(connection, study, profile)


def values(found: list[LookRow]) -> list[dict[str, Any]]:
    """Looks without the time at which they were taken."""
    return [{**vars(look), "taken": None} for look in found]


def seeds(study: str = "made", profile: str = "base") -> dict[str, int]:
    """{row: how many seeds the plan has of it}, which are the first ones."""
    found = query(f"SELECT label, seed FROM results WHERE study = '{study}' AND profile = '{profile}'")
    by_row: dict[str, set[int]] = {}
    for label, seed in found:
        by_row.setdefault(str(label), set()).add(int(str(seed)))
    assert all(of_row == set(range(len(of_row))) for of_row in by_row.values())
    return {label: len(of_row) for label, of_row in by_row.items()}


def attempts() -> int:
    ((count,),) = query("SELECT count(*) FROM ablate_attempts")
    return int(str(count))


def report(ablate: Ablate, *words: object) -> Any:
    """Return the report without costs: no two trainings take the same time."""
    found = json.loads(ablate("report", *words, "--format", "json").out)
    return found | {"rows": [{**row, "costs": None} for row in found["rows"]]}


def verdicts(ablate: Ablate) -> dict[str, str]:
    return {one["to"]: one["verdict"] for one in report(ablate)["contrasts"] if one["from"] == "plain"}


@pytest.mark.slow
def test_rows_get_seeds_only_while_a_verdict_is_open(ablate: Ablate, study: Path) -> None:
    done = ablate("run", study, *UNTIL)
    assert done.code == 0
    taken = looks()
    assert [look.number for look in taken] == list(range(1, len(taken) + 1))
    assert [look.seeds for look in taken] == list(LOOKS[: len(taken)])
    assert {look.family for look in taken} == {1}
    for before, after in pairwise(taken):
        undecided = {seen["name"][1] for seen in before.seen if seen["verdict"] == "undecided"}
        went_on = {label for label in ROWS if len(after.trials[label]["seeds"]) == after.seeds}
        assert went_on == {"plain", *undecided}, "rows that an undecided contrast touches, and no others"
        assert "large" not in went_on, "15 pp show with two seeds"
    assert set(verdicts(ablate).values()) <= DECIDED
    assert set(verdicts(ablate)) == {"large", "middling", "small", "none"}
    planned = seeds()
    assert planned["large"] == 2
    assert planned["plain"] == taken[-1].seeds > 2
    assert attempts() == sum(planned.values()) + 2, "and a reference with the first look's seeds"
    assert (
        f"{len(taken)} of 4 looks, with {sum(planned.values())} trials; 7 seeds of every row would be 35 trials"
        in done.err
    )
    for look in taken:
        assert f"look {look.number} of 4, {look.seeds} seeds: " in done.err
    again = ablate("run", study, *UNTIL)
    assert (again.code, "nothing to run" in again.err) == (0, True)
    assert (values(looks()), attempts()) == (values(taken), sum(planned.values()) + 2)


@pytest.mark.slow
def test_a_plain_run_takes_the_first_look_and_no_other(ablate: Ablate, study: Path) -> None:
    assert "looks at 2, 3, 5, 7 seeds: 10 trials of rows at the first, 35 at most; none" in ablate("plan", study).out
    run = ablate("run", study, *INLINE).err
    assert "look 1 of 4, 2 seeds" in run
    assert "--until-decided continues" in run
    (first,) = looks()
    again = ablate("run", study, *INLINE)
    assert "nothing to run" in again.err
    assert values(looks()) == values([first])
    assert seeds() == dict.fromkeys(ROWS, 2)
    assert verdicts(ablate) == {seen["name"][1]: seen["verdict"] for seen in first.seen}
    going = {label for label, asked in first.asked.items() if asked == 3}
    assert f"looks    1 of 4 taken, at 2 seeds; {len(going)} rows go on to 3 seeds" in ablate("status").out
    assert "taken so far: 2" in " ".join(ablate("plan", study).out.split())
    ablate("run", study, *UNTIL, "--store", "at-once.db")
    ablate("run", study, *UNTIL)
    assert values(looks()) == values(looks("at-once.db")), "stopping after a look changes none"


def test_a_plain_run_afterwards_neither_runs_nor_forgets_anything(ablate: Ablate, study: Path) -> None:
    ablate("run", study, *UNTIL)
    before = looks(), seeds(), report(ablate)
    assert "nothing to run" in ablate("run", study, *INLINE).err
    assert (looks(), seeds(), report(ablate)) == before
    assert "5 rows and 1 reference × 2 to " in ablate("plan", study).out
    assert "pending" not in ablate("plan", study).out


@pytest.mark.service
@pytest.mark.parametrize("until", [True, False])
def test_a_run_that_is_killed_within_a_look_goes_on_with_it(
    ablate: Ablate, study: Path, tmp_path: Path, until: bool
) -> None:
    words = ("--until-decided", "--workers", 1, "--set", "config.seconds=0.2")
    running = start("run", study, *words, folder=tmp_path)
    wait_for("SELECT 1 FROM results WHERE seed = 2 AND state = 'done'")
    running.kill()
    running.communicate()
    assert len(looks()) == 1
    begun = seeds()
    assert max(begun.values()) == 3
    if not until:
        ablate("run", study, *INLINE)
        assert seeds() == begun, "a plain run ends the look that has begun,"
        assert len(looks()) == 2, "and takes it"
        ablate("run", study, *INLINE)
        assert (seeds(), len(looks())) == (begun, 2)
    ablate("run", study, *UNTIL)
    ablate("run", study, *UNTIL, "--store", "at-once.db")
    assert values(looks()) == values(looks("at-once.db"))


@pytest.mark.service
def test_ctrl_c_takes_no_look_at_what_is_unfinished(ablate: Ablate, study: Path, tmp_path: Path) -> None:
    words = ("--until-decided", "--workers", 1, "--set", "config.seconds=0.4")
    running = start("run", study, *words, folder=tmp_path)
    wait_for("SELECT 1 FROM results WHERE state = 'done'")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert looks() == []
    assert ablate("run", study, *UNTIL).code == 0


@pytest.mark.service
def test_two_runners_take_each_look_once(ablate: Ablate, study: Path, tmp_path: Path) -> None:
    words = ("--until-decided", "--workers", 1, "--set", "config.seconds=0.05")
    runners = [start("run", study, *words, folder=tmp_path) for _ in range(2)]
    for runner in runners:
        _, err = runner.communicate(timeout=120)
        assert runner.returncode == 0, err
    ablate("run", study, *UNTIL, "--store", "alone.db")
    assert values(looks()) == values(looks("alone.db"))
    assert query("SELECT count(*) FROM ablate_attempts WHERE number > 1") == [(0,)]


SCORED = """\
study: scored
trainer: simulated
config: {metrics: [score], score: {positive: on}}
delta: 2
factors: {trick: {sets: settings.trick, levels: [off, on]}}
design: [{add_one: {from: {}}}]
seeds: {looks: [2, 3]}
"""


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["metrics.score.scale=log"], "scale was linear at the first look and is log now: "),
        (["config.score.better=lower"], "better was higher at the first look and is lower now: "),
        (["primary=seconds"], "primary was score at the first look and is seconds now: "),
    ],
)
def test_another_scale_or_direction_of_the_primary_metric_is_refused(
    ablate: Ablate, tmp_path: Path, settings: list[str], told: str
) -> None:
    path = tmp_path / "scored.yaml"
    path.write_text(SCORED, encoding="utf-8")
    ablate("run", path, *INLINE)
    wrong = ablate("plan", path, *(word for each in settings for word in ("--set", each)))
    assert wrong.code == 2
    assert f"scored.yaml: {told}the error rate is spent look by look" in wrong.err
    assert ablate("plan", path).code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("delta: 1.0", "delta: 1.5", "delta was 1.0 at the first look and is 1.5 now"),
        ("delta: 1.0", "delta: 1.0\nalpha: 0.1", "alpha was 0.05 at the first look and is 0.1 now"),
        ("delta: 1.0", "delta: 1.0\nprimary: top5", "primary was top1 at the first look and is top5 now"),
        (
            "delta: 1.0",
            "delta: 1.0\nfamily: [[plain, small]]",
            "family was direct at the first look and is [['plain', ",
        ),
        ("{looks: [2, 3, 5, 7]}", "{looks: [2, 3, 5]}", "seeds.looks was [2, 3, 5, 7] at the first look and is [2, 3"),
        ("{looks: [2, 3, 5, 7]}", "7", "seeds.looks was [2, 3, 5, 7] at the first look and is not declared now"),
    ],
)
def test_rules_that_change_midway_are_refused(ablate: Ablate, study: Path, old: str, new: str, told: str) -> None:
    ablate("run", study, *INLINE)
    taken, shown = looks(), report(ablate)
    edit(study, old, new)
    for words in (("run", study, *UNTIL), ("run", study, *INLINE), ("plan", study)):
        wrong = ablate(*words)
        assert (wrong.code, wrong.out) == (2, "")
        assert f"made.yaml: {told}" in wrong.err
        assert "put it back, or give the study another name" in wrong.err
    assert (looks(), report(ablate)) == (taken, shown)
    edit(study, "study: made", "study: elsewhere")
    other = ablate("run", study, *INLINE)
    assert other.code == 0
    assert "looks" not in new or f"look 1 of {len(new.split(','))}" in other.err
    assert [look.family for look in looks(study="elsewhere")] == ([] if new == "7" else [1])
    assert attempts() == (12 if new != "7" else 42), "results are reused"
    edit(study, "study: elsewhere", "study: made")
    edit(study, new, old)
    assert ablate("run", study, *UNTIL).code == 0
    assert {look.family for look in looks()} == {1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "why", "runs"),
    [
        ("none: {none: on}}", "none: {none: on}, both: {small: on, none: on}}", "rows added: both", 2),
        (", none: {none: on}}", "}", "rows removed: none", 0),
        ("queries: 4000", "queries: 3000", "queries: 4000 -> 3000", 12),
        (
            "small: on}, pp: 0.9",
            "small: on}, pp: 1.9",
            "other trials than at the last look, of rows plain, ",
            12,
        ),
        ("large: {large: on}, middling", "big: {large: on}, middling", "rows added: big; rows removed: large", 0),
    ],
)
def test_what_was_seen_changes_and_a_new_family_begins(
    ablate: Ablate, study: Path, old: str, new: str, why: str, runs: int
) -> None:
    ablate("run", study, *UNTIL)
    before, tried = looks(), attempts()
    edit(study, old, new)
    assert "a new family begins" in " ".join(ablate("plan", study).out.split())
    done = ablate("run", study, *INLINE)
    assert done.code == 0
    assert "a new family of looks begins: " in done.err
    assert why in done.err
    assert attempts() == tried + runs, "finished results are reused"
    found = looks()
    assert found[:-1] == before, "looks that were taken stay on record"
    assert (found[-1].family, found[-1].number, found[-1].seeds) == (2, 1, 2)
    assert why in str(found[-1].why)
    assert set(seeds().values()) == {2}
    again = ablate("run", study, *UNTIL)
    assert "a new family" not in again.err
    assert {look.why for look in looks()[len(before) + 1 :]} <= {None}
    assert {look.family for look in looks()[len(before) :]} == {2}


def test_reports_show_no_looks_at_what_is_no_longer_there(ablate: Ablate, study: Path) -> None:
    ablate("run", study, *UNTIL)
    assert report(ablate)["looks"]["taken"] != []
    ablate("run", study, *INLINE, "--set", "config.queries=3000", "--only", "plain")
    found = report(ablate)
    assert found["looks"]["taken"] == []
    assert "what it saw has changed" in found["looks"]["ended"][0]
    assert not {one["verdict"] for one in found["contrasts"]} & DECIDED
    assert len({look.family for look in looks()}) == 1, "only some rows were run, so no look is taken"


def test_a_row_that_no_listed_contrast_touches_comes_and_goes(ablate: Ablate, study: Path) -> None:
    edit(study, "delta: 1.0", "delta: 1.0\nfamily: [[plain, large], [plain, small]]")
    ablate("run", study, *UNTIL)
    before = looks()
    edit(study, ", none: {none: on}}", ", both: {none: on, small: on}}")
    done = ablate("run", study, *UNTIL)
    assert "a new family" not in done.err
    assert looks() == before
    assert seeds()["both"] == 2


def test_a_reset_that_gives_the_same_changes_nothing(ablate: Ablate, study: Path) -> None:
    ablate("run", study, *UNTIL)
    taken, shown = looks(), report(ablate)
    ablate("reset", "made", "large", "small")
    again = ablate("run", study, *UNTIL)
    assert "a new family" not in again.err
    assert looks() == taken
    assert report(ablate) == shown


@contextmanager
def another_machine() -> Iterator[None]:
    """What is trained meanwhile turns out otherwise, as on hardware that does not repeat itself."""
    query(
        "CREATE TRIGGER otherwise AFTER INSERT ON ablate_measurements WHEN NEW.metric = 'top1' BEGIN UPDATE "
        "ablate_measurements SET value = value + 0.001 WHERE rowid = NEW.rowid; END"
    )
    yield
    query("DROP TRIGGER otherwise")


@pytest.mark.slow
@pytest.mark.parametrize("until", [True, False])
def test_a_reset_that_gives_something_else_begins_a_new_family(ablate: Ablate, study: Path, until: bool) -> None:
    ablate("run", study, *UNTIL)
    before = looks()
    ablate("reset", "made", "large", "--seed", 1)
    with another_machine():
        again = ablate("run", study, *(UNTIL if until else INLINE))
    why = "run again, with other results than at the last look: large, seed 1"
    assert f"a new family of looks begins: {why}; earlier looks stay on record" in again.err
    found = looks()
    assert found[: len(before)] == before
    assert (found[len(before)].family, found[len(before)].number, found[len(before)].why) == (2, 1, why)
    assert len(found) == (2 * len(before) if until else len(before) + 1)


def test_failed_trials_count_as_missing(ablate: Ablate, study: Path) -> None:
    edit(study, "  none: {sets: settings.none, levels: [off, on]}", "  none: {sets: [settings.none, fail], levels: "
         "{off: [off, 0.0], on: [on, 1.0]}}")  # fmt: skip
    done = ablate("run", study, *UNTIL)
    assert done.code == 1
    assert "1 without a claim (confounded, or without results)" in done.err
    taken = looks()
    assert taken[0].trials["none"]["seeds"]["0"][1] is None
    assert {seen["verdict"] for seen in taken[-1].seen if seen["name"][1] == "none"} == {"not_estimable"}
    assert {seen["verdict"] for seen in taken[-1].seen if seen["name"][1] != "none"} <= DECIDED
    assert query("SELECT count(*) FROM ablate_attempts WHERE state = 'failed'") == [(2,)], "no more seeds for it"


def test_a_look_is_taken_with_the_seeds_there_are(ablate: Ablate, study: Path) -> None:
    done = ablate("run", study, *INLINE, "--set", "config.fail=0.3")
    assert done.code == 1
    (first,) = looks()
    lacking = {(label, seed) for label in ROWS for seed, cell in first.trials[label]["seeds"].items() if not cell[1]}
    failed = query("SELECT label, seed FROM results WHERE state = 'failed'")
    assert 0 < len(failed) < 10
    assert lacking == {(label, str(seed)) for label, seed in failed}
    fixed = ablate("run", study, *UNTIL, "--retry-failed")
    assert fixed.code == 0
    assert {look.family for look in looks()} == {1}
    assert looks()[0] == first
    assert "look 2 of 4" in fixed.err


@pytest.mark.slow
@pytest.mark.parametrize("family", ["direct", "effects"])
def test_what_had_no_result_at_a_look_goes_on_once_it_has(ablate: Ablate, study: Path, family: str) -> None:
    edit(study, "delta: 1.0", f"delta: 1.0\nfamily: {family}")
    ablate("run", study, *INLINE, "--only", "plain", "--set", "config.fail=1")
    failed = ablate("run", study, *UNTIL)
    assert failed.code == 1
    (first,) = looks()
    assert {seen["verdict"] for seen in first.seen} == {"not_estimable"}
    noun = "effects" if family == "effects" else "contrasts"
    assert f"0 of 4 {noun} decided, 4 without a claim" in failed.err
    assert f"No row gets more seeds: 4 {noun} had no result at look 1." in " ".join(
        ablate("report", "made").out.split()
    )
    assert ablate("run", study, *UNTIL).code == 1, "nothing has come since"
    assert len(looks()) == 1
    fixed = ablate("run", study, *UNTIL, "--retry-failed")
    assert fixed.code == 0
    assert looks()[0] == first
    assert {look.family for look in looks()} == {1}
    assert {seen["verdict"] for seen in looks()[-1].seen} <= DECIDED or len(looks()) == len(LOOKS)


def test_no_look_is_taken_at_nothing(ablate: Ablate, study: Path) -> None:
    done = ablate("run", study, *UNTIL, "--set", "config.fail=1")
    assert done.code == 1
    assert "look 1 of 4, 2 seeds: not taken, as no trial has a result" in done.err
    assert looks() == []
    assert attempts() == 12


@pytest.mark.slow
def test_profiles_have_looks_of_their_own(ablate: Ablate, study: Path) -> None:
    ablate("run", study, *UNTIL)
    before = looks()
    other = ablate("run", study, *INLINE, "--profile", "other")
    assert "a new family" not in other.err
    assert [(look.family, look.number) for look in looks(profile="other")] == [(1, 1)]
    assert "nothing to run" in ablate("run", study, *UNTIL).err
    assert looks() == before
    assert seeds(profile="other") == dict.fromkeys(ROWS, 2)


def test_only_some_rows_make_no_look(ablate: Ablate, study: Path) -> None:
    assert ablate("run", study, *INLINE, "--only", "plain").code == 0
    assert looks() == []
    assert seeds() == dict.fromkeys(ROWS, 2)
    all_rows = "--only cannot be combined with --until-decided, which judges all rows together; leave out --only"
    other_looks = "leave out --seeds, and declare other looks in the file"
    for words, message in ((("--only", "plain"), all_rows), (("--seeds", 4), other_looks)):
        wrong = ablate("run", study, *UNTIL, *words)
        assert (wrong.code, message in wrong.err) == (2, True)


@pytest.mark.slow
def test_a_number_of_seeds_and_the_usual_looks(ablate: Ablate, study: Path) -> None:
    edit(study, "{looks: [2, 3, 5, 7]}", "3")
    assert ablate("run", study, *INLINE).code == 0
    assert seeds() == dict.fromkeys(ROWS, 3)
    assert looks() == []
    done = ablate("run", study, *UNTIL)
    assert "Interim looks at 2, 3, 5, 7, 10 seeds a row (the default; the file declares none)." in done.err
    taken, planned = looks(), seeds()
    assert taken[0].rules["looks"] == [2, 3, 5, 7, 10]
    assert planned["large"] == 2, "the third seed is in the store, and no look has asked for it"
    plain = ablate("run", study, *INLINE)
    assert "Interim looks at 2, 3, 5, 7, 10 seeds a row (as in earlier runs of this study)." in plain.err
    assert (looks(), seeds()) == (taken, planned)
    wrong = ablate("run", study, *INLINE, "--seeds", 9)
    assert wrong.code == 2
    assert "--seeds 9: looks were taken at made (base)" in wrong.err
    assert ablate("run", study, *INLINE, "--seeds", 4, "--set", "study=copy").code == 0
    assert set(seeds(study="copy").values()) == {4}


@pytest.mark.slow
def test_stale_results_end_a_family_unless_they_are_accepted(package: Package, study: Path) -> None:
    store = str(package.folder / "results" / "ablate.db")
    package("run", study, *INLINE)
    (first,) = looks(store)
    new_base(package)
    kept = package("run", study, *UNTIL, "--accept-stale")
    assert kept.code == 0
    assert "10 stale results kept" in kept.err
    assert "a new family" not in kept.err
    assert looks(store)[0] == first
    assert {look.family for look in looks(store)} == {1}
    assert "a new family" not in package("run", study, *UNTIL).err, "what was accepted stays so"
    package("reset", "made", "large")
    anew = package("run", study, *INLINE)
    assert "other trials than at the last look, of rows large: base: 0.27 -> 0.3" in anew.err
    assert {look.family for look in looks(store)} == {1, 2}


def test_looks_on_a_server_are_those_in_a_file(ablate: Ablate, study: Path, postgres: str) -> None:
    for store in (postgres, "results/ablate.db"):
        assert ablate("run", study, *INLINE, "--store", store).code == 0
        assert ablate("run", study, *UNTIL, "--store", store).code == 0
    assert values(looks(postgres)) == values(looks())
