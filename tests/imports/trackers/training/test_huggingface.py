"""Output folders of Hugging Face's Trainer: results, histories, checkpoints, model cards, and the pickle."""

from pathlib import Path

from ablate.imports.source import ColumnRole, Request
from ablate.imports.trackers.training.huggingface import reader
from tests.support.imports.trackers.training_huggingface import CARD, evaluation, save, state, write


def test_settings_are_in_the_names_of_the_folders_and_the_pickle_is_not_read(tmp_path: Path) -> None:
    source = reader.read(write(tmp_path), Request())
    assert set(source.runs[["lr", "norm", "seed"]].itertuples(index=False, name=None)) == {
        (lr, norm, seed) for lr in (0.1, 0.01) for norm in ("batch", "layer") for seed in range(3)
    }
    assert source.roles["eval_runtime"] is source.roles["train_samples"] is ColumnRole.CIRCUMSTANCE
    assert "training_args.bin of 12 runs: a pickle can run code, so it is not read" in source.unused[0]


def test_the_last_evaluation_of_the_history_counts(tmp_path: Path) -> None:
    training = {"loss": 0.3, "learning_rate": 0.0, "step": 15}
    history = [evaluation(10, accuracy=0.9, loss=0.5), training, evaluation(20, accuracy=0.75)]
    save(tmp_path / "a", {"trainer_state.json": state(history)})
    row = reader.read(tmp_path, Request()).runs.iloc[0]
    assert (row["eval_accuracy"], row["eval_loss"], row["loss"], row["num_train_epochs"]) == (0.75, 0.5, 0.3, 2)


def test_checkpoints_are_parts_of_a_run_and_the_last_one_has_its_state(tmp_path: Path) -> None:
    for step in (500, 1000):
        history = [evaluation(each, accuracy=each / 2000) for each in range(500, step + 1, 500)]
        save(tmp_path / "a" / f"checkpoint-{step}", {"trainer_state.json": state(history)})
    source = reader.read(tmp_path, Request())
    assert (source.runs["eval_accuracy"].tolist(), source.places) == ([0.5], ["a"])


def test_results_come_before_the_history_and_give_the_number_of_examples(tmp_path: Path) -> None:
    results = {"eval_accuracy": 0.8, "eval_loss": 0.4, "eval_samples": 408, "train_loss": 0.2, "train_samples": 3668}
    files = {"all_results.json": results, "eval_results.json": results}
    save(tmp_path / "a", {**files, "trainer_state.json": state([evaluation(10, accuracy=0.1)])})
    source = reader.read(tmp_path, Request())
    assert source.runs["eval_accuracy"].tolist() == [0.8]
    assert source.counts == {"eval_accuracy": [408]}


def test_the_model_card_and_a_search_have_hyperparameters(tmp_path: Path) -> None:
    for seed in (0, 1):
        card = CARD.format(name="bert", lr="5e-05", seed=seed)
        trial = state([evaluation(1, accuracy=0.5)], trial_params={"weight_decay": 0.01 * seed})
        save(tmp_path / f"run-{seed}", {"README.md": card, "trainer_state.json": trial})
    frame = reader.read(tmp_path, Request()).runs
    assert frame[["learning_rate", "seed", "weight_decay"]].values.tolist() == [[5e-05, 0, 0.0], [5e-05, 1, 0.01]]
    assert frame["optimizer"][0].startswith("Use OptimizerNames.ADAMW_TORCH with betas")
    assert "Transformers" not in frame


def test_results_of_other_programs_are_not_recognised(tmp_path: Path) -> None:
    save(tmp_path / "a", {"all_results.json": {"acc": 1.0}})
    assert reader.recognise(tmp_path) == ""
