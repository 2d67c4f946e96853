"""The command line of `benchmarks/queue.py`: which parts, how large, how often."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks.queueing import large_plan, large_store, overhead, two_workers
from benchmarks.queueing.contenders import CONTENDERS
from benchmarks.queueing.keeping import Part, tell
from benchmarks.queueing.process import FailedError

PARTS: Mapping[str, Callable[[argparse.Namespace], Part]] = {
    "overhead": overhead.measure,
    "status": large_store.measure,
    "workers": two_workers.measure,
    "plan": large_plan.measure,
}


def main() -> None:
    asked, failed = _read(), False
    for name in asked.parts or PARTS:
        load = os.getloadavg()[0]
        try:
            part = PARTS[name](asked)
        except FailedError as error:  # the other parts can still be measured
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
        else:
            tell(part, load, asked.keep)
            failed = failed or bool(part.failures)
    raise SystemExit(int(failed))


def _read() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the queue costs, beside its peers.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; default 3")
    parser.add_argument("--no-keep", dest="keep", action="store_false", help="print only; results/ stays as it is")
    overhead_ = parser.add_argument_group("overhead")
    names = ", ".join(f"{name}={one.trials}" for name, one in CONTENDERS.items())
    overhead_.add_argument("--only", nargs="+", metavar="NAME", help="only these contenders; default: all")
    overhead_.add_argument("--trials", nargs="+", default=[], metavar="NAME=N", help=f"how many; default: {names}")
    overhead_.add_argument("--scale", type=float, default=1.0, help="all default numbers of trials times this")
    others = parser.add_argument_group("the other parts")
    others.add_argument("--stored", type=int, default=100_000, help="status: finished trials in the store")
    others.add_argument("--seeds", type=int, default=8, help="workers: real trials, each another seed")
    others.add_argument("--steps", type=int, default=40, help="workers: steps of each")
    others.add_argument(
        "--levels", type=int, default=10, help="plan: levels of each of five factors; rows: its fifth power"
    )
    asked = parser.parse_args()
    _check(parser, asked.parts, PARTS)
    _check(parser, asked.only or [], CONTENDERS)
    asked.trials = {name: int(count) for name, _, count in (word.partition("=") for word in asked.trials)}
    _check(parser, list(asked.trials), CONTENDERS)
    return asked


def _check(parser: argparse.ArgumentParser, found: Sequence[str], known: Mapping[str, object]) -> None:
    unknown = [name for name in found if name not in known]
    if unknown:
        parser.error(f"{', '.join(unknown)}: not known; known are {', '.join(known)}")
