"""What a request asks for, as a distribution: part of `contracts.forecast.RequestProfile`."""

from enum import StrEnum

from pydantic import Field

from contracts.document import Model


class AskedMeasure(StrEnum):
    """How large a request is, and how long it lasts."""

    VCPU = "vcpu"
    MEMORY_GIB = "memory_gib"
    STORAGE_GIB = "storage_gib"
    GBPS = "gbps"
    ADDRESSES = "addresses"
    DURATION_HOURS = "duration_hours"


class AskedQuantiles(Model):
    """How much of one measure the next request of a pair will ask for.

    Attributes:
        quantiles: at the forecast's levels, from 0, non-decreasing; each is a value that was asked for.
        own: what share of it the pair's own requests say, 0 to 1; those of all pairs say the rest.
    """

    measure: AskedMeasure
    quantiles: tuple[float, ...] = Field(min_length=1)
    own: float = Field(ge=0, le=1)
