"""When what is ordered now is there, and by when it has to be ordered: of changes to what takes long to come."""

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
