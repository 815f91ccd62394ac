"""What `query_range` and `label/__name__/values` answer, as values (pure).

The form is that of https://prometheus.io/docs/prometheus/latest/querying/api/. Keys that later versions add are passed
over; what is needed is checked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from forecaster.errors import FormChanged, SourceFailed, SourceRefused
from forecaster.sources.web import Reply, said
from forecaster.sources.window import Numbers, Seconds

TOO_MANY = ("too many samples", "exceeded maximum resolution", "max-samples", "would load too many")
"""Words of a server that an answer of less would content."""


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Row(_Loose):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _Range(_Loose):
    resultType: Literal["matrix"]  # noqa: N815 - the API's name
    result: list[_Row]


class _Answer(_Loose):
    status: Literal["success"]
    data: _Range
    warnings: list[str] = []


class _Names(_Loose):
    status: Literal["success"]
    data: list[str]


class _Refusal(_Loose):
    status: Literal["error"]
    errorType: str = ""  # noqa: N815 - the API's name
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One series of an answer: its labels, its moments (n,) in seconds, ascending, and values (n,), NaN for none."""

    labels: Mapping[str, str]
    times: Seconds
    values: Numbers

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(self.labels.items()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """All series of an answer, and what the server warns of."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()

    @property
    def samples(self) -> int:
        return sum(len(item.times) for item in self.series)


class TooMuch(Exception):
    """The server would answer a shorter range."""


def matrix_of(reply: Reply, *, where: str) -> Matrix:
    """The answer of `query_range`.

    Raises:
        TooMuch: the range is too long for the server.
        SourceRefused: it does not take the query.
        FormChanged: the answer is of another form.
    """
    if reply.status != 200:
        raise _refusal(reply, where)
    try:
        answer = _Answer.model_validate_json(reply.body)
        return Matrix(series=tuple(_series(row) for row in answer.data.result), warnings=tuple(answer.warnings))
    except (ValidationError, ValueError, OverflowError) as error:
        raise _another_form(error, reply, where) from error


def names_of(reply: Reply) -> tuple[str, ...]:
    """The answer of `label/__name__/values`; nothing where it is not one: it only serves a hint."""
    try:
        return tuple(_Names.model_validate_json(reply.body).data) if reply.status == 200 else ()
    except ValidationError:
        return ()


def joined(matrices: Iterable[Matrix]) -> Matrix:
    """Answers for one range after the other, as one."""
    pieces: dict[tuple[tuple[str, str], ...], list[Series]] = {}
    warnings: dict[str, None] = {}
    for matrix in matrices:
        warnings |= dict.fromkeys(matrix.warnings)
        for item in matrix.series:
            pieces.setdefault(item.identity, []).append(item)
    series = tuple(
        Series(
            labels=items[0].labels,
            times=np.concatenate([item.times for item in items]),
            values=np.concatenate([item.values for item in items]),
        )
        for _, items in sorted(pieces.items())
    )
    return Matrix(series=series, warnings=tuple(warnings))


def _series(row: _Row) -> Series:
    times = np.array([round(moment) for moment, _ in row.values], dtype=np.int64)
    values = np.array([float(text) for _, text in row.values], dtype=np.float64)  # "NaN", "+Inf" are numbers to Go too
    if (np.diff(times) <= 0).any():
        raise ValueError("its times do not ascend")
    return Series(labels=row.metric, times=times, values=np.where(np.isfinite(values), values, np.nan))


def _refusal(reply: Reply, where: str) -> SourceFailed | TooMuch:
    try:
        told = _Refusal.model_validate_json(reply.body)
    except ValidationError:
        return FormChanged(
            f"answers {reply.status}{said(reply)}",
            where=where,
            expected="the API of Prometheus: url is the server's address without /api/v1",
            next_step="open the url in a browser: it may be another service",
        )
    if any(words in told.error for words in TOO_MANY):
        return TooMuch(told.error)
    return SourceRefused(
        f"refuses the query ({told.errorType}: {told.error})", where=where, next_step="try the query in its own page"
    )


def _another_form(error: Exception, reply: Reply, where: str) -> FormChanged:
    reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    kind = reply.headers.get("content-type", "no content type")
    return FormChanged(
        f"the answer is not one of Prometheus: {reason} ({kind}, {len(reply.body)} bytes)",
        where=where,
        expected='{"status": "success", "data": {"resultType": "matrix", "result": [...]}}',
        next_step="check the url; a page of a login or a proxy may stand before it",
    )
