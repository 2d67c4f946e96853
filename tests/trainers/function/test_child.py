"""The parts of the process that calls a user's function, called in this process."""

import json
import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ablate.trainers.function import child, plain_values
from ablate.trainers.function.config.typed_config import as_annotated
from ablate.trainers.function.run import EndedEarly, Run


@dataclass
class Model:
    width: int = 3


@dataclass
class Config:
    rate: float = 0.1
    model: Model = field(default_factory=Model)


def test_a_config_becomes_its_annotated_type() -> None:
    assert as_annotated({"rate": 0.5, "model": {"width": 4}}, Config) == Config(0.5, Model(4))
    assert as_annotated({"rate": 0.5}, dict) == {"rate": 0.5}


def test_a_training_that_a_search_ends_is_left_at_once(tmp_path: Path) -> None:
    own, theirs = socket.socketpair()
    run = Run(tmp_path, 1, theirs, [])
    own.sendall(b"true\nfalse\n")
    run.report(0.25, acc=0.5)
    with pytest.raises(EndedEarly):
        run.report(0.5, acc=0.6)
    messages = [json.loads(line) for line in own.recv(10_000).splitlines()]
    assert [message["report"]["fraction"] for message in messages] == [0.25, 0.5]
    assert [message["report"]["metrics"] for message in messages] == [{"acc": 0.5}, {"acc": 0.6}]


def test_modules_of_the_child_can_be_imported_without_side_effects() -> None:
    assert callable(child.main)
    assert plain_values.__doc__
