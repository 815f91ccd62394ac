"""Linear algebra on one thread: sums over several end in other last digits, by how many cores there are."""

import os

NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def on_one_thread() -> None:
    """Before NumPy is loaded, which reads this once; whoever sets another number gets it, and other last digits."""
    for name in NAMES:
        os.environ.setdefault(name, "1")
