"""Which events ahead a forecast counts on, and what they do to it, for people (pure)."""

import numpy as np

from contracts.events import ExpectedEvent
from forecaster.events.effects import Effects
from forecaster.events.footprint import LAG, LEAD, footprints
from forecaster.panel import Panel


def expected_events(effects: Effects, panel: Panel, steps: int) -> tuple[ExpectedEvent, ...]:
    """Events that touch the `steps` steps after a panel, in the order of time."""
    found = []
    for footprint in footprints(effects.calendar.events, panel, steps):
        if not (footprint.steps >= panel.steps).any():
            continue
        event = footprint.event
        parts = [int(part) for part in np.unique(footprint.parts) if part not in (LEAD, LAG)]
        moved = [effects.expected(footprint, panel.keys[row], part).mean for row in footprint.rows for part in parts]
        groups = [
            effects.kinds[event.kind, kind, part].occurrences
            for kind in sorted({panel.keys[row].kind for row in footprint.rows})
            for part in parts
            if (event.kind, kind, part) in effects.kinds
        ]
        found.append(
            ExpectedEvent(
                id=event.id,
                name=event.name,
                kind=event.kind.value,
                start=event.start,
                end=event.end,
                series=len(footprint.rows),
                factor=round(float(np.exp(max(moved, key=abs, default=0.0))), 4),
                learned_from=max(groups, default=0),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.start, one.id)))
