"""A newcomer's script: it prints its accuracy, and writes metrics.json into its working directory."""

import argparse
import json

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--dropout", type=float, default=0.0, help="share of input pixels set to zero")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--augment", action="store_true")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    x, y = load_digits(return_X_y=True)
    x = x / 16
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.5, random_state=0)
    if args.augment:
        x_train = np.concatenate([x_train, np.roll(x_train, 1, axis=1)])
        y_train = np.concatenate([y_train, y_train])
    x_train = x_train * (rng.random(x_train.shape) >= args.dropout)
    net = MLPClassifier((args.hidden,), learning_rate_init=args.lr, max_iter=15, random_state=args.seed)
    net.fit(x_train, y_train)
    acc = net.score(x_val, y_val)
    print(f"val_acc: {acc:.4f}")
    with open("metrics.json", "w") as file:  # noqa: PTH123  # as newcomers write it
        json.dump({"val_acc": acc}, file)


if __name__ == "__main__":
    main()
