"""Filesystem mirrors of the clouds' own Terraform providers on this machine: tests that need one skip without it.

Looked for in `PRESTAGE_PROVIDER_MIRROR` (several folders: as in PATH), in Prestage's cache, and where Terraform itself
and machine images keep mirrors: a folder with `registry.terraform.io/hashicorp/<name>/<version>` in it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cache import cache_dir

SETTING = "PRESTAGE_PROVIDER_MIRROR"
HOST = "registry.terraform.io"


def aws_mirror() -> Path:
    """The mirror that holds hashicorp/aws; skips without."""
    return _needed("aws")


def google_mirror() -> Path:
    """The mirror that holds hashicorp/google; skips without."""
    return _needed("google")


def find_mirror(provider: str) -> Path | None:
    """The first mirror that holds a provider of hashicorp, any version of it."""
    return next((path for path in _places() if any(path.glob(f"{HOST}/hashicorp/{provider}/*/*/*"))), None)


def cli_config(folder: Path, *mirrors: Path) -> Path:
    """A CLI configuration in `folder` that takes hashicorp's providers from these mirrors, and no network."""
    blocks = "".join(
        f'  filesystem_mirror {{\n    path = "{path}"\n    include = ["{HOST}/hashicorp/*"]\n  }}\n'
        for path in dict.fromkeys(mirrors)
    )
    written = folder / "mirrors.tfrc"
    written.write_text(f"provider_installation {{\n{blocks}}}\n", encoding="utf-8")
    return written


def _needed(provider: str) -> Path:
    found = find_mirror(provider)
    if found is None:
        pytest.skip(f"no filesystem mirror with hashicorp/{provider}: name one in {SETTING}")
    return found


def _places() -> Iterator[Path]:
    yield from (Path(place) for place in os.environ.get(SETTING, "").split(os.pathsep) if place)
    yield cache_dir() / "providers"
    yield from sorted((cache_dir() / "engines").glob("google-*"))  # built by `python3 run.py engines`
    yield from (Path.home() / ".terraform.d/plugins", Path("/usr/local/share/terraform/plugins"))
    yield Path("/usr/share/terraform/plugins")
    yield from sorted(Path("/opt").glob("*")) if Path("/opt").is_dir() else ()
