"""One script a claim about speed; a package only so that `queue.py` can find its parts without its own folder."""
