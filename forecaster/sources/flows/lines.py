"""Files of flow records: JSON lines or CSV, packed or not, line by line."""

import bz2
import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from forecaster.errors import FormChanged, MalformedFile
from forecaster.sources.flows.records import BadRecord, Flow, Reading, Record, flow_of

MAX_LINE = 1 << 20
BAD_SHARE = 0.01
"""Of the lines of a file: collectors hear by UDP and are restarted, so that one bad line is no change of form."""

Unpacked: TypeAlias = IO[bytes] | gzip.GzipFile | bz2.BZ2File
_HEAD_WORDS = ("bytes", "packets")


@dataclass(slots=True)
class Lines:
    """What became of the lines of one file."""

    path: Path
    good: int = 0
    bad: int = 0
    unfinished: bool = False
    first_bad: str = ""

    def flows(self, reading: Reading) -> Iterator[Flow]:
        """The flows of the file.

        A last line that does not end is left for the next time: the collector is still writing it.

        Raises:
            MalformedFile: the file cannot be read, or is damaged in its packing.
            FormChanged: more than `BAD_SHARE` of its lines are no flow records.
        """
        try:
            with _opened(self.path) as file:
                yield from self._flows(file, reading)
        except (OSError, EOFError, zlib.error) as error:
            raise MalformedFile(
                f"cannot be read whole ({getattr(error, 'strerror', None) or error})",
                where=str(self.path),
                next_step="it may be cut off: move it away; the others are read then",
            ) from error
        if self.bad > max(1.0, BAD_SHARE * (self.good + self.bad)) or (self.bad and not self.good):
            raise FormChanged(
                f"{self.bad} of {self.good + self.bad} lines are no flow records; {self.first_bad}",
                where=str(self.path),
                expected="JSON lines or CSV with a header, as pmacct or goflow2 write them",
                next_step="has the collector's configuration changed? See docs/sources.md for the fields",
            )

    def note(self) -> str:
        """What people should know of it; nothing where all is well."""
        parts = [f"{self.bad} lines left out ({self.first_bad})"] if self.bad else []
        parts += ["its last line is not finished: left for the next time"] if self.unfinished else []
        return f"{self.path.name}: {'; '.join(parts)}" if parts else ""

    def _flows(self, file: Unpacked, reading: Reading) -> Iterator[Flow]:
        header: list[str] | None = None
        for number, line in self._whole_lines(file):
            try:
                if header is None and not line.startswith("{") and _is_header(line):
                    header = _cells(line)
                    continue
                record = _record(line, header)
                flow = flow_of(record, reading) if record is not None else None
            except (BadRecord, ValueError, RecursionError) as error:
                self.bad += 1
                self.first_bad = self.first_bad or f"line {number}: {str(error)[:160]}"
                continue
            self.good += 1
            if flow is not None:
                yield flow

    def _whole_lines(self, file: Unpacked) -> Iterator[tuple[int, str]]:
        number = 0
        while raw := file.readline(MAX_LINE):
            number += 1
            if not raw.endswith(b"\n"):
                self.unfinished = True
                if len(raw) == MAX_LINE:
                    raise FormChanged(
                        f"line {number} is longer than {MAX_LINE} bytes",
                        where=str(self.path),
                        expected="a record a line",
                    )
                return
            line = raw.decode("utf-8", "replace").strip()
            if line and not line.startswith("--"):  # pmacct's marks around a batch
                yield number, line


def _record(line: str, header: list[str] | None) -> Record | None:
    """A line as a record; None where it is the header again, as files that are appended to have it."""
    if line.startswith("{"):
        record = json.loads(line)
        return record if isinstance(record, dict) else None
    if header is None:
        raise BadRecord(f"neither JSON nor a row below a header: {line[:60]!r}")
    cells = _cells(line)
    if cells == header:
        return None
    if len(cells) != len(header):
        raise BadRecord(f"{len(cells)} cells below {len(header)} names")
    return dict(zip(header, cells, strict=True))


def _is_header(line: str) -> bool:
    cells = [cell.lower() for cell in _cells(line)]
    return any(word in cells for word in _HEAD_WORDS)


def _cells(line: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line]), [])]
    except csv.Error as error:
        raise BadRecord(f"not CSV ({error})") from error


def _opened(path: Path) -> Unpacked:
    match path.suffix:
        case ".gz":
            return gzip.open(path)
        case ".bz2":
            return bz2.open(path)
        case _:
            return path.open("rb")
