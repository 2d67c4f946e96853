"""The numbers that a study declares about its claims: those that are accepted, and those that are hardly meant."""

import math

MOST_ALPHA = 0.5
"""The largest error rate; with a larger one a claim is more often false than right."""
LARGEST_CHANGE = 100.0
"""In percentage points: rates lie between 0 and 100 %, so that no change reaches it."""
ERROR_RATE = f"an error rate, more than 0 and at most {MOST_ALPHA:g}"
USUAL_ALPHAS = (0.05, 0.01, 0.1, 0.001, 0.005, 0.025, 0.2)
UNUSUAL_ALPHA, STRICT_ALPHA = 0.2, 1e-4
"""An error rate above the first or below the second is accepted with a warning."""
LARGE_DELTA, SMALL_DELTA = 20.0, 0.01
"""In percentage points: a delta above the first or below the second is accepted with a warning."""


def error_rate(alpha: float) -> float:
    """Return an error rate that is accepted; ValueError with what is accepted otherwise."""
    if 0 < alpha <= MOST_ALPHA:
        return alpha
    raise ValueError(ERROR_RATE)


def effect_size(delta: float) -> float:
    """Return a smallest effect that is accepted; ValueError with what is accepted otherwise."""
    if 0 < delta < LARGEST_CHANGE:
        return delta
    why = "; no change of a rate is larger" if delta > 0 else ", the smallest effect worth acting on"
    raise ValueError(f"more than 0 and less than {LARGEST_CHANGE:g} percentage points{why}")


def warnings(alpha: float, delta: float) -> list[str]:
    """Return a sentence for each of the two numbers that is valid but hardly meant."""
    sentences = []
    if alpha > UNUSUAL_ALPHA:
        sentences.append(
            f"alpha is {alpha:g}: a study without any effect claims one with a probability of up to "
            f"{100 * alpha:g} %; 0.05 is usual"
        )
    if alpha < STRICT_ALPHA:
        sentences.append(f"alpha is {alpha:g}: hardly any number of seeds can show an effect; 0.05 is usual")
    if delta > LARGE_DELTA:
        sentences.append(f"delta is {delta:g} percentage points: every smaller effect counts as none; 0.5 is usual")
    if delta < SMALL_DELTA:
        sentences.append(
            f"delta is {delta:g} percentage points, which hardly any number of seeds can resolve; it is no rate: "
            f"for a rate of {delta:g} write {100 * delta:g}"
        )
    return sentences


def intended_error_rate(alpha: float) -> float | None:
    """Return the usual error rate that a confidence or a percentage stands for: 0.05 for 0.95, 5 and 95; else None."""
    rate = alpha / 100 if 1 <= alpha <= 100 else alpha
    return next((usual for usual in USUAL_ALPHAS if math.isclose(usual, rate) or math.isclose(usual, 1 - rate)), None)
