"""What encryption costs: reading beside plain Parquet, rotation of 1,000 files, compaction.

    python -m benchmarks.history_at_rest

Plain and encrypted are read in turns, in one process, from a warm page cache; the fastest of the rounds counts, by the
clock and of CPU, which tells more beside other work.
`Parquet alone` reads the very same rows with pyarrow, without digests, manifest or order: what plain Parquet costs.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from forecaster.batch import TIME_TYPE, Batch, no_requests
from forecaster.history.keyring import Keyring
from forecaster.history.local_keys import LocalKeys
from forecaster.history.manifest import Span
from forecaster.history.parquet import encode, frame
from forecaster.history.store import History
from forecaster.history.upkeep import Keeping, compact, rotate

ROUNDS = 21
PAIRS, MONTHS = 60, 24
FILES = 1000


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def both(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of CPU."""
    cpu = time.process_time()
    return timed(act), time.process_time() - cpu


def keyring(folder: Path) -> Keyring:
    return Keyring(kms=LocalKeys(folder / "keys"), memory=folder / "keys" / "seen.json")


def measured(seed: int = 3) -> Batch:
    """Hourly traffic of 60 pairs over two years."""
    chance = np.random.default_rng(seed)
    times = pd.date_range("2025-01-01", periods=MONTHS * 730, freq="h", tz="UTC").astype(TIME_TYPE)
    wave = 10 + 5 * np.sin(np.arange(len(times)) * 2 * np.pi / 24)
    frames = [
        pd.DataFrame({"kind": "traffic", "subject": f"r{at:02}->r{at + 1:02}", "time": times}).assign(
            value=wave * chance.lognormal(0, 0.2, len(times)), covered=1.0
        )
        for at in range(PAIRS)
    ]
    rows = pd.concat(frames, ignore_index=True)
    return Batch(origin="benchmark", rows_read=len(rows), measurements=rows, requests=no_requests())


def reading(folder: Path, batch: Batch) -> tuple[History, History]:
    plain, encrypted = History(folder / "plain"), History(folder / "encrypted", keyring(folder))
    print(f"import of {batch.rows_read:,} rows: plain {timed(lambda: plain.add(batch)):.2f} s", end=", ")
    print(f"encrypted {timed(lambda: encrypted.add(batch)):.2f} s")
    files = sorted((folder / "plain").glob("*/*.parquet"))

    def parquet_alone() -> pd.DataFrame:
        return frame([pq.read_table(file) for file in files])

    def tables(history: History) -> pd.DataFrame:
        contents = history.vault.look()
        return frame([history.vault.read(contents, part) for part in contents.parts])

    compared("files to one frame, ours, encrypted against Parquet alone", parquet_alone, lambda: tables(encrypted))
    compared("files to one frame, ours, encrypted against plain", lambda: tables(plain), lambda: tables(encrypted))
    compared("History.load, encrypted against plain", plain.load, encrypted.load)
    return plain, encrypted


def compared(name: str, one: Callable[[], object], other: Callable[[], object]) -> None:
    one(), other()
    rounds = [(*both(one), *both(other)) for _ in range(ROUNDS)]
    first, first_cpu, second, second_cpu = (min(column) * 1e3 for column in zip(*rounds, strict=True))
    print(f"{name}: {first:.1f} ms and {second:.1f} ms, ratio {second / first:.3f}", end="; ")
    print(f"of CPU {first_cpu:.1f} ms and {second_cpu:.1f} ms, ratio {second_cpu / first_cpu:.3f}")


def rotation(folder: Path) -> None:
    history = History(folder / "many", keyring(folder / "of-many"))
    rows = measured().measurements.head(100)
    contents = history.vault.for_writing(history.vault.look())
    assert contents.envelope
    with history.vault.locked():
        parts = [history.vault.write(contents, _month(at), rows) for at in range(FILES)]
        history.vault.commit(contents, parts)
    times = [timed(lambda: rotate(history)) for _ in range(5)]
    print(
        f"rotation of {FILES:,} files: median {statistics.median(times) * 1e3:.0f} ms, most {max(times) * 1e3:.0f} ms"
    )


def _month(at: int) -> Span:
    month = f"{1950 + at // 12}-{at % 12 + 1:02}"
    return Span("traffic", month, month)


def compaction(history: History) -> None:
    keeping = Keeping(now=datetime(2027, 1, 1, tzinfo=UTC))
    before = history.load()
    took = timed(lambda: compact(history, keeping))
    assert history.load().digest == before.digest
    files = len(history.vault.look().parts)
    print(f"compaction of {MONTHS} months to {files} files: {took:.2f} s, the same values")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        batch = measured()
        print(f"a month: {len(encode(batch.measurements.head(PAIRS * 730), None)) / 1e3:,.0f} kB compressed")
        _, kept = reading(Path(name), batch)
        compaction(kept)
        rotation(Path(name))
