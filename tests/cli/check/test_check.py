"""`ablate check` on real scripts: what it prints, its exit code, and that nothing is left behind."""

import json
import re
import signal
import tempfile
import time
from pathlib import Path

import pytest
import yaml

from tests.conftest import Ablate, Result
from tests.support.command.checked_scripts import (
    COMMAND,
    FUNCTION,
    MISSPELT,
    OPTIONS,
    PARSE,
    SWALLOW,
    TRAIN,
    WITHOUT_DROPOUT,
    write_study,
)
from tests.support.command.watched_scripts import marked, new_mark, wait_until
from tests.support.command_line import start

GOOD = OPTIONS + PARSE + TRAIN


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put temporary folders below a folder of the test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def checked(ablate: Ablate, script: str, study: str = COMMAND, *options: str) -> Result:
    """Check a script, and require lines of at most 80 columns but for those to paste, and nothing in the folder."""
    write_study(script, study)
    result = ablate("check", "study.yaml", *options)
    folded = [line for line in result.out.splitlines() if not re.match(r"    \S+: \{|  /\S+$", line)]
    assert all(len(line) <= 80 for line in folded), result.out
    known = {"train.py", "study.yaml", "temporary", "metrics.json", "__pycache__"}
    assert {path.name for path in Path().iterdir()} <= known
    return result


def words(result: Result) -> str:
    """Return the output with all white space as single spaces."""
    return " ".join(result.out.split())


def test_a_good_script(ablate: Ablate, temporary_folder: Path) -> None:
    result = checked(ablate, GOOD)
    assert result.code == 0
    assert "exit code 0 after" in result.out
    assert re.search(r"val_acc: \d+\.\d+ %, on validation data, read from stdout:val_acc: ", words(result))
    assert "seed: with seed 1, the results differ" in result.out
    assert "not checked: whether each factor changes the results; `ablate check study.yaml --factors`" in words(result)
    assert result.out.splitlines()[-1] == "all is well: `ablate run study.yaml`"
    assert not result.out.count("!")
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.slow
def test_a_metric_that_is_printed_and_not_declared_has_a_line_that_can_be_pasted(ablate: Ablate) -> None:
    lines = checked(ablate, GOOD).out.splitlines()
    (line,) = (line.strip() for line in lines if line.strip().startswith("val_loss: {"))
    declared = yaml.safe_load(line)["val_loss"]
    assert declared["better"] == "lower"
    pasted = COMMAND.replace("config:", f"  {line}\nconfig:")
    result = checked(ablate, GOOD, pasted)
    assert result.code == 0
    assert "val_loss: {" not in result.out
    assert re.search(r"^  val_loss: 0\.\d+, on validation data", result.out, re.MULTILINE)


def test_a_misspelt_option_that_the_script_refuses(ablate: Ablate, temporary_folder: Path) -> None:
    result = checked(ablate, GOOD, MISSPELT)
    assert result.code == 1
    assert "! failed after" in result.out
    assert "unrecognized arguments: --droput 0.2" in words(result)
    assert "train.py has no option --droput; did you mean --dropout? Rename the key 'droput'" in words(result)
    assert result.out.count("!") == 2, "one fault, and the sum"
    (kept,) = temporary_folder.iterdir()
    log = kept / "training-1" / "attempt-1.log"
    assert result.out.endswith(f"\n\nthe output of each training that failed:\n  {log}\n")
    assert "--droput" in log.read_text()


def test_a_misspelt_option_that_the_script_swallows(ablate: Ablate) -> None:
    result = checked(ablate, OPTIONS + SWALLOW + WITHOUT_DROPOUT + "print(rest if rest else args)", MISSPELT)
    assert result.code == 1
    assert "! --droput: train.py has no such option" in result.out
    assert "did you mean --dropout? Rename the key 'droput'" in words(result)
    assert result.out.splitlines()[-1] == "1 finding, marked with !"


