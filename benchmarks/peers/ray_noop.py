"""Ray. Variants: `tune` a trial an actor, as by default; `tune-reuse` actors that stay; `core` plain tasks."""

import argparse
import os

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_AUTH_MODE"] = "disabled"  # otherwise it leaves a token in the home folder

import noop
import ray
from ray import tune


def main() -> None:
    asked = noop.options()
    place = str(asked.folder / "ray")
    ray.init(num_cpus=asked.workers, include_dashboard=False, log_to_driver=False, _temp_dir=place)
    if asked.variant == "core":
        tasks(asked)
    else:
        trials(asked)
    ray.shutdown()
    noop.tell("ray")


def trials(asked: argparse.Namespace) -> None:
    folder = str(asked.folder)

    def trainable(config: dict[str, int]) -> dict[str, float]:
        return {"score": noop.run(folder, config["cell"])}

    tuner = tune.Tuner(
        trainable,
        param_space={"cell": tune.grid_search(list(range(asked.trials)))},
        tune_config=tune.TuneConfig(reuse_actors=asked.variant == "tune-reuse"),
        run_config=tune.RunConfig(storage_path=folder, name="tune", verbose=0),
    )
    found = tuner.fit()
    if found.num_errors:
        raise SystemExit(f"{found.num_errors} trials failed: {found.errors[0]}")


def tasks(asked: argparse.Namespace) -> None:
    task = ray.remote(num_cpus=1)(noop.run)
    ray.get([task.remote(str(asked.folder), cell) for cell in range(asked.trials)])


if __name__ == "__main__":
    main()
