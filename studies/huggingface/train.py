"""Train a tiny BERT with the `Trainer` of Hugging Face, on generated sentences: is there a 7 before the first 9?"""

from dataclasses import dataclass, field

import numpy as np
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    set_seed,
)

LENGTH, WORDS = 12, 10


@dataclass
class ModelArguments:
    hidden_size: int = field(default=32)
    num_hidden_layers: int = field(default=1)
    use_positions: bool = field(default=True, metadata={"help": "False: the order of the words is not seen"})


def sentences(count: int, seed: int) -> list[dict[str, torch.Tensor]]:
    words = np.random.default_rng(seed).integers(0, WORDS, (count, LENGTH))
    first = [[*row, 9].index(9) for row in words.tolist()]
    labels = [int(7 in row[:end]) for row, end in zip(words.tolist(), first, strict=True)]
    return [{"input_ids": torch.tensor(w), "labels": torch.tensor(y)} for w, y in zip(words, labels, strict=True)]


def main() -> None:
    model_args, args = HfArgumentParser((ModelArguments, TrainingArguments)).parse_args_into_dataclasses()
    set_seed(args.seed)
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=model_args.hidden_size,
        num_hidden_layers=model_args.num_hidden_layers,
        num_attention_heads=2,
        intermediate_size=2 * model_args.hidden_size,
        max_position_embeddings=LENGTH,
    )
    model = BertForSequenceClassification(config)
    if not model_args.use_positions:
        model.bert.embeddings.position_embeddings.weight.data.zero_()
        model.bert.embeddings.position_embeddings.weight.requires_grad = False
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=sentences(800, seed=1),
        eval_dataset=sentences(400, seed=2),
        compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
    )
    trainer.train()
    trainer.save_metrics("eval", trainer.evaluate())
    trainer.save_state()


if __name__ == "__main__":
    main()
