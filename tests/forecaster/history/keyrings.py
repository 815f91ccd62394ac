"""Histories and keys for tests: a few rows, and key files in a folder of the test's own."""

from pathlib import Path

import pandas as pd

from forecaster.batch import Batch, no_requests
from forecaster.history.keyring import Keyring
from forecaster.history.local_keys import LocalKeys
from forecaster.history.store import History
from tests.forecaster.estates import BEGIN, series


def batch(*frames: pd.DataFrame) -> Batch:
    measured = pd.concat(frames, ignore_index=True)
    return Batch(origin="test", rows_read=len(measured), measurements=measured, requests=no_requests())


def traffic(values, begin=BEGIN, pair="fra->ams") -> Batch:
    return batch(series("traffic", pair, values, begin))


def local(tmp_path: Path) -> Keyring:
    return Keyring(kms=LocalKeys(tmp_path / "keys"), memory=tmp_path / "keys" / "seen.json")


def encrypted(tmp_path: Path, *batches: Batch) -> History:
    history = History(tmp_path / "history", local(tmp_path))
    for item in batches:
        history.add(item)
    return history
