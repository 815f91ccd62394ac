"""When things may come and go: by when what takes long has to be ordered, until when what was measured keeps it."""

from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field

from contracts.document import Model, unsaid


class Lead(Model):
    """The time that one change takes from order to use.

    Attributes:
        hours: from order to use, as `horizons.lead_hours` says of its kind.
        ready_at: when it is there, if it is ordered when the plan is made.
        order_by: when it would have to be ordered to be there once demand passes what is live; None where no hour of
            demand asks for it.
    """

    hours: int = Field(ge=1)
    ready_at: AwareDatetime
    order_by: AwareDatetime | None = Field(default=None, exclude_if=unsaid)

    @property
    def late_hours(self) -> float:
        """By how many hours it comes too late though it is ordered at once; 0 where it does not."""
        if self.order_by is None:
            return 0.0
        return max(0.0, (self.ready_at - self.needed_at) / timedelta(hours=1))

    @property
    def needed_at(self) -> datetime:
        """The first hour that lacks it; where no hour asks for it, when it is there."""
        return self.order_by + timedelta(hours=self.hours) if self.order_by else self.ready_at

    def told(self) -> str:
        """`order by 17 Jul 06:00, 72 h lead`; of what comes too late, by how much."""
        if self.order_by is None:
            return f"{self.hours} h lead, there {self.ready_at:%d %b %H:%M}"
        if late := self.late_hours:
            needed, ready = f"{self.needed_at:%d %b %H:%M}", f"{self.ready_at:%d %b %H:%M}"
            return f"too late by {late:.4g} h: needed {needed}, {self.hours} h lead, there {ready}"
        return f"order by {self.order_by:%d %b %H:%M}, {self.hours} h lead"


class Held(Model):
    """What keeps a requirement as high as the plan applied last had it, though the forecast fell.

    Attributes:
        measured: the largest value in the days that `horizons.scale_in_days` looks at; None where none was measured.
        until: when that is longer ago than those days, if nothing as large is measured before.
    """

    measured: float | None = Field(default=None, ge=0)
    until: AwareDatetime | None = None

    def told(self) -> str:
        """`held: 96.4 was measured; until 2026-11-22 13:00 UTC, unless as much is measured again`."""
        if self.measured is None or self.until is None:
            return (
                "held: nothing is known to have been measured since, and no forecast alone lowers what serves; next: "
                "prestage forecast, on history that has the last days; or horizons.scale_in_days: 0"
            )
        until = f"{self.until:%Y-%m-%d %H:%M} UTC"
        return f"held: {self.measured:g} was measured; until {until}, unless as much is measured again"
