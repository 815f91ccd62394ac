"""Prefixes of BGP table dumps by region, and rows of a prefix file."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from forecaster.errors import UnknownColumn
from forecaster.sources.cells import region_names, text
from forecaster.sources.routes.mrt import Dump, read_dump
from forecaster.sources.routes.table import Families, Prefix, RegionTable, prefix_of, table_of
from forecaster.sources.sheets import read_sheet


def read_prefixes(path: Path) -> tuple[Prefix, ...]:
    """Rows `prefix,region` of a CSV file.

    Raises:
        FileRefused: a row is not such a pair.
    """
    sheet = read_sheet(path)
    if sorted(sheet.frame.columns) != ["prefix", "region"]:
        raise UnknownColumn(
            f"has the columns {', '.join(map(str, sheet.frame.columns))}", where=sheet.name, expected="prefix, region"
        )
    regions = region_names(sheet, "region")
    prefixes = text(sheet, "prefix")
    return tuple(
        (prefix_of(prefix, where=sheet.where(row, "prefix")), region)
        for row, (prefix, region) in enumerate(zip(prefixes, regions, strict=True))
    )


def dumped_table(paths: Sequence[Path], regions: Mapping[int, str]) -> tuple[RegionTable, tuple[str, ...]]:
    """Prefixes of table dumps by the region of their origin, and what was found.

    A prefix of a system that lies in no region is kept as such: it is not the region's that is announced around it. Of
    the same prefix in several dumps, the first counts.

    Raises:
        MalformedFile: a dump is cut off or damaged.
    """
    found: Families = {4: {}, 6: {}}
    notes = []
    for path in paths:
        dump = _cached(path)
        for version, address, length, origin in dump.routes:
            found[version].setdefault((address, length), regions.get(origin, ""))
        notes.append(_note(path, dump))
    return table_of(found), tuple(notes)


def _cached(path: Path) -> Dump:
    """A dump that was read before is not read again while its file stays as it is."""
    try:
        state = path.stat()
    except OSError:
        return read_dump(path)  # raises, saying why
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _read(path: Path, _changed: int, _size: int) -> Dump:
    return read_dump(path)


def _note(path: Path, dump: Dump) -> str:
    parts = [f"{path.name}: {len(dump.routes)} prefixes with an origin"]
    parts += [f"{dump.without_origin} without"] if dump.without_origin else []
    parts += [f"{dump.disputed} with several, of which most paths decide"] if dump.disputed else []
    return ", ".join(parts)
