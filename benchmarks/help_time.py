"""How long `--help` takes, overview and every command: the aim is under 0.3 s of wall time each.

    python -m benchmarks.help_time [--runs 5]

Prints the best of the runs, because other work on the machine only ever adds; exits 1 where the aim is missed.
"""

import argparse
import subprocess
import sys
import time

from prestage.cli import SECTIONS

AIM_S = 0.3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    names = [[], *([name] for section in SECTIONS.values() for name in section)]
    slowest = 0.0
    for name in names:
        best = min(_seconds([*name, "--help"]) for _ in range(runs))
        slowest = max(slowest, best)
        print(f"prestage {' '.join([*name, '--help']):<24} {best:.3f} s")
    print(f"slowest {slowest:.3f} s, aim {AIM_S} s")
    return int(slowest > AIM_S)


def _seconds(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "prestage", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