@pytest.mark.parametrize("parse", [PARSE, SWALLOW], ids=["refused", "swallowed"])
def test_a_script_that_cannot_be_watched_is_read(ablate: Ablate, parse: str) -> None:
    """Python with -I does not read PYTHONPATH."""
    result = checked(ablate, OPTIONS + parse + WITHOUT_DROPOUT, MISSPELT.replace("train.py", "-I, train.py"))
    assert result.code == 1
    assert "--droput: train.py has no such option; did you mean --dropout? Rename the key 'droput'" in words(result)


def test_a_switch_that_gets_a_value(ablate: Ablate) -> None:
    result = checked(ablate, GOOD, COMMAND.replace("args:flags", "args").replace("augment: off", "augment: on"))
    assert result.code == 1
    assert 'write "${args:flags}"' in words(result)


def test_a_metric_that_is_declared_and_not_printed(ablate: Ablate) -> None:
    study = COMMAND.replace("val_acc: {", "top1: {").replace("stdout:val_acc", "stdout:test_acc")
    result = checked(ablate, GOOD, study)
    assert result.code == 1
    assert "exit code 0 after" in result.out
    assert "! top1: missing: no line of the output matches `test_acc: ([0-9.]+)`" in words(result)
    assert 'val_acc: {better: higher, unit: "%", from: \'stdout:val_acc: ' in result.out
    assert "\n1 finding, marked with !\n" in result.out


@pytest.mark.parametrize("study", [COMMAND, COMMAND.replace("augment: off}", "augment: off}\nseeds: [5, 9]")])
def test_a_script_that_ignores_its_seed(ablate: Ablate, study: str) -> None:
    result = checked(ablate, OPTIONS + PARSE + TRAIN.replace("Random(args.seed)", "Random(7)"), study)
    assert result.code == 1
    assert "! --seed: train.py parses it, and nothing reads args.seed" in result.out
    assert re.search(r"! seed: the results are equal to the last digit with the seeds (0, 1|5, 9), ", words(result))


def test_two_seeds_are_enough_for_values_with_many_digits(ablate: Ablate) -> None:
    loss = 'val_loss: {better: lower, from: "stdout:val_loss: ([0-9.]+)"}\ndelta: 0.1'
    study = re.sub("val_acc: .*", loss, COMMAND)
    train = TRAIN.replace("Random(args.seed)", "Random(7)").replace("1 - score:.6f", "1 - score!r")
    result = checked(ablate, OPTIONS + PARSE + train, study)
    assert "with the seeds 0, 1. Either" in words(result)


def test_metrics_that_are_equal_by_chance_are_no_fault(ablate: Ablate) -> None:
    """The rate is 1 with each seed, and the loss, which is not declared, differs. The printed seed shows nothing."""
    result = checked(ablate, OPTIONS + PARSE + TRAIN + 'print("val_acc: 1.0")')
    assert result.code == 0
    assert "seed: with seed 1, val_loss (stdout) differs" in words(result)


def test_numbers_that_repeat_the_seed_or_the_time_show_nothing(ablate: Ablate) -> None:
    printed = 'import time\nprint(f"seed: {args.seed}\\nclock: {time.time_ns() % 10**9}\\nval_acc: 0.5")'
    result = checked(ablate, OPTIONS + PARSE + TRAIN.replace("args.seed", "7") + printed)
    assert "! seed: the results are equal to the last digit" in result.out


def test_factors(ablate: Ablate) -> None:
    result = checked(ablate, OPTIONS + PARSE + WITHOUT_DROPOUT, COMMAND, "--factors")
    assert result.code == 1
    assert "! --dropout: train.py parses it, and nothing reads args.dropout" in result.out
    assert "seed: seed 0 gives the same results again" in result.out
    assert "lr: with 0.01 in place of 0.1, the results differ" in result.out
    assert "augment: with on in place of off, the results differ" in result.out
    assert "! dropout: with 0.5 in place of 0.2, the results are equal to the last digit" in words(result)
    assert result.out.splitlines()[-1] == "2 findings, marked with !"


def test_results_that_no_seed_determines(ablate: Ablate) -> None:
    script = OPTIONS + PARSE + TRAIN.replace("Random(args.seed)", "Random(os.urandom(8) + bytes(args.seed))")
    result = checked(ablate, script, COMMAND, "--factors")
    assert "seed: the same seed 0 gives other results each time" in words(result)


