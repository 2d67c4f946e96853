"""PyExperimenter with SQLite: a row a cell, its own worker processes."""

import argparse
import logging
import os

import noop
from py_experimenter.experimenter import PyExperimenter
from py_experimenter.result_processor import ResultProcessor

CONFIG = """\
PY_EXPERIMENTER:
  n_jobs: {workers}
  Database:
    provider: sqlite
    database: noop
    table:
      name: noop
      keyfields:
        cell: {{type: int}}
      resultfields:
        score: DOUBLE
"""


def main() -> None:
    asked = noop.options()
    os.chdir(asked.folder)  # it writes where it stands
    prepare(asked)
    experimenter = PyExperimenter("config.yml", use_codecarbon=False, log_level=logging.ERROR)
    experimenter.fill_table_with_rows([{"cell": cell} for cell in range(asked.trials)])
    experimenter.execute(trial)
    noop.tell("py-experimenter")


def prepare(asked: argparse.Namespace) -> None:
    (asked.folder / "config.yml").write_text(CONFIG.format(workers=asked.workers), encoding="utf-8")


def trial(parameters: dict[str, int], results: ResultProcessor, _: object) -> None:
    results.process_results({"score": noop.run(".", parameters["cell"])})


if __name__ == "__main__":
    main()
