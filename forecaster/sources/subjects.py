"""Which series each row belongs to: kind and subject, checked."""

import difflib
import ipaddress

import pandas as pd

from contracts.names import pair_ends, service_name
from contracts.series import SeriesKind
from forecaster.errors import MalformedFile
from forecaster.sources.cells import check_each, region_names, text
from forecaster.sources.sheets import Sheet
from forecaster.sources.tables import METRICS, Table

_NO_SERVICE = "all"  # stands for an empty cell while names are checked


def series_of(sheet: Sheet, table: Table) -> pd.DataFrame:
    """Columns `kind` and `subject` for every row.

    Raises:
        MalformedFile: a region, pair, prefix, service or metric that is none.
    """
    match table:
        case Table.TRAFFIC:
            kind, subject = _by_service(sheet, _pairs(sheet))
        case Table.BLOCKS:
            kind, subject = _constant(sheet, SeriesKind.BLOCK_TRAFFIC), _prefixes(sheet)
        case Table.UTILISATION:
            kind, subject = _metrics(sheet, METRICS[table]), region_names(sheet, "region")
        case Table.TELEMETRY:
            kind, subject = _metrics(sheet, METRICS[table]), _services(sheet)
        case Table.REQUESTS:
            raise AssertionError("requests are events, not series")
    return pd.DataFrame({"kind": kind, "subject": subject})


def _constant(sheet: Sheet, kind: SeriesKind) -> pd.Series:
    return pd.Series(kind.value, index=sheet.frame.index, dtype="str")


def _by_service(sheet: Sheet, pairs: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Kind and subject of rows of traffic: of one service where the row names one, else of the whole pair."""
    whole = _constant(sheet, SeriesKind.TRAFFIC)
    if "service" not in sheet.frame:
        return whole, pairs
    services = text(sheet, "service")
    named = services != ""
    check_each(sheet, "service", services.where(named, _NO_SERVICE), service_name)
    return whole.where(~named, SeriesKind.SERVICE_TRAFFIC.value), pairs.where(~named, services + "@" + pairs)


def _pairs(sheet: Sheet) -> pd.Series:
    if "unique_id" in sheet.frame:
        pairs = text(sheet, "unique_id")
        check_each(sheet, "unique_id", pairs, pair_ends)
        return pairs
    return region_names(sheet, "source") + "->" + region_names(sheet, "destination")


def _prefixes(sheet: Sheet) -> pd.Series:
    prefixes = text(sheet, "prefix")
    check_each(sheet, "prefix", prefixes, ipaddress.ip_network)
    return prefixes


def _services(sheet: Sheet) -> pd.Series:
    services = text(sheet, "service")
    check_each(sheet, "service", services, service_name)
    return services + "@" + region_names(sheet, "region")


def _metrics(sheet: Sheet, known: dict[str, SeriesKind]) -> pd.Series:
    metrics = text(sheet, "metric").str.lower()
    wrong = (~metrics.isin(list(known))).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        close = difflib.get_close_matches(metrics[row], known, n=1)
        raise MalformedFile(
            f"{metrics[row]!r} is not a metric",
            where=sheet.where(row, "metric"),
            expected=", ".join(known),
            next_step=f"did you mean {close[0]!r}?" if close else "",
        )
    return metrics.map({name: kind.value for name, kind in known.items()}).astype("str")