def test_an_option_that_other_rows_may_read_is_no_fault(ablate: Ablate) -> None:
    result = checked(ablate, OPTIONS + PARSE + WITHOUT_DROPOUT + "\nif args.augment: print(args.dropout)")
    assert result.code == 0
    assert "--dropout: train.py parses it, and nothing has read args.dropout in this row" in words(result)


def test_a_torn_result_file(ablate: Ablate) -> None:
    script = OPTIONS + PARSE + TRAIN + """open(os.environ["ABLATE_RESULT"], "w").write('{"val_acc": 0.9')"""
    result = checked(ablate, script, COMMAND.replace(', from: "stdout:val_acc: ([0-9.]+)"', ""))
    assert result.code == 1
    assert "! val_acc: missing: result.json is cut off at line 1" in words(result)


def test_exit_code_3(ablate: Ablate) -> None:
    result = checked(ablate, GOOD + 'print("cannot go on")\nsys.exit(3)')
    assert result.code == 1
    assert "! failed after" in result.out
    assert "exit code 3: cannot go on" in words(result)
    assert "the last lines of its output:" in result.out
    assert "val_acc: " in result.out


def test_nan(ablate: Ablate) -> None:
    result = checked(ablate, GOOD + 'print("val_acc: nan")', COMMAND.replace("[0-9.]+", r"\\S+"))
    assert result.code == 1
    assert "! val_acc: nan, which is not finite" in result.out


def test_a_program_that_is_missing(ablate: Ablate) -> None:
    result = checked(ablate, GOOD, COMMAND.replace('"${python}"', "pythn"))
    assert (result.code, result.out) == (2, "")
    assert "there is no program 'pythn' on this machine" in result.err


def test_a_file_that_every_training_overwrites(ablate: Ablate) -> None:
    script = GOOD + 'json.dump({"loss": score}, open("metrics.json", "w"))'
    result = checked(ablate, script)
    assert result.code == 0  # no metric is read from it
    assert "each training writes metrics.json in the working directory" in result.out
    of_result = COMMAND.replace("metrics:", "primary: val_acc\nmetrics:\n  loss: {better: lower}")
    writes = script + "; json.dump({'loss': 1}, open(__import__('os').environ['ABLATE_RESULT'], 'w'))"
    result = checked(ablate, writes, of_result)
    assert result.code == 1  # a metric may be read from a file
    assert "! each training writes metrics.json in the working directory" in result.out
    own = COMMAND.replace('"${seed}"]}', '"${seed}"], cwd: "${dir}"}')
    assert checked(ablate, script, own).code == 0


def test_a_faulty_study_file(ablate: Ablate) -> None:
    result = checked(ablate, GOOD, COMMAND.replace("train.py", "tain.py"))
    assert (result.code, result.out) == (2, "")
    assert "did you mean 'train.py'?" in result.err


def test_another_row(ablate: Ablate) -> None:
    result = checked(ablate, GOOD, COMMAND, "--only", "lr=*")
    assert result.out.startswith("demo: row 'lr=0.01', seed 0\n")
    assert result.out.splitlines()[-1] == "all is well: `ablate run study.yaml`"
    assert ablate("check", "study.yaml", "--only", "x").code == 2


def test_a_reference_row_has_no_row_next_to_it(ablate: Ablate) -> None:
    study = COMMAND + "references: {quick: {lr: 0.5}}\n"
    result = checked(ablate, GOOD, study, "--only", "quick", "--factors")
    assert result.code == 0
    assert "lr: no row differs from 'quick' in this factor alone, so it was not checked" in words(result)


def test_settings_that_a_script_prints_are_no_metrics(ablate: Ablate) -> None:
    script = GOOD.replace(PARSE, 'parser.add_argument("--momentum", type=float, default=0.9)\n' + PARSE)
    result = checked(ablate, script + "print(args, args.momentum)")
    assert re.findall(r"^    (\S+): \{", result.out, re.MULTILINE) == ["val_loss"]


