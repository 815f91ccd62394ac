"""Names of regions, pairs and resources: one spelling of each, checked where it enters.

`fra`            a region
`fra->ams`       an ordered pair: traffic and requests have a direction
`ams--fra`       a link: what joins two regions has none; the names are sorted
`fra/compute/serving/m8`   a resource key: place, kind, and what tells it from its siblings
"""

import re
from typing import Annotated

from pydantic import AfterValidator

_REGION = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SERVICE = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_ARROW, _JOIN = "->", "--"


def region_name(name: str) -> str:
    """The name itself when it is one: lower case, digits, single hyphens, at most 31 characters.

    Raises:
        ValueError: it is not.
    """
    if len(name) > 31 or not _REGION.fullmatch(name):
        raise ValueError(f"{name!r} is not a region name: lower-case letters, digits and single hyphens, at most 31")
    return name


def service_name(name: str) -> str:
    """The name itself when it is one of a service.

    Raises:
        ValueError: it is not.
    """
    if len(name) > 63 or not _SERVICE.fullmatch(name):
        raise ValueError(f"{name!r} is not a service name: lower-case letters, digits, '.', '_' and '-', at most 63")
    return name


def pair_name(source: str, destination: str) -> str:
    """`source->destination`."""
    return f"{source}{_ARROW}{destination}"


def pair_ends(pair: str) -> tuple[str, str]:
    """Source and destination of `source->destination`.

    Raises:
        ValueError: not a pair.
    """
    source, arrow, destination = pair.partition(_ARROW)
    if not arrow:
        raise ValueError(f"{pair!r} is not a pair such as 'fra->ams'")
    return region_name(source), region_name(destination)


def link_name(one: str, other: str) -> str:
    """`a--b` with a < b: the name of what joins two regions."""
    a, b = sorted((one, other))
    return f"{a}{_JOIN}{b}"


def link_ends(link: str) -> tuple[str, str]:
    """Both ends of `a--b`, sorted.

    Raises:
        ValueError: not a link.
    """
    a, join, b = link.partition(_JOIN)
    if not join:
        raise ValueError(f"{link!r} is not a link such as 'ams--fra'")
    return region_name(a), region_name(b)


def is_link(place: str) -> bool:
    """Whether a place (where a resource stands) is a link, else it is a region."""
    return _JOIN in place


def place_ends(place: str) -> tuple[str, ...]:
    """The regions that a place is of: both of a link, or of a pair; else the one that it is."""
    if _ARROW in place:
        return pair_ends(place)
    return link_ends(place) if is_link(place) else (place,)


RegionName = Annotated[str, AfterValidator(region_name)]
