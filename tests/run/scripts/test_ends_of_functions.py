"""Functions that end in every way, by the command `ablate run`: the state, the reason and the result of each."""

from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.scripts.script_study import ROW, ends, run_folders, values, write_function

pytestmark = pytest.mark.slow  # seconds each: real scripts through whole runs

INLINE = ("--executor", "inline", *ROW)


def only_end(ablate: Ablate) -> tuple[str, str]:
    """Run the study, and return the state and the reason of its only attempt, without the path of its log."""
    ablate("run", "study.yaml", *INLINE)
    ((state, reason),) = ends()
    return state, reason.partition("\nlog: ")[0]


def body(text: str) -> str:
    """Return a module whose function has this body."""
    lines = "\n".join(f"    {line}" for line in text.splitlines())
    return f"import ctypes, os, sys, threading, time\n\ndef main(lr, seed, run):\n{lines}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise ValueError('wrong shape')", "exit code 1: ValueError: wrong shape"),
        ("sys.exit(0)", "exit code 0, but the function did not return: it ended its process, by sys.exit or os._exit"),
        ("sys.exit()", "exit code 0, but the function did not return"),
        ("os._exit(0)", "exit code 0, but the function did not return"),
        ("sys.exit('no data')", "exit code 1: no data"),
        ("os._exit(7)", "exit code 7: it printed nothing"),
        ("ctypes.string_at(0)", "the script crashed by SIGSEGV, in compiled code"),
        ("raise KeyboardInterrupt", "exit code 1: KeyboardInterrupt"),
        ("return [0.5]", "TypeError: the function returned list; accepted: a dict, such as {'accuracy': 0.93}"),
        ("pass", "TypeError: the function returned NoneType; accepted: a dict"),
        ("yield {'acc': 0.5}", "TypeError: the function returned generator; accepted: a dict"),
        ("return 0.5", "TypeError: the function returned float; accepted: a dict"),
        ("return {'acc': 'good'}", "acc is missing: the value is the text 'good', not a number"),
        (
            "return {'acc': object()}",
            "acc is missing: the value is the text 'a value of the type object', not a number",
        ),
        ("return {'accuracy': 0.5}", "the returned dict: unknown key 'acc'; did you mean 'accuracy'?"),
        ("return {}", "acc is missing: the returned dict: unknown key 'acc'"),
        ("return {'acc': None}", "acc"),
        ("run.progress('a', 2)", "exit code 1: ValueError: invalid literal for int()"),
        (
            "run.report(2, acc=0.5)",
            "ValueError: run.report: the fraction is 2; accepted: numbers above 0, and at most 1",
        ),
        ("run.examples('acc', [1, 0])", "run.examples: metric 'acc' has no examples in the study file; write under"),
        ("raise MemoryError", "out of memory: MemoryError; use a smaller batch or model"),
        ("run.dir.joinpath('state').write_text('x'); sys.exit(3)", "exit code 3: it printed nothing"),
    ],
)
def test_a_failure_has_a_reason(ablate: Ablate, text: str, words: str) -> None:
    write_function(body(text))
    state, reason = only_end(ablate)
    assert state == "failed"
    assert words in reason


@pytest.mark.parametrize(
    "returned",
    [
        "{'acc': 0.5, 'model': object(), 'curve': [0.1, object()], 'name': 'net', 'nothing': None, 'set': {1}}",
        "{'acc': np.float32(0.5), 'curve': np.arange(3.0), 'large': np.zeros((1000, 1000)), 'steps': np.int64(3)}",
        "{'acc': np.array([0.5]), 'flag': np.bool_(True), 'z': 1j, 'raw': b'x', 'words': np.array(['a', 'b'])}",
        "{'acc': fractions.Fraction(1, 2), 'part': {'loss': np.float64(0.1), 'x': decimal.Decimal('0.1')}}",
        "types.MappingProxyType({'acc': 0.5})",
    ],
)
def test_values_beside_the_metrics_do_no_harm(ablate: Ablate, returned: str) -> None:
    imports = "import collections, decimal, fractions, types\nimport numpy as np\n"
    write_function(f"{imports}\ndef main(lr, seed):\n    return {returned}\n")
    assert only_end(ablate) == ("done", "")
    assert values() == [0.5]


