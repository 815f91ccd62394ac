"""Versions of an engine's state files, for a backend that gets them late: a death forgets the last ones.

OpenTofu writes a state to S3 at most every 20 s; what lies there after a kill is that old. Here the files are beside
the roots, or in Pulumi's folder; they are read at each call of the cloud, and after a death put back to what they were
so long before.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.files import write_bytes

PLACES = (
    "state/roots/[!.]*/terraform.tfstate",
    "state/roots/[!.]*/main.tf.json",
    ".prestage/pulumi/.pulumi/stacks/**/*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The files at one moment of simulated time, by their place in the project's folder."""

    seconds: float
    files: Mapping[str, bytes]


def read_version(folder: Path, seconds: float, before: Sequence[Version]) -> Version:
    """The files as they are; one that is just being written as it was before."""
    last = before[-1].files if before else {}
    files: dict[str, bytes] = {}
    for path in _paths(folder):
        name = str(path.relative_to(folder))
        try:
            content = path.read_bytes()
            json.loads(content)
            files[name] = content
        except (OSError, ValueError):
            if name in last:
                files[name] = last[name]
    return Version(seconds=seconds, files=files)


def forget(folder: Path, late: Path, until_s: float) -> None:
    """Puts the files back to their last version of a time; as they are where no versions were kept."""
    if not late.exists():
        return
    versions: list[Version] = pickle.loads(late.read_bytes())
    late.unlink()
    there = next(item for item in reversed(versions) if item.seconds <= until_s)
    for path in _paths(folder):
        if str(path.relative_to(folder)) not in there.files:
            path.unlink()
    for name, content in there.files.items():
        write_bytes(folder / name, content)


def _paths(folder: Path) -> Iterator[Path]:
    return (path for place in PLACES for path in folder.glob(place) if path.is_file())
