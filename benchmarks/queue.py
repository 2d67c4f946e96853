"""What the queue costs, beside its peers: a trial that does nothing, a large store, two workers, a large plan.

    python benchmarks/queue.py [overhead] [status] [workers] [plan]

Without a word it runs all four parts, which lie in `benchmarks/queueing/`; `--help` tells the options. The peers live
in an environment of their own, `.bench-venv/`, which is made from `benchmarks/peers.txt` where it is missing.
"""

import sys
from pathlib import Path

# This file is named like a module of the standard library, and a script's own folder comes first on the path. So
# `import queue`, in multiprocessing, concurrent.futures or torch, finds this file from every script of this folder.
# Run itself, it takes its folder off the path before it imports anything else; imported, it gives what was meant.
HERE = Path(__file__).resolve().parent
ELSEWHERE = [entry for entry in sys.path if Path(entry).resolve() != HERE]

if __name__ == "queue":
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("queue", ELSEWHERE)
    assert spec is not None
    assert spec.loader is not None
    sys.modules["queue"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["queue"])
elif __name__ == "__main__":  # and not in a worker by spawn, which runs this file again and is handed the path
    sys.path[:] = [str(HERE.parent), *ELSEWHERE]
    from benchmarks.queueing.main import main

    main()