@pytest.mark.slow
def test_tensors_are_numbers(ablate: Ablate) -> None:
    write_function(
        "import torch\n\ndef main(lr, seed):\n    weight = torch.ones(3, requires_grad=True)\n"
        "    return {'acc': weight.sum() / 6, 'weight': weight, 'half': torch.tensor(0.5, dtype=torch.bfloat16)}\n"
    )
    assert only_end(ablate) == ("done", "")
    assert values() == [0.5]


@pytest.mark.parametrize("value", ["float('nan')", "-float('inf')", "np.float32('nan')"])
def test_a_value_that_is_not_finite_is_an_outcome(ablate: Ablate, value: str) -> None:
    write_function(f"import numpy as np\n\ndef main(lr, seed):\n    return {{'acc': {value}}}\n")
    assert only_end(ablate)[0] == "diverged"
    assert "1 diverged" in ablate("status").out


@pytest.mark.slow
@pytest.mark.parametrize(
    "after",
    [
        "threading.Thread(target=time.sleep, args=(100,)).start()",
        "import atexit; atexit.register(ctypes.string_at, 0)",
        "import atexit; atexit.register(os._exit, 3)",
    ],
    ids=["a thread that goes on", "a crash", "an exit code"],
)
def test_what_comes_after_the_return_costs_no_result(ablate: Ablate, after: str) -> None:
    write_function(body(f"{after}\nreturn {{'acc': 0.5}}"), runtime="stall_seconds: 0.5")
    assert only_end(ablate) == ("done", "")
    assert values() == [0.5]


def test_an_earlier_return_is_not_taken_for_that_of_the_next_attempt(ablate: Ablate) -> None:
    write_function(body("if run.attempt == 2:\n    os._exit(0)\nreturn {'other': 0.5}"))
    assert only_end(ablate)[0] == "failed"
    assert ablate("run", "study.yaml", *INLINE, "--retry-failed").code == 1
    assert ends()[-1][1].startswith("exit code 0, but the function did not return")


@pytest.mark.slow
def test_a_function_that_hangs_after_its_progress(ablate: Ablate) -> None:
    write_function(body("run.progress(1, 10, loss=0.3)\ntime.sleep(100)"), trainer="timeout: 60s")
    text = Path("study.yaml").read_text().replace("device: cpu", "device: cpu, stall_seconds: 0.5")
    Path("study.yaml").write_text(text)
    state, reason = only_end(ablate)
    assert state == "failed"
    assert reason.startswith(
        "no output, no changed file in run.dir and no call of run.progress for 0.5 s, so the script"
    )


def test_progress_is_a_sign_of_life(ablate: Ablate) -> None:
    text = "for step in range(8):\n    run.progress(step, 8)\n    time.sleep(0.1)\nreturn {'acc': 0.5}"
    write_function(body(text), runtime="stall_seconds: 0.5")
    assert only_end(ablate) == ("done", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("async def main(lr): ...", "'main' of train.py is async; name a function, such as one that returns asyncio"),
        ("class main:\n    def train(self): ...", "'main' of train.py is a class; name a function, which makes its"),
        (
            "class Net:\n    def main(self): ...",
            "train.py has no function of this name: unknown function 'main'; known: none",
        ),
        ("def train(lr): ...", "did you mean 'train'?"),
        ("def main(lr, depht): ...", "its argument 'depht' has no default, and nothing gives it"),
        ("def main(lr:\n", "train.py, line 1: "),
    ],
)
def test_a_function_that_cannot_be_called_is_a_fault_before_anything_runs(
    ablate: Ablate, text: str, words: str
) -> None:
    write_function(text)
    result = ablate("run", "study.yaml", *INLINE)
    assert (result.code, words in result.err) == (2, True), result.err
    assert not Path("results").exists()


def test_a_function_may_stand_below_a_condition(ablate: Ablate) -> None:
    write_function(
        "try:\n    import nosuch\nexcept ImportError:\n    def main(lr, seed):\n        return {'acc': 0.5}\n"
    )
    assert only_end(ablate) == ("done", "")


def test_the_output_of_a_function_is_kept(ablate: Ablate) -> None:
    write_function(
        body("print('to stdout')\nos.system('echo of a child')\nprint('x' * 10, file=sys.stderr)\nreturn {'acc': 1}")
    )
    assert only_end(ablate) == ("done", "")
    assert (run_folders()[0] / "attempt-1.log").read_text() == "to stdout\nof a child\nxxxxxxxxxx\n"
