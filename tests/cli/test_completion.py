"""Completion in a shell: what it offers for each place, and its silence about faults."""

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablate.cli.app import app
from ablate.retrieval.data.catalog import DATASETS
from tests.support.command_line import INLINE
from tests.support.paths import SIMULATED

STUDY = SIMULATED.read_text(encoding="utf-8")


def completed(line: str) -> list[str]:
    """Return what bash is offered for the last word of a line."""
    words = line.split(" ")
    environment = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_ABLATE_COMPLETE": "complete_bash",
    }
    result = CliRunner().invoke(app, [], prog_name="ablate", env=environment)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.split("\n")[:-1] if result.stdout.strip() else []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two study files and their stores."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "studies").mkdir()
    (folder / "demo.yaml").write_text(STUDY + "profiles: {quick: {seeds: 1}}\n", encoding="utf-8")
    (folder / "studies" / "other.yml").write_text(STUDY, encoding="utf-8")
    (folder / "notes.md").write_text("no study\n")
    with contextlib.chdir(folder):
        for words in (["demo.yaml"], ["studies/other.yml", "--store", "other.db", "--set", "study=other"]):
            assert CliRunner().invoke(app, ["run", *words, *INLINE]).exit_code == 0
    return folder


@pytest.fixture
def studies(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ablate re", ["report", "reset"]),
        ("ablate run ", ["demo.yaml", "studies/other.yml"]),
        ("ablate run st", ["studies/other.yml"]),
        ("ablate plan studies/", ["studies/other.yml"]),
        ("ablate run demo.yaml --ret", ["--retry-failed"]),
        ("ablate run demo.yaml --profile ", ["quick", "base"]),
        ("ablate run demo.yaml --profile=q", ["quick"]),
        ("ablate run demo.yaml --executor ", ["processes", "inline"]),
        ("ablate report ", ["simulated", "demo.yaml", "studies/other.yml"]),
        ("ablate status --store other.db ", ["other"]),
        ("ablate compare simulated --against ", ["simulated"]),
        ("ablate report simulated --profile ", ["base"]),
        ("ablate report --format l", ["latex", "log"]),
        ("ablate status s", ["simulated"]),
        ("ablate data prepare ", list(DATASETS)),
        ("ablate plan demo.yaml --set del", ["delta="]),
        ("ablate plan demo.yaml --set config.qu", ["config.queries="]),
        ("ablate plan demo.yaml --set factors.er", ["factors.erasing.baseline="]),
        ("ablate plan studies/none.yaml --set config.loss.mar", ["config.loss.margin="]),
        ("ablate plan missing.yaml --only ", []),
        ("ablate plan notes.md --only ", []),
        ("ablate reset nosuch ", []),
        ("ablate status --store missing.db ", []),
        ("ablate status --store notes.md ", []),
    ],
)
def test_what_is_offered(studies: None, line: str, offered: list[str]) -> None:
    assert completed(line) == offered


def test_labels_are_offered_in_the_form_that_a_shell_takes(studies: None) -> None:
    of_file, of_store = completed("ablate run demo.yaml --only "), completed("ablate reset simulated ")
    assert of_file == of_store
    assert "plain" in of_file
    assert all(not label or " " not in label.strip("'") or label.startswith("'") for label in of_file)


def test_a_shell_gets_its_script() -> None:
    code = "import sys; sys.argv = ['ablate', '--show-completion']; from ablate.__main__ import main; main()"
    environment = {
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        "_ABLATE_COMPLETE": "source_bash",
        "PATH": "/bin",
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert "_ABLATE_COMPLETE=complete_bash" in done.stdout


def test_the_config_keys_of_a_script_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(
        "study: own\ntrainer: {command: [a]}\nfactors: {}\nconfig: {lr: 1, net: {depth: 2}}", "utf-8"
    )
    assert completed("ablate run own.yaml --set config.") == ["config.lr=", "config.net.depth="]
