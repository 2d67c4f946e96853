"""Fit a polynomial to a noisy sine by gradient descent: a Hydra app."""

import json
from pathlib import Path

import hydra
import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig) -> None:
    rng = np.random.default_rng(cfg.seed)
    x = rng.uniform(-1, 1, cfg.data.points)
    y = np.sin(3 * x) + rng.normal(0, cfg.data.noise, x.shape)
    features = np.vander(x, cfg.model.degree + 1)
    train, test = slice(0, len(x) // 2), slice(len(x) // 2, None)
    weights = np.zeros(features.shape[1])
    for _ in range(cfg.steps):
        error = features[train] @ weights - y[train]
        weights -= cfg.lr * features[train].T @ error / len(error)
    mse = float(np.mean((features[test] @ weights - y[test]) ** 2))
    Path(HydraConfig.get().runtime.output_dir, "result.json").write_text(
        json.dumps({"model": cfg.model.name, "mse": mse})
    )


if __name__ == "__main__":
    main()
