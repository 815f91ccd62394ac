"""Prestage's forecasts and other forecasters' on the same windows, scored by the same rule.

    PRESTAGE_TEST_DATA=... python -m benchmarks.forecast [--sets geant cloud] [--peers MSTL Prophet] [--tiers full fast]

The sets are those of `benchmarks/forecast_sets.py`. The peers run one at a time, on one thread, in an environment of
their own that is made once under `.tools/forecast-peers` from `benchmarks/forecast_peers.txt` (hashes checked); what
they say is kept there by a digest of what they were shown. `benchmarks/forecast_peers.py` says what bounds each.
Ours is run anew each time, by `prestage backtest`, as anybody would.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.forecast_scores import Result, result_of, scored, table_of, table_text
from benchmarks.forecast_sets import BenchmarkSet, Part, sets

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".tools" / "forecast-peers"
LOCK = ROOT / "benchmarks" / "forecast_peers.txt"
LEVEL_PEERS = (
    "SeasonalNaive24", "SeasonalNaive168", "MSTL", "XGBoostConformal", "AutoTheta", "AutoETS", "Prophet", "AutoARIMA",
)  # fmt: skip
TRUTH = "the true rates"
CROSTON = ("CrostonClassic", "CrostonOptimized", "CrostonSBA", "TSB", "IMAPA", "ADIDA")
COUNT_PEERS = ("XGBoostPoisson", "XGBoostPoissonNB", *CROSTON, "SeasonalNaive168")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def peers_python() -> Path:
    """The interpreter of the peers' environment, which is made where it is not there or of other pins."""
    python, stamp = HOME / "venv" / "bin" / "python", HOME / "venv" / "installed.txt"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME / "venv")], check=True)
        install = ["-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)]
        subprocess.run([str(python), *install], check=True)
        stamp.write_bytes(LOCK.read_bytes())
    return python


def by_peer(peer: str, one: BenchmarkSet, folder: Path) -> tuple[pd.DataFrame, float]:
    """What a peer says of a set, and the seconds of CPU that it took when it was first asked."""
    parts, seconds = [], 0.0
    for number, part in enumerate(one.parts):
        rows, asked, out = (
            folder / f"{one.name}-{number}{suffix}" for suffix in (".parquet", ".json", "-said.parquet")
        )
        part.rows.to_parquet(rows)
        windows = [{"cutoff": str(cutoff), "series": part.series(cutoff)} for cutoff in part.cutoffs]
        asked.write_text(json.dumps({"horizon": one.horizon, "counts": one.counts, "windows": windows}))
        script = ROOT / "benchmarks" / "forecast_peers.py"
        command = [str(peers_python()), str(script), peer, str(rows), str(asked), str(HOME / "cache"), str(out)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **ONE_THREAD})
        seconds += json.loads(done.stdout)["seconds"]
        parts.append(pd.read_parquet(out))
    return pd.concat(parts), seconds


def by_prestage(one: BenchmarkSet, folder: Path, options: list[str]) -> tuple[pd.DataFrame, float, float]:
    """What `prestage backtest` says of a set, its seconds and its memory (MiB)."""
    parts, seconds, memory = [], 0.0, 0.0
    for number, part in enumerate(one.parts):
        rows, out = folder / f"{one.name}-{number}.parquet", folder / f"{one.name}-{number}-ours"
        part.rows.to_parquet(rows)
        command = [sys.executable, "-m", "prestage", "backtest", str(rows), "--out", str(out), *options]
        command += ["--kind", "count" if one.counts else "traffic", *_windows(one, part)]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        scores = json.loads((out / "scores.json").read_text())
        seconds, memory = seconds + scores["seconds"], max(memory, scores["peak_memory_mib"])
        parts.append(pd.read_parquet(out / "forecasts.parquet"))
    return pd.concat(parts), seconds, memory


def _windows(one: BenchmarkSet, part: Part) -> list[str]:
    first = part.cutoffs[0]
    apart = (part.cutoffs[1] - first) // pd.Timedelta("1h") if len(part.cutoffs) > 1 else one.horizon
    windows = ["--windows", str(len(part.cutoffs)), "--step", str(apart)]
    return ["--horizon", str(one.horizon), "--first-cutoff", first.isoformat(), *windows]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What one forecaster says of a set."""

    name: str
    said: pd.DataFrame
    seconds: float
    memory_mib: float = 0.0


def answers(one: BenchmarkSet, options: argparse.Namespace) -> Iterator[Answer]:
    """Every forecaster on one set."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for peer in COUNT_PEERS if one.counts else LEVEL_PEERS:
            if options.peers is None or peer in options.peers:
                said, seconds = by_peer(peer, one, folder)
                yield Answer(name=peer, said=said, seconds=seconds)
        if one.truth is not None:
            yield Answer(name=TRUTH, said=one.truth, seconds=0.0)
        for tier in options.tiers:
            said, seconds, memory = by_prestage(one, folder, ["--tier", tier, *options.ours])
            yield Answer(name=f"Prestage ({tier})", said=said, seconds=seconds, memory_mib=memory)


def results_of(one: BenchmarkSet, answers: list[Answer], names: frozenset[str]) -> list[Result]:
    """The answers scored over some series of a set."""
    table = table_of(one.history)
    return [
        result_of(
            answer.name,
            scored(table, answer.said[answer.said.unique_id.astype(str).isin(names)], one.horizon),
            answer.seconds,
            answer.memory_mib,
        )
        for answer in answers
    ]


def ratios(results: list[Result]) -> dict[str, float]:
    """Scaled CRPS of each of ours over that of the best peer in hindsight; none where no peer was asked."""
    ours = [one for one in results if one.name.startswith("Prestage")]
    peers = [one.scores.scaled_crps or math.inf for one in results if one not in ours and one.name != TRUTH]
    return {one.name: (one.scores.scaled_crps or math.inf) / min(peers) for one in ours} if peers else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", help="geant, cloud, counts, short, short_full; all by default")
    parser.add_argument("--peers", nargs="*", help="all by default; none where the option stands alone")
    parser.add_argument("--tiers", nargs="*", default=["full", "fast"])
    parser.add_argument("--ours", nargs=argparse.REMAINDER, default=[], help="further options of prestage backtest")
    options = parser.parse_args()
    folder = os.environ.get("PRESTAGE_TEST_DATA")
    if not folder:
        sys.exit("PRESTAGE_TEST_DATA names no folder with geant_tm_hourly_dev.parquet and ms_cloud_hourly.parquet")
    found: dict[str, list[float]] = {}
    for one in sets(Path(folder)):
        if options.sets and one.name not in options.sets:
            continue
        made = list(answers(one, options))
        for title, names in one.views():
            results = results_of(one, made, names)
            print(f"\n## {title}: {len(names)} series, {one.horizon} h\n\n{table_text(results)}\n")
            for name, ratio in ratios(results).items():
                print(f"{name} over the best peer, scaled CRPS: {ratio:.3f}", flush=True)
                if title == one.name:
                    found.setdefault(name, []).append(ratio)
    for name, values in found.items():
        print(
            f"{name}: geometric mean {math.exp(sum(map(math.log, values)) / len(values)):.3f} over {len(values)} sets"
        )


if __name__ == "__main__":
    main()
