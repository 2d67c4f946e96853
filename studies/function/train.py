from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split


def main(trees: int, depth: int | None, seed: int) -> dict[str, float]:
    data, labels = load_wine(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(data, labels, test_size=0.5, random_state=seed)
    model = RandomForestClassifier(trees, max_depth=depth, random_state=seed).fit(train_x, train_y)
    return {"accuracy": model.score(test_x, test_y)}
