"""Stand-ins for what sources ask: a web of scripted answers, a clock that stands, a sleep that only counts."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from forecaster.sources.web import Ask, Door, Reply
from forecaster.sources.window import HOUR_S, Window

NOW = datetime(2026, 3, 2, 12, 20, tzinfo=UTC)
BEGIN = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
"""Midnight before `NOW`."""


def window(hours: int = 2) -> Window:
    return Window(BEGIN, BEGIN + hours * HOUR_S)


def reply(body: bytes | str | dict[str, object], status: int = 200, **headers: str) -> Reply:
    if isinstance(body, dict):
        body = json.dumps(body)
    payload = body.encode() if isinstance(body, str) else body
    return Reply(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=payload
    )


@dataclass
class FakeWeb:
    """Answers as a function says; an exception that it returns is raised."""

    answer: Callable[[Ask], Reply | Exception]
    asks: list[Ask] = field(default_factory=list)

    def get(self, ask: Ask) -> Reply:
        self.asks.append(ask)
        found = self.answer(ask)
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class Naps:
    """A sleep that takes no time."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def scripted(answers: Iterable[Reply | Exception]) -> FakeWeb:
    """One answer after the other."""
    line = iter(answers)
    return FakeWeb(lambda _: next(line))


def door(web: FakeWeb, naps: Naps | None = None) -> Door:
    return Door(web=web, clock=lambda: NOW, sleep=naps or Naps())


def rows(batch) -> list[tuple[str, str, int, float, float]]:
    """Kind, subject, hour since `BEGIN`, value, covered."""
    frame = batch.measurements
    hours = [int((moment.timestamp() - BEGIN) // HOUR_S) for moment in frame["time"]]
    values = [round(value, 9) for value in frame["value"]]
    return list(zip(frame["kind"], frame["subject"], hours, values, frame["covered"].round(6), strict=True))
