"""Benchmarks still measure what they say; and the name of one, which the standard library has too."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

BENCHMARKS = ROOT / "benchmarks"


def python(*words: object, cwd: Path | None = None) -> str:
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd).stdout


def test_a_script_beside_it_gets_the_queue_of_the_standard_library(tmp_path):
    script = "import sys; sys.path.insert(0, {!r}); import queue, concurrent.futures, machine; print(queue.__file__)"
    found = python("-c", script.format(str(BENCHMARKS)), cwd=tmp_path)
    assert Path(found.strip()).parent == Path(subprocess.__file__).parent


@pytest.mark.parametrize("folder", [ROOT, BENCHMARKS, BENCHMARKS / "results"])
def test_it_starts_from_anywhere(folder):
    assert "pyexperimenter" in python(BENCHMARKS / "queue.py", "--help", cwd=folder)


@pytest.mark.slow
def test_overhead_counts_the_trials_that_were_run():
    small = ("--only", "ablate-2", "--scale", 0.001, "--rounds", 1, "--no-keep")
    printed = python(BENCHMARKS / "queue.py", "overhead", *small)
    (line,) = [line for line in printed.splitlines() if line.startswith("| **ablate**")]
    _, _, trials, *_, twice, never, _, _ = line.split("|")
    assert (trials.strip(), twice.strip(), never.strip()) == ("10", "0", "0")


@pytest.mark.slow
def test_a_filled_store_is_one_that_status_reads(ablate, tmp_path):
    store = tmp_path / "store.db"
    python("-m", "benchmarks.queueing.fill", store, 200)
    assert "200 done" in ablate("status", "--store", store).out


@pytest.mark.slow
def test_retrieval_compares_neighbours_and_rankings():
    small = ("--queries", 60, "--gallery", 900, "--width", 16, "--rounds", 1, "--only", "spread", "--no-keep")
    printed = python(BENCHMARKS / "retrieval.py", *small)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if "| spread |" in line]
    assert [row[1] for row in rows].count("ours") == 2
    assert len(rows) == 6
    clear, all_places = rows[0][5:7]
    assert (clear, all_places) == ("100.000%", "100.000%")


@pytest.mark.slow
def test_packing_is_held_against_a_loop_that_makes_the_same():
    printed = python(BENCHMARKS / "packing.py", "--photographs", 30, "--rounds", 1, "--no-keep")
    ours, loop = [line.split("|")[1:-1] for line in printed.splitlines() if "prepare`" in line or "plain loop" in line]
    assert all(float(cell.split()[0]) > 0 for cell in (*ours[1:], *loop[1:]))
    assert "with the same pixels" in printed


@pytest.mark.slow
def test_a_set_larger_than_memory_is_named_with_what_the_benchmark_needs():
    assert "--gigabytes" in python(BENCHMARKS / "larger.py", "--help")
