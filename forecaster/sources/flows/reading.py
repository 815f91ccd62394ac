"""`read_flows`: all files of a collector that reach into a window of hours, as one `Batch`."""

from pathlib import Path

from contracts.sources import FlowSource
from forecaster.batch import Batch, no_requests
from forecaster.errors import NothingMeasured
from forecaster.sources.flows.lines import Lines
from forecaster.sources.flows.records import Reading
from forecaster.sources.flows.services import classifier
from forecaster.sources.flows.tally import Places, Tally
from forecaster.sources.routes.origins import dumped_table, read_prefixes
from forecaster.sources.routes.table import Prefix, region_table
from forecaster.sources.samples import Notes
from forecaster.sources.times import zone_of
from forecaster.sources.window import Window

TOLD_UNKNOWN = 3
"""Prefixes without a region that are named."""


def read_flows(source: FlowSource, window: Window, own: tuple[Prefix, ...], folder: Path) -> Batch:
    """Counts the flows of the window's hours; files that were last written before it are not opened.

    Args:
        source: files and what they do not say.
        window: whole hours.
        own: the environment's own address blocks.
        folder: the project's, which relative paths start from.

    Raises:
        FileRefused: a file is damaged, or a prefix lies in two regions.
        FormChanged: a file holds something else than flow records.
        NothingMeasured: there is no file, or no flow of any region.
        SourceRefused: more address blocks than may be kept.
    """
    notes = Notes()
    where = f"source {source.name}"
    reading = Reading(
        zone=zone_of(source.timezone, where) if source.timezone else None,
        sampling_rate=source.sampling_rate,
        bin_s=source.bin_seconds,
        service_of=classifier(source.services) if source.services else None,
    )
    places = _places(source, own, folder, notes)
    paths = _files(source, folder)
    if not paths:
        raise NothingMeasured(f"no file fits {', '.join(source.files)}", where=where, next_step="correct files")
    tally = Tally(source, window, places)
    for path in paths:
        if path.stat().st_mtime >= window.begin:
            _count(path, reading, tally, notes)
    if not tally.flows:
        notes.add("flows", f"no flow of {window} in {len(paths)} files")
    elif not tally.pairs and not tally.blocks:
        raise NothingMeasured(
            f"none of {tally.flows} flows lies in a known region; most bytes are of {_unknown(tally)}",
            where=where,
            expected="addresses within the environment's pools and prefixes",
            next_step="name prefixes and their regions: prefixes: FILE, or table_dumps with as_regions",
        )
    _tell(tally, notes)
    return Batch(
        origin=source.name, rows_read=tally.flows, measurements=tally.rows(), requests=no_requests(), notes=notes.told()
    )


def _places(source: FlowSource, own: tuple[Prefix, ...], folder: Path, notes: Notes) -> Places:
    prefixes = own + (read_prefixes(folder / source.prefixes) if source.prefixes else ())
    dumps = [newest for pattern in source.table_dumps if (newest := _newest(pattern, folder)) is not None]
    dumped, told = dumped_table(dumps, source.as_regions)
    for note in told:
        notes.add("dumps", note)
    return Places(own=region_table(prefixes, where=f"source {source.name}"), dumped=dumped, systems=source.as_regions)


def _files(source: FlowSource, folder: Path) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(path for pattern in source.files for path in _matching(pattern, folder)))


def _matching(pattern: str, folder: Path) -> list[Path]:
    path = Path(pattern)
    begin = Path(path.anchor) if path.is_absolute() else folder
    return sorted(found for found in begin.glob(str(path.relative_to(path.anchor))) if found.is_file())


def _newest(pattern: str, folder: Path) -> Path | None:
    """The file that was written last of those that fit: collectors publish a whole table every few hours."""
    return max(_matching(pattern, folder), key=lambda path: (path.stat().st_mtime, path.name), default=None)


def _count(path: Path, reading: Reading, tally: Tally, notes: Notes) -> None:
    lines = Lines(path)
    for flow in lines.flows(reading):
        tally.add(flow)
    if note := lines.note():
        notes.add("files", note)


def _tell(tally: Tally, notes: Notes) -> None:
    unknown = sum(tally.unknown.values())
    if unknown and tally.bytes:
        share = min(unknown / (2 * tally.bytes), 1.0)
        notes.add("regions", f"{share:.1%} of the ends of all bytes lie in no region: {_unknown(tally)}")
    if tally.inside and tally.bytes:
        notes.add("regions", f"{tally.inside / tally.bytes:.1%} of bytes stay in their region: not traffic of a pair")
    if tally.source.services and tally.bytes:
        notes.add("services", _of_services(tally))
    if len(tally.exporters) > 1 and not tally.source.exporters:
        notes.add("exporters", f"{len(tally.exporters)} exporters: a flow that two of them report counts twice")


def _of_services(tally: Tally) -> str:
    """How much of the pairs' traffic a rule fitted: none at all is a sign of records without ports."""
    pairs = sum(float(total.sum()) for total in tally.pairs.values())
    named = sum(float(total.sum()) for total in tally.services.values())
    share = f"{named / pairs if pairs else 0.0:.1%} of bytes between regions are of a service"
    return share if named else f"{share}: do the records have ports, protocols, tags (docs/sources.md)?"


def _unknown(tally: Tally) -> str:
    return ", ".join(name for name, _ in tally.unknown.most_common(TOLD_UNKNOWN))
