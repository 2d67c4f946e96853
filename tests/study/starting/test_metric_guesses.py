"""Tests of metrics that scripts print: each script runs, and the expression reads the number that it printed."""

import re
from pathlib import Path

import pytest

from ablate.study.starting.metric_guesses import MetricGuess, chosen, printed_metrics, written_metrics
from ablate.study.starting.scanning.printed_lines import printed_lines
from ablate.study.starting.scanning.written_files import written_results
from tests.support.project.source_text import output_of, source_of

NAMES = {"acc": 0.9375, "loss": 0.125, "e": 3, "n": 8, "hits": 7, "best": {"f1": 0.5}}


def guesses(text: str, folder: Path) -> list[MetricGuess]:
    source = source_of(text, folder)
    return printed_metrics(printed_lines(source), source)


def read(guess: MetricGuess, output: str) -> list[str]:
    return re.findall(guess.origin.removeprefix("stdout:"), output, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ('print(f"val_acc: {acc:.4f}")', "val_acc", "0.9375"),
        ('print("val_acc:", acc)', "val_acc", "0.9375"),
        ('print("acc=" + str(acc) + ", done")', "acc", "0.9375"),
        ('print("Test accuracy of the net on 10000 images: %.2f" % acc)', "test_accuracy", "0.94"),
        ('print("epoch {}: val/loss {:8.3f} | acc {:.1f}".format(e, loss, acc))', "val_loss", "0.125"),
        ('print("epoch {}: val/loss {:8.3f} | acc {:.1f}".format(e, loss, acc))', "val_acc", "0.9"),
        ('print(f"\\nFinal: avg loss {loss}\\n")', "loss", "0.125"),
        ('print("mean squared error:", loss)', "mean_squared_error", "0.125"),
        ('print(acc)', "acc", "0.9375"),
        ('print("the result is", best["f1"])', "f1", "0.5"),
        ('print(f"accuracy {hits}/{n} ({100 * hits / n:.1f}%)")', "accuracy", "87.5"),
        ('print(f"{e} acc {acc}"); print(f"best acc {acc + 1}"); print(f"my_acc {acc + 2}")', "acc", "0.9375"),
        ('print(f"train: loss {loss + 1} acc {acc}"); print(f"test: loss {loss} acc {acc}")', "test_loss", "0.125"),
        ('print(f"r@1: {acc}, nDCG (k=10): {loss}")', "r@1", None),
        ('import sys; sys.stdout.write("macro F1 = {f:.2f}\\n".format(f=acc))', "macro_f1", "0.94"),
        ('print(f"[{e}] (val) acc*100 = {acc * 100:.2f} %")', "val_acc", "93.75"),
        ('print(f"lr {loss} top-1 {acc}")', "top_1", None),
        ('print("seconds", e, "memory", n)', "seconds", None),
        ('print(" ".join(map(str, [e])))', "map", None),
        ('try:\n    f(e)\nexcept OSError as error:\n    print("error:", error)', "error", None),
    ],
)  # fmt: skip
def test_the_printed_number_is_read(text: str, name: str, number: str | None, tmp_path: Path) -> None:
    found = [guess for guess in guesses(text, tmp_path) if guess.name == name]
    if number is None:
        assert found == []
    else:
        assert read(found[0], output_of(text, **NAMES)) == [number]


def test_logged_numbers(tmp_path: Path) -> None:
    text = 'import logging\nlog = logging.getLogger()\nlog.info("epoch %d val loss %.3f acc %.1f%%", 1, 0.5, 93.0)\n'
    found = {guess.name: guess for guess in guesses(text, tmp_path)}
    assert found.keys() == {"val_loss", "val_acc"}
    assert found["val_acc"].is_percent
    assert read(found["val_acc"], "INFO:root:epoch 1 val loss 0.500 acc 93.0%") == ["93.0"]


def test_percent_is_noticed(tmp_path: Path) -> None:
    texts = {
        "print(f'acc {acc:.1%}')": True,
        "print(f'acc {acc:.1f}%')": True,
        "acc = 100.0 * hits / n\nprint('acc', acc)": True,
        "print('acc', round(100 * acc))": True,
        "print(f'acc {acc:.3f}')": False,
        "print(f'loss {loss * 100}')": False,
    }
    assert {text: guesses(text, tmp_path)[0].is_percent for text in texts} == texts


def test_the_order_of_metrics(tmp_path: Path) -> None:
    text = """
for e in range(3):
    print("train loss", loss, "train acc", acc)
    print("val loss", loss, "val acc", acc)
print("test loss", loss)
print("test acc", acc)
"""
    assert [guess.name for guess in chosen(guesses(text, tmp_path))] == ["test_acc", "test_loss"]
    assert [guess.name for guess in chosen(guesses("print('train loss', loss)", tmp_path))] == ["train_loss"]


WRITTEN = """
import csv, json, os
from pathlib import Path
def save(args, out, metrics_file):
    results = {"test": {"acc": 100 * acc, "n": 3}, "seconds": 2}
    with open(os.path.join(args.out, "a.json"), "w") as file:
        json.dump(results, file)
    folder = Path(args.out) / "more"
    (folder / "b.json").write_text(json.dumps(dict(val_loss=1.0), indent=2))
    with open(f"{args.out}/c.csv", "w") as file:
        csv.writer(file).writerow(["epoch", "x"])
        writer = csv.writer(file)
        writer.writerow(["epoch", "val_f1"])
    writer = csv.DictWriter(open(metrics_file, "w"), fieldnames=["step", "dev_auc"])
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps({"epoch": 1, "eval_loss": 0.1}) + "\\n")
    json.dump({"acc": 1}, open("fixed.json", "w"))
    json.dump({"acc": 1}, open("/tmp/../x.json", "w"))
    print(json.dumps({"val_acc": 1}))
"""


def test_written_metrics(tmp_path: Path) -> None:
    source = source_of(WRITTEN, tmp_path)
    results = written_results(source, {"out": "", "metrics_file": "m.csv"})
    found = {guess.origin: guess for guess in written_metrics(results, source)}
    assert set(found) == {
        "a.json:test.acc",
        "more/b.json:val_loss",
        "c.csv:val_f1",
        "m.csv:dev_auc",
        "more/log.jsonl:eval_loss",
        "json:val_acc",
    }
    assert found["a.json:test.acc"].is_percent
    assert "fixed.json:acc" in {guess.origin for guess in written_metrics(results, source, is_in_run_folder=True)}
