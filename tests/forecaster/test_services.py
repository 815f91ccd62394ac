"""Traffic by service and by direction: what files say, wholes that follow from parts, sums that agree on every path."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind
from forecaster.engine import Tier
from forecaster.errors import FileRefused, MalformedFile
from forecaster.make import ForecastSettings
from forecaster.prepare import Scope, prepare
from forecaster.services import Relation, Split, share_out, splits_in
from forecaster.sources.files import ImportOptions, read_file
from forecaster.sources.tables import Table
from tests.forecaster.estates import BEGIN, forecast, history, hours, series, wave

HOURS = 24 * 21
PAIRS = ("fra->ams", "ams->fra", "fra->fra")
SHARES = {"web": 0.5, "video": 0.3, "dns": 0.2}
WHOLE = "fra->ams"
QUICK = ForecastSettings(environment="test", hourly_hours=30, daily_days=3, tier=Tier.FAST)
HEADER = "time,source,destination,value,unit,service\n"


def key(kind: SeriesKind, subject: str) -> SeriesKey:
    return SeriesKey(kind, subject)


def traffic_of(pair: str) -> np.ndarray:
    return wave(HOURS, level=10, seed=PAIRS.index(pair))


def by_service(*, whole: float | None = None, services: tuple[str, ...] = tuple(SHARES)) -> list[pd.DataFrame]:
    """Services of every pair, and the whole so many times as large where it is measured."""
    frames = [
        series("service_traffic", f"{name}@{pair}", SHARES[name] * traffic_of(pair))
        for pair in PAIRS
        for name in services
    ]
    return frames + ([series("traffic", pair, whole * traffic_of(pair)) for pair in PAIRS] if whole else [])


def read(folder, text: str):
    path = folder / "traffic.csv"
    path.write_text(text)
    return read_file(path, ImportOptions(table=Table.TRAFFIC))


def test_a_file_names_services_or_none(tmp_path):
    text = HEADER + "2026-01-05T00:00Z,fra,ams,2,gbps,web\n2026-01-05T00:00Z,fra,ams,3,gbps,\n"
    frame = read(tmp_path, text).measurements
    found = list(zip(frame["kind"], frame["subject"], frame["value"], strict=True))
    assert found == [("service_traffic", "web@fra->ams", 2.0), ("traffic", "fra->ams", 3.0)]
    table = pd.DataFrame({"unique_id": ["fra->ams"], "ds": hours(1), "y": [1e9], "unit": ["bps"], "service": [None]})
    table.to_parquet(tmp_path / "t.parquet")
    batch = read_file(tmp_path / "t.parquet", ImportOptions(table=Table.TRAFFIC))
    assert batch.measurements["kind"].tolist() == ["traffic"] and batch.measurements["value"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("2026-01-05T00:00Z,fra,ams,2,gbps,Web Shop", "line 3, column 'service'"),
        ("2026-01-05T00:00Z,fra,ams,2,gbps,web@fra", "line 3, column 'service'"),
        ("2026-01-05T00:00Z,fra,ams,-2,gbps,web", "line 3, column 'value'"),
        ("2026-01-05T00:00Z,fra,ams,2,mbps,web", "line 3, column 'unit'"),
        ("2026-01-05T00:00,fra,ams,2,gbps,web", "line 3, column 'time'"),
        ("2026-01-05T01:00Z,fra,ams,3,gbps,web", "line 3"),
    ],
)
def test_a_bad_row_is_named_with_line_and_column(tmp_path, row, told):
    good = "2026-01-05T01:00Z,fra,ams,2,gbps,web\n"
    with pytest.raises(FileRefused) as raised:
        read(tmp_path, HEADER + good + row + "\n")
    assert told in str(raised.value)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["web", "a.b", "x" * 64])), min_size=1))
def test_any_cell_is_a_service_none_or_refused(tmp_path_factory, cells):
    folder = tmp_path_factory.getbasetemp()
    frame = pd.DataFrame({"time": hours(len(cells)).astype(str), "source": "fra", "destination": "ams", "value": 1.0})
    frame.assign(unit="gbps", service=pd.Series(cells, dtype="object")).to_parquet(folder / "cells.parquet")
    try:
        found = read_file(folder / "cells.parquet", ImportOptions(table=Table.TRAFFIC)).measurements
    except MalformedFile as error:
        assert "'service'" in str(error)
        return
    assert set(found["kind"]) <= {"traffic", "service_traffic"} and len(found) == len(cells)


@pytest.mark.parametrize(
    ("frames", "relation", "derived"),
    [
        (by_service(), Relation.ALL, True),
        (by_service(whole=1.01), Relation.ALL, False),
        (by_service(whole=1.5), Relation.PART, False),
        (by_service(whole=0.5), Relation.MORE, False),
        (by_service(whole=1.0, services=("web",)), Relation.PART, False),
    ],
)
def test_what_services_are_beside_their_pair(frames, relation, derived):
    prepared = prepare(history(*frames), Scope())
    assert {split.relation for split in splits_in(prepared.levels)} == {relation}
    told = [one for one in prepared.treatments if "summed of its 3 services" in one.what]
    assert len(told) == (len(PAIRS) if derived else 0)
    row = prepared.levels.keys.index(key(SeriesKind.TRAFFIC, WHOLE))
    if derived:
        np.testing.assert_allclose(prepared.levels.observed[row], traffic_of(WHOLE), rtol=1e-9)


@pytest.mark.parametrize(("times", "goes_on"), [(1.0, True), (0.3, False)])
def test_a_pair_that_is_told_by_service_from_now_on_goes_on(times, goes_on):
    """A whole that ended is filled with services that begin then, where they are about as much."""
    then, since = traffic_of(WHOLE)[:240], times * traffic_of(WHOLE)[240:]
    later = BEGIN + pd.Timedelta(hours=240)
    parts = [series("service_traffic", f"{name}@{WHOLE}", share * since, later) for name, share in SHARES.items()]
    prepared = prepare(history(series("traffic", WHOLE, then), *parts), Scope())
    row = prepared.levels.keys.index(key(SeriesKind.TRAFFIC, WHOLE))
    assert np.isfinite(prepared.levels.observed[row, 240:]).all() == goes_on


@pytest.mark.parametrize("whole", [False, True])
def test_services_that_ended_are_nothing_of_their_pair(whole):
    """Two of three, and their pair goes on as the third does: it neither ends nor has what was filled in for them."""
    left, then = traffic_of(WHOLE), traffic_of(WHOLE)[:200]
    frames = [series("service_traffic", f"{name}@{WHOLE}", then) for name in ("dns", "video")]
    frames += [series("service_traffic", f"web@{WHOLE}", left)]
    frames += [series("traffic", WHOLE, left + 2 * np.pad(then, (0, HOURS - 200)))] if whole else []
    panel = prepare(history(*frames), Scope()).levels
    row = panel.keys.index(key(SeriesKind.TRAFFIC, WHOLE))
    np.testing.assert_allclose(panel.observed[row, 200 + 168 + 1 :], left[200 + 168 + 1 :])
    (split,) = splits_in(panel)
    assert [panel.keys[part].service for part in split.parts] == ["web"] and len(split.ended) == 2
    paths = np.ones((2, len(panel.keys), 3), dtype=np.float32)
    share_out(paths, [replace(split, relation=Relation.ALL)], {at: at for at in range(len(panel.keys))})
    assert (paths[:, split.parts[0]] == 1).all() and (paths[:, list(split.ended)] == 0).all()
    paths[:, split.parts[0]], paths[:, list(split.ended)] = 0.6, 1.0
    share_out(paths, [replace(split, relation=Relation.PART)], {at: at for at in range(len(panel.keys))})
    np.testing.assert_allclose(paths[:, split.parts[0]], 0.6)
    np.testing.assert_allclose(paths[:, list(split.ended)], 0.2, rtol=1e-6)


def test_a_service_that_comes_back_was_not_measured_in_between():
    """Nine days are a gap, and no reason to take the pair for half as much in the last of them."""
    half = traffic_of(WHOLE) / 2
    gap = np.where((np.arange(HOURS) >= 200) & (np.arange(HOURS) < 416), np.nan, half)
    frames = [series("service_traffic", f"{name}@{WHOLE}", each) for name, each in (("web", half), ("dns", gap))]
    panel = prepare(history(*frames), Scope()).levels
    found = panel.observed[panel.keys.index(key(SeriesKind.TRAFFIC, WHOLE))]
    assert np.nanmean(found[370:416]) > 0.8 * np.mean(2 * half[370:416])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 4),
    st.sampled_from(Relation),
    st.integers(0, 2**32 - 1),
    st.floats(0, 0.9),
)
def test_services_are_their_pair_on_every_path(parts, relation, seed, zeros):
    """All: they add up to it; a part: never more; more: nothing is moved. The pair itself is never moved."""
    chance = np.random.default_rng(seed)
    shape = (20, parts + 1, 6)
    before = (chance.lognormal(0, 3, shape) * (chance.random(shape) >= zeros)).astype(np.float32)
    paths = before.copy()
    rows = range(1, parts + 1)
    share_out(paths, [Split(whole=0, parts=tuple(rows), relation=relation)], {row: row for row in range(parts + 1)})
    assert (paths[:, 0] == before[:, 0]).all() and np.isfinite(paths).all() and (paths >= 0).all()
    total, whole = paths[:, 1:].sum(axis=1, dtype=np.float64), paths[:, 0].astype(np.float64)
    if relation is Relation.ALL:
        np.testing.assert_allclose(total, whole, rtol=1e-6)
    elif relation is Relation.PART:
        assert (total <= whole * (1 + 1e-6)).all()
        assert (paths <= before * (1 + 1e-6)).all()
    else:
        assert (paths == before).all()


def test_a_forecast_agrees_on_every_path_over_pairs_services_and_directions():
    """To the digits that documents keep. Traffic within a region leaves it and reaches it, and counts once."""
    bundle = forecast(history(*by_service()), QUICK)
    document = {(item.key, item.granularity): item for item in bundle.document.series}
    for pair in PAIRS:
        services = [bundle.paths[key(SeriesKind.SERVICE_TRAFFIC, f"{name}@{pair}")] for name in SHARES]
        whole = bundle.paths[key(SeriesKind.TRAFFIC, pair)]
        np.testing.assert_allclose(np.sum(services, axis=0), whole, rtol=3e-4)
    of = {pair: bundle.paths[key(SeriesKind.TRAFFIC, pair)].astype(float) for pair in PAIRS}
    sums = {
        key(SeriesKind.REGION_OUT, "fra"): of["fra->ams"] + of["fra->fra"],
        key(SeriesKind.REGION_IN, "fra"): of["ams->fra"] + of["fra->fra"],
        key(SeriesKind.REGION_IN, "ams"): of["fra->ams"],
        key(SeriesKind.REGION_TRAFFIC, "fra"): np.sum(list(of.values()), axis=0),
    }
    for total, paths in sums.items():
        said = np.quantile(paths, LEVELS, axis=0, method="hazen").T
        np.testing.assert_allclose(bundle.values[total, Granularity.HOURLY], said, rtol=1e-3)
        assert document[total, Granularity.HOURLY].model == "sum_of_pairs"
    web = sum(bundle.paths[key(SeriesKind.SERVICE_TRAFFIC, f"web@{pair}")].astype(float) for pair in PAIRS)
    everywhere, here = key(SeriesKind.SERVICE_TOTAL, "web"), key(SeriesKind.REGION_SERVICE, "web@fra")
    for total in (everywhere, here):
        said = np.quantile(web, LEVELS, axis=0, method="hazen").T
        np.testing.assert_allclose(bundle.values[total, Granularity.HOURLY], said, rtol=1e-3)
        assert (total, Granularity.DAILY) in document
    assert everywhere.regions == () and everywhere.service == "web"
    assert key(SeriesKind.SERVICE_TRAFFIC, "web@fra->ams").regions == ("fra", "ams")


def test_of_some_regions_only_what_lies_within_them():
    prepared = prepare(history(*by_service()), Scope(regions=("fra",)))
    assert {each.subject.rpartition("@")[2] for each in prepared.levels.keys} == {"fra->fra", "fra"}


W, LATE = wave(400), BEGIN + pd.Timedelta(hours=395)


@pytest.mark.parametrize(
    "told",
    [
        {"web": ([3.0], BEGIN)},
        {"web": ([0.0] * 400, BEGIN), "dns": ([0.0] * 400, BEGIN)},
        {"web": (np.where(np.arange(400) % 3, W, np.nan), BEGIN), "": (2 * W[:200], BEGIN)},
        {"web": (W, BEGIN), "dns": (W[:5], LATE), "": (2 * W[:5], LATE)},
        {"web": (W, BEGIN), "dns": (W[:100], BEGIN)},
        {"web": (1e15 * W, BEGIN), "dns": (1e-9 * W, BEGIN)},
    ],
    ids=["an hour", "nothing", "gaps", "begun", "ended", "huge and tiny"],
)
def test_whatever_is_told_by_service_is_forecast(told):
    """Finite, ordered and from 0, and services never more than their pair where it is forecast."""
    frames = [
        series("service_traffic", f"{name}@{WHOLE}", values, begin) if name else series("traffic", WHOLE, values, begin)
        for name, (values, begin) in told.items()
    ]
    bundle = forecast(history(*frames), QUICK)
    for values in bundle.values.values():
        assert np.isfinite(values).all() and (values >= 0).all() and (np.diff(values, axis=1) >= 0).all()
    parts = [path for one, path in bundle.paths.items() if one.kind is SeriesKind.SERVICE_TRAFFIC]
    assert parts and (np.sum(parts, axis=0) <= 1.001 * bundle.paths[key(SeriesKind.TRAFFIC, WHOLE)] + 1e-30).all()
