"""A slice of the campaign over odd documents, and what it has found: each is told by its own message."""

from __future__ import annotations

import json
import math
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from contracts.capacity import CapacitySnapshot, CircuitTier, Shape
from contracts.capacity_consistency import check_capacity
from contracts.document import bytes_digest
from contracts.errors import MalformedDocument
from contracts.files import read_document, read_forecast, write_forecast
from contracts.forecast import ForecastBundle
from contracts.forecast_values import values_to_bytes
from contracts.series import Granularity, SeriesKey, SeriesKind
from tests.faults.document_campaign import MUTATIONS, prepare, run_seed

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("campaign")
    return tuple(prepare(folder / name, shared=name == "shared") for name in ("dedicated", "shared"))


@pytest.mark.parametrize("seed", range(40))
def test_odd_documents_are_told_or_planned_around(prepared: tuple[Path, ...], tmp_path: Path, seed: int) -> None:
    verdict = run_seed(seed, prepared[seed % 2], tmp_path / "seed")
    assert verdict.failure == "", verdict


def test_the_campaign_finds_what_nothing_looks_at(
    prepared: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contracts.files._check_values", lambda values, path: None)
    monkeypatch.setitem(MUTATIONS, "forecast", lambda draw, folder: _forecast(folder, math.inf))
    seed = 6  # of a forecast
    assert run_seed(seed, prepared[0], tmp_path / "seed").outcome == "traceback"


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, -1.0, 1e308])
def test_a_forecast_of_what_no_demand_can_be_is_told(prepared: tuple[Path, ...], tmp_path: Path, odd: float) -> None:
    bundle = read_forecast(prepared[0] / ".prestage" / "dev" / "forecasts" / "dev.json")
    with pytest.raises(MalformedDocument, match=rf"has the value {odd:g} at step 3".replace("+", r"\+")) as told:
        read_forecast(_written(bundle, tmp_path / "dev.json", odd))
    assert told.value.expected == "a number from 0 to 1e+15"


def test_levels_that_the_values_have_not_are_told(prepared: tuple[Path, ...], tmp_path: Path) -> None:
    bundle = read_forecast(prepared[0] / ".prestage" / "dev" / "forecasts" / "dev.json")
    path = _written(bundle, tmp_path / "dev.json", 1.0)
    more = bundle.document.model_copy(update={"levels": (*bundle.document.levels, 0.999)})
    text = more.model_copy(update={"values_digest": read_document(type(more), path).values_digest}).sealed()
    path.write_text(text)
    with pytest.raises(MalformedDocument, match=f"names {len(more.levels)} levels, and its values have others"):
        read_forecast(path)


@pytest.mark.parametrize("levels", [(), (0.5,), (0.5, 0.5), (0.9, 0.1), (-1.0, 0.5), (0.5, 1e308)], ids=str)
def test_levels_that_do_not_rise_between_0_and_1_are_told(
    prepared: tuple[Path, ...], tmp_path: Path, levels: tuple[float, ...]
) -> None:
    document = read_forecast(prepared[0] / ".prestage" / "dev" / "forecasts" / "dev.json").document
    values = dict.fromkeys([(SeriesKey(SeriesKind.CPU, "fra"), Granularity.HOURLY)], np.ones((3, len(levels))))
    digest = bytes_digest(values_to_bytes(values, len(levels)))
    odd = document.model_copy(update={"levels": levels, "values_digest": digest})
    write_forecast(tmp_path / "dev.json", ForecastBundle(odd, values))
    with pytest.raises(MalformedDocument, match="its levels are") as told:
        read_forecast(tmp_path / "dev.json")
    assert told.value.expected == "two levels or more that rise between 0 and 1"


@pytest.mark.parametrize("odd", [0, -1, 10**9 + 1, 10**30])
def test_numbers_of_things_are_those_of_things(odd: int) -> None:
    for made in (lambda: Shape(name="m8", vcpu=odd, memory_gib=1), lambda: CircuitTier(name="10g", gbps=odd)):
        with pytest.raises(ValidationError, match=r"greater|less"):
            made()


SAID_TWICE = ("regions", "links", "quotas", "offers", "pools", "resources")


@pytest.mark.parametrize("field", SAID_TWICE)
def test_what_a_snapshot_says_twice_is_told(prepared: tuple[Path, ...], field: str) -> None:
    content = _snapshot(prepared)
    content[field].append(content[field][0])
    with pytest.raises(MalformedDocument, match=f"{field}: .* is listed twice"):
        check_capacity(_parsed(content))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda said: said["regions"].pop(), "there is no region"),
        (lambda said: said["links"][0].update(b=said["links"][0]["a"]), "is joined to itself"),
        (lambda said: said["pools"][0].update(taken=["10.0.0.0/8"]), "does not lie within it"),
        (lambda said: said["pools"][0].update(cidr="10.16.0.1/16"), "has host bits set"),
        (lambda said: said["pools"].append(_within(said["pools"][0])), r"overlaps 10\."),
        (lambda said: said["quotas"][0].update(ours=1e6, used=1.0), "1e\\+06 used are ours, of 1 in all"),
    ],
    ids=["no region", "loop", "taken elsewhere", "no network", "within another", "ours beyond all"],
)
def test_what_a_snapshot_cannot_mean_is_told(prepared: tuple[Path, ...], change, told: str) -> None:
    content = _snapshot(prepared)
    check_capacity(_parsed(content))
    change(content)
    with pytest.raises(MalformedDocument, match=told) as said:
        check_capacity(_parsed(content), where="capacity.json")
    assert said.value.next_step == "prestage capacity --env dev --json > capacity.json"


def _within(pool):
    """A part of a pool as a pool of its own."""
    return {**pool, "cidr": str(next(ip_network(pool["cidr"]).subnets(prefixlen_diff=2))), "taken": []}


def _snapshot(prepared: tuple[Path, ...]):
    return read_document(CapacitySnapshot, prepared[0] / "capacity.json").content()


def _parsed(content) -> CapacitySnapshot:
    return CapacitySnapshot.parse(json.dumps(content), where="capacity.json")


def _forecast(folder: Path, odd: float) -> str:
    path = folder / ".prestage" / "dev" / "forecasts" / "dev.json"
    _written(read_forecast(path), path, odd)
    return str(odd)


def _written(bundle: ForecastBundle, path: Path, odd: float) -> Path:
    """The forecast with another value at step 3 of its first series."""
    first = min(bundle.values, key=str)
    table = np.where(np.arange(len(bundle.values[first]))[:, None] == 3, odd, bundle.values[first])
    values = {**bundle.values, first: table}
    digest = bytes_digest(values_to_bytes(values, len(bundle.document.levels)))
    write_forecast(path, ForecastBundle(bundle.document.model_copy(update={"values_digest": digest}), values))
    return path