def test_a_row_in_which_the_training_fails(ablate: Ablate) -> None:
    result = checked(ablate, GOOD + 'if args.augment: sys.exit("too large")', COMMAND, "--factors")
    assert result.code == 1
    assert "! augment: with on in place of off, the training fails: exit code 1: too large" in words(result)
    assert re.search(r"\nthe output of each training that failed:\n  /\S+/training-6/attempt-1.log\n$", result.out)


def test_a_script_that_asks_for_another_attempt(ablate: Ablate) -> None:
    script = GOOD + 'open(os.path.join(os.environ["ABLATE_DIR"], "state"), "w").write("x")\nsys.exit(75)'
    result = checked(ablate, script)
    assert result.code == 1
    assert "stopped with exit code 75" in words(result)


def test_a_function_that_ignores_config_keys(ablate: Ablate) -> None:
    script = """
import random
def main(config, seed):
    print(config)
    return {"val_acc": random.Random(seed).random() * config["model"]["width"] / 8 + config["lr"], "loss": 0.25}
"""
    result = checked(ablate, script, FUNCTION)
    assert result.code == 1
    assert "! config.model.depth: the function never reads it" in result.out
    assert 'loss: {better: lower, from: "result:loss"}' in result.out
    assert result.out.splitlines()[-1] == "1 finding, marked with !"


def test_a_function_that_ignores_an_argument(ablate: Ablate) -> None:
    script = """
import random
def main(lr, model, seed):
    return {"val_acc": random.random() * model["depth"] * model["width"] / 12}
"""
    result = checked(ablate, script, FUNCTION)
    assert result.code == 1
    assert "! config.lr: the function never reads it" in result.out
    assert "! seed: main has an argument `seed` and never uses it" in result.out


def test_a_function_that_a_watched_config_breaks_runs_without(ablate: Ablate) -> None:
    script = """
import random
def main(config, seed):
    assert type(config) is dict
    return {"val_acc": random.Random(seed).random()}
"""
    assert checked(ablate, script, FUNCTION).code == 0


def test_a_function_with_a_typed_config_and_a_wrong_key(ablate: Ablate) -> None:
    script = """
from dataclasses import dataclass
@dataclass
class Config:
    lr: float
    modle: dict
def main(config: Config, seed):
    return {"val_acc": 0.5}
"""
    result = checked(ablate, script, FUNCTION)
    assert result.code == 2
    assert "config.model: unknown key 'model'; did you mean 'modle'?" in result.err


def test_a_built_in_trainer(ablate: Ablate) -> None:
    study = "study: built-in\ntrainer: simulated\nfactors: {a: {sets: settings.a, levels: [off, on]}}\n"
    result = checked(ablate, "", study + "design: [{add_one: {from: {}}}]\ndelta: 1.0\n")
    assert result.code == 0
    assert re.search(r"^  top1: \d+\.\d\d % on the test split", result.out, re.MULTILINE)
    assert "settings" not in result.out


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_and_no_file(temporary_folder: Path) -> None:
    mark = new_mark()
    script = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)', '{mark}'])"
    write_study(script)
    process = start("check", "study.yaml", folder=Path())
    wait_until(lambda: bool(marked(mark)))
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; no process of the training is left, and nothing was stored" in err
    assert time.monotonic() - began < 5
    assert marked(mark) == set()
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_in_a_later_training_keeps_what_is_known() -> None:
    write_study(GOOD + 'import time\nif args.seed: open("begun", "w").close(), time.sleep(60)')
    process = start("check", "study.yaml", folder=Path())
    wait_until(Path("begun").exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.endswith("seed 1\ninterrupted; no process of the training is left, and nothing was stored\n")


def test_from_python(ablate: Ablate) -> None:
    import ablate as package

    path = write_study(GOOD)
    messages: list[str] = []
    check = package.check_study(path, factors=True, report=messages.append)
    assert check.findings == 0
    assert check.run.values == pytest.approx({"val_acc": json.loads(f"{check.run.values['val_acc']:.4f}")})
    assert sum(message.startswith("training ") for message in messages) == check.trainings == 6
