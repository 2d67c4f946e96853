"""What is said about the config classes holds of them."""

import pytest

from ablate.trainers.registry import TRAINERS


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_keys_of_a_trainings_shape_exist(trainer: str) -> None:
    assert TRAINERS[trainer].shape
    for key in TRAINERS[trainer].shape:
        found = TRAINERS[trainer].config().model_dump()
        for name in key.split("."):
            assert name in found, key
            found = found[name]
