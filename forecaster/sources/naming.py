"""Labels of a foreign system to the series that they are of (pure)."""

import re
from collections.abc import Mapping

from contracts.measured import Measured
from contracts.series import SeriesKey, check_subject
from contracts.spelling import likely
from forecaster.errors import SourceRefused
from forecaster.units import Measure, measure_of

_LABEL = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")


def key_of(measured: Measured, labels: Mapping[str, str], *, where: str) -> SeriesKey:
    """The series that a set of labels is of.

    Raises:
        SourceRefused: a label of the subject is not there, or the result is no subject of the kind.
    """

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        if name not in labels:
            raise SourceRefused(
                f"a series has no label {name!r}; it has {', '.join(sorted(labels)) or 'none'}",
                where=where,
                expected=f"the labels of the subject {measured.subject!r}",
                next_step=likely(name, labels) or "name a label that it has, or keep this one in the query's grouping",
            )
        return measured.names.get(labels[name], labels[name])

    subject = _LABEL.sub(filled, measured.subject)
    try:
        check_subject(measured.kind, subject)
    except ValueError as error:
        raise SourceRefused(
            f"{subject!r} is no subject of {measured.kind.value}: {error}",
            where=where,
            next_step="say what it is called here: names: {'" + subject + "': fra}",
        ) from error
    return SeriesKey(measured.kind, subject)


def measure_in(measured: Measured, *, where: str) -> Measure:
    """The unit of what is measured.

    Raises:
        UnitUnclear: it is none of the kind's.
    """
    return measure_of(measured.kind, measured.unit, where=where)
