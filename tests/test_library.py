"""The package as a library: a study is planned, run, analysed and rendered without the command line."""

import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import ablate
from ablate import Observer, Progress, StudyError

STUDY = """\
study: library
trainer: simulated
config:
  queries: 2000
  seed_sd_pp: 0.1
  shared_seed_sd_pp: 0.1
  effects: [{when: {large: on}, pp: 8.0}]
factors:
  large: {sets: settings.large, levels: [off, on]}
design: [{add_one: {from: {}}}]
seeds: 3
"""


class Recorder(Observer):
    """Keeps the events of a run."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.labels: dict[str, str] = {}
        self.started_keys: list[str] = []
        self.ended_labels: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def dispatching(self, outline: ablate.RunOutline) -> AbstractContextManager[Observer]:
        self.labels = dict(outline.labels)
        return super().dispatching(outline)

    def added(self, key: str, label: str) -> None:
        self.labels[key] = label

    def started(self, key: str) -> None:
        self.started_keys.append(key)

    def progressed(self, key: str, progress: Progress) -> None:
        assert progress.step <= progress.steps

    def ended(self, key: str, reason: str | None) -> None:
        assert reason is None
        self.ended_labels.append(self.labels[key])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "study.yaml"
    file.write_text(STUDY)
    return file


def test_a_study_is_run_and_read_through_the_library_alone(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, recorder = tmp_path / "store.db", Recorder()
    plan = ablate.plan_study(path, store)
    assert [item.state for item in plan.trials] == ["pending"] * 6
    assert not store.exists(), "a plan creates no store"
    summary = ablate.run_study(path, store, executor="inline", observer=recorder)
    assert (summary.study, summary.ran, summary.failed) == ("library", 6, 0)
    assert len(recorder.started_keys) == 6
    assert sorted(recorder.ended_labels) == sorted(
        f"{row}, seed {seed}" for row in ("baseline", "large=on") for seed in range(3)
    )
    assert {item.state for item in ablate.plan_study(path, store).trials} == {"done"}
    again = ablate.run_study(ablate.read_study(path), store, executor="inline")
    assert again.ran == 0
    analysis = ablate.analyse(ablate.load_results("library", store))
    assert [effect.estimate.verdict for effect in analysis.effects] == ["better"]
    assert "large" in ablate.render(ablate.analyse_study("library", store), "markdown")
    figures = ablate.draw(analysis, tmp_path / "figures")
    assert figures
    assert all(figure.is_file() for figure in figures)
    assert capsys.readouterr() == ("", ""), "a library prints nothing"


def test_settings_of_a_study_that_was_read_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ablate.AblateError, match="read_study"):
        ablate.run_study(ablate.read_study(path), tmp_path / "store.db", settings=["seeds=2"])


def test_every_fault_of_a_file_is_raised_at_once(path: Path) -> None:
    path.write_text(STUDY.replace("queries: 2000", "querys: 2000").replace("seeds: 3", "seeds: none"))
    with pytest.raises(StudyError) as error:
        ablate.plan_study(path)
    assert len(error.value.faults) == 2


def test_a_reset_queues_rows_again(path: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    ablate.run_study(path, store, executor="inline", seeds=1)
    done = ablate.reset_rows("library", ["large=*"], store)
    assert [status.label for status in done.result.queued] == ["large=on"]
    assert ablate.run_study(path, store, executor="inline", seeds=1).ran == 1


def test_a_search_runs_through_the_library(path: Path, tmp_path: Path) -> None:
    space = "search: {space: {width: {low: 0.0, high: 1.0}}, sampler: random, trials: 3, finalists: {top: 1, seeds: 2}}"
    width = "factors:\n  width: {sets: settings.width, levels: [0.5, 0.7]}"
    path.write_text(STUDY.replace("factors:", width) + space)
    recorder = Recorder()
    summary = ablate.search_study(path, tmp_path / "store.db", executor="inline", observer=recorder)
    assert (summary.candidates, summary.finalists, summary.trainings, summary.failed) == (3, 1, 4, 0)
    assert any("3 trials" in message for message in recorder.messages)


def test_public_names_resolve_and_are_explained() -> None:
    for name in ablate.__all__:
        value = getattr(ablate, name)
        if name != "__version__":
            assert value.__doc__, f"{name} has no docstring"
            for method, function in vars(value).items() if isinstance(value, type) else ():
                is_public = callable(function) and not method.startswith("_")
                assert not is_public or function.__doc__ or name in UNEXPLAINED, f"{name}.{method} has no docstring"
    assert set(ablate.__all__) == {"__version__", *ablate._MODULE_OF}
    with pytest.raises(AttributeError, match="nothing"):
        ablate.nothing  # noqa: B018


UNEXPLAINED = {"Analysis", "StudyResults", "Study", "Store", "Comparison"}
"""Classes of other parts, whose properties may be plain names."""


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import ablate, sys; print(sorted({'numpy', 'sqlalchemy', 'pydantic', 'typer', 'yaml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
