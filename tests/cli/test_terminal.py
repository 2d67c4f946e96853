"""Output on every terminal: encodings that lack characters, unwanted colours, pipes that close, narrow lines."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.cli.terminal import ReadableStream, folded, has_colour
from ablate.text import encodable

STUDY = """\
study: wide
question: Größe → ± × 中?
trainer: simulated
config: {queries: 5000}
factors:
  größe: {sets: settings.size, levels: [klein, groß]}
design: [{add_one: {from: {}}}]
"""


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "wide.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def run(*words: object, stdout: int = subprocess.PIPE, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "ablate", *(str(word) for word in words)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=os.environ | environment, check=False)


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("1 → 2: −4.5 ± 0.3 pp, 3 × 2 …", "ascii", "1 -> 2: -4.5 +- 0.3 pp, 3 x 2 ..."),
        ("1 → 2: ± 0.3, 3 × 2", "latin-1", "1 -> 2: ± 0.3, 3 × 2"),
        ("┏━━┓│╷ • ≤ ≥ ≠", "ascii", "+--+|| * <= >= !="),
        ("Größe é ø", "ascii", "Grosse e o"),
        ("中", "ascii", "\\u4e2d"),
        ("a → b", "utf-8", "a → b"),
    ],
)
def test_what_an_encoding_lacks_is_written_in_ascii(text: str, encoding: str, written: str) -> None:
    assert encodable(text, encoding) == written


def test_columns_stay_below_one_another() -> None:
    table = " rows   change    verdict\n 1 → 2  ±2.83     better\n 2 → 3  ±3.67     worse\n"
    lines = encodable(table, "ascii").splitlines()
    assert {line.index(word) for line, word in zip(lines, ("verdict", "better", "worse"), strict=True)} == {18}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_stream_of_any_encoding_takes_any_text(encoding: str) -> None:
    raw = io.BytesIO()
    stream = ReadableStream(io.TextIOWrapper(raw, encoding=encoding))
    print("a → \udcff 中 ±", file=stream, flush=True)
    assert raw.getvalue().decode(encoding).startswith("a ")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("words", [("plan",), ("plan", "--set", "alpha=größe→")], ids=["plan", "fault"])
def test_commands_write_what_the_encoding_holds(study: Path, encoding: str, words: tuple[str, ...]) -> None:
    done = run(words[0], study, *words[1:], PYTHONIOENCODING=encoding)
    assert done.returncode == (0 if len(words) == 1 else 2)
    text = (done.stdout + done.stderr).decode(encoding)
    assert "->" in text
    assert "Traceback" not in text


@pytest.mark.slow
def test_a_json_report_loses_no_letter(study: Path, tmp_path: Path) -> None:
    run("run", study, "--executor", "inline")
    done = run("report", "--format", "json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout.decode("ascii"))["question"] == "Größe → ± × 中?"
    assert "größe" in [effect["factor"] for effect in json.loads(done.stdout)["effects"]]
    written = run("report", "--output", tmp_path / "report.txt", PYTHONIOENCODING="ascii")
    assert written.returncode == 0
    assert "Größe → ±" in (tmp_path / "report.txt").read_text(encoding="utf-8")


def test_a_reader_that_ends_early_and_a_full_disk_give_no_traceback(study: Path) -> None:
    command = f"{sys.executable} -m ablate plan {study} | head -0; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    with Path("/dev/full").open("wb") as full:
        done = run("plan", study, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (2, b"stdout cannot be written: No space left on device\n")


def test_closed_streams_are_no_fault(study: Path) -> None:
    command = f"{sys.executable} -m ablate plan {study} >&- 2>&-"
    assert subprocess.run(["bash", "-c", command], check=False).returncode == 0


@pytest.mark.parametrize(
    ("environment", "terminal", "pipe"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR": "0"}, False, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_colours_are_those_that_the_user_wishes(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], terminal: bool, pipe: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (has_colour(Terminal()), has_colour(io.StringIO())) == (terminal, pipe)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "coloured"), [("PLAIN", True), ("NO_COLOR", False)])
def test_a_run_on_a_terminal_has_colours_or_none(study: Path, name: str, coloured: bool) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ablate", "run", str(study), "--executor", "inline"]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=os.environ | {name: "1", "TERM": "xterm"})
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:
            break
        text += part
    assert process.wait() == 0
    assert (b"\x1b[1m" in text) is coloured


def test_a_message_is_folded_on_a_terminal_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = (
        "study.yaml:3: a message that does not fit; `ablate run study.yaml --store x.db` helps\n    x: y: z\n       ^"
    )
    lines = folded(text, Terminal()).splitlines()
    assert max(len(line) for line in lines if "`" not in line) < 40
    assert any("`ablate run study.yaml --store x.db`" in line for line in lines), "what is copied stays whole"
    assert lines[-2:] == ["    x: y: z", "       ^"]
    assert folded(text, io.StringIO()) == text


@pytest.mark.parametrize("columns", [40, *(pytest.param(width, marks=pytest.mark.slow) for width in (30, 60))])
def test_a_narrow_terminal_shows_every_cell(study: Path, columns: int) -> None:
    run("run", study, "--executor", "inline", "--set", "seeds=2")
    wide, narrow = (run("report", COLUMNS=str(width)).stdout.decode() for width in (80, columns))
    text = [line for line in narrow.splitlines() if not line.startswith("figure: ")]
    assert max(map(len, text)) <= columns
    for number in re.findall(r"\d+\.\d+", wide):
        assert number in " ".join(narrow.split())
    assert "größe=groß" in narrow
    assert "…" not in narrow
