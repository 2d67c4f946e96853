"""The state of a training, and its conversion to bytes and back."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ablate.retrieval.model.network import Network
from ablate.retrieval.training.optimizer import OptimizerStepper


@dataclass
class TrainingState:
    """Everything that a step changes. Random numbers are functions of seed and step, so no generator has a state."""

    network: Network
    stepper: OptimizerStepper
    losses: list[float] = field(default_factory=list)
    """The loss of each step whose loss has been read."""
    at: int = 0
    """The number of steps taken."""

    @property
    def step(self) -> int:
        """Return the number of steps whose loss has been read."""
        return len(self.losses)

    def packed(self, environment: Mapping[str, str], final: bool) -> memoryview:
        """Return the state as bytes. A final state has no optimiser, since no training continues from it."""
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "losses": torch.tensor(self.losses, dtype=torch.float64),
            "environment": dict(environment),
        }
        if not final:
            state["optimizer"] = self.stepper.optimizer.state_dict()
            state["scaler"] = self.stepper.scaler.state_dict()
        buffer = io.BytesIO()
        torch.save(state, buffer)
        return buffer.getbuffer()

    def restore(self, packed: bytes, environment: Mapping[str, str], steps: int) -> Mapping[str, str] | None:
        """Load a packed state and return the environment that it was trained in; None if the state is not used.

        An unfinished state of another environment is not used: its first steps and the next ones would not be those of
        any single run.
        """
        state = torch.load(io.BytesIO(packed), map_location="cpu", weights_only=True)
        final = len(state["losses"]) == steps
        if not final and state["environment"] != dict(environment):
            return None
        self.network.load_state_dict(state["network"])
        self.losses = state["losses"].tolist()
        self.at = self.step
        if not final:
            self.stepper.optimizer.load_state_dict(state["optimizer"])
            self.stepper.scaler.load_state_dict(state["scaler"])
        trained_in: Mapping[str, str] = state["environment"]
        return trained_in
