"""Two results of one trial, compared."""

from math import nan

from ablate.study.wiring.repeats import Repeat, changed_names, differing_values, repeat_sentences


def test_values_are_compared_to_the_last_bit() -> None:
    then = {"acc": 0.9312, "loss": 0.1 + 0.2, "seconds": 1.0, "old": 1.0, "bad": nan}
    now = {"acc": 0.9312, "loss": 0.3, "seconds": 2.0, "new": 1.0, "bad": nan}
    assert differing_values(then, now, {"acc", "loss", "old", "new", "bad"}) == {"loss": (0.1 + 0.2, 0.3)}


def test_the_sentence_has_as_many_digits_as_show_the_difference() -> None:
    repeat = Repeat({"acc": (0.9312, 0.934), "loss": (0.1 + 0.2, 0.3)}, ("torch",))
    assert repeat_sentences({"row plain, seed 0": repeat}) == [
        "row plain, seed 0: trained twice with other results (acc 0.9312 then 0.934, loss 0.30000000000000004 then "
        "0.3): the seed does not decide all of a result, or a change of torch did"
    ]


def test_many_trials_are_counted() -> None:
    lines = repeat_sentences({f"row plain, seed {seed}": Repeat({"acc": (0.9, 0.8)}) for seed in range(5)})
    assert len(lines) == 4
    assert lines[-1] == "2 more trained twice with other results"


def test_circumstances_that_both_record() -> None:
    assert changed_names({"torch": "2.1", "device": "cpu", "old": "x"}, {"torch": "2.2", "device": "cpu"}) == ("torch",)
