"""`read_prometheus`: queries and interface counters of a server, for a window of hours, as a `Batch`."""

import re
from dataclasses import dataclass

from contracts.measured import PrometheusQuery
from contracts.sources import PrometheusSource
from contracts.spelling import likely
from forecaster.batch import Batch
from forecaster.errors import NothingMeasured, SourceFailed, SourceRefused, SourceUnreachable
from forecaster.sources.naming import key_of, measure_in
from forecaster.sources.prometheus.answers import Matrix, TooMuch, joined, matrix_of, names_of
from forecaster.sources.prometheus.interfaces import interface_samples
from forecaster.sources.samples import Notes, Samples, batch_of_samples, canonical
from forecaster.sources.web import Ask, Door, asked
from forecaster.sources.window import Window, pages

ABOUT_QUERY = "PromQL"
"""How warnings begin that are about the query, not about what is missing."""

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server and how it is asked."""

    source: PrometheusSource
    door: Door

    @property
    def where(self) -> str:
        return f"source {self.source.name} ({self.source.url})"

    def matrix(self, query: str, begin: int, end: int) -> Matrix:
        """A query at `begin`, `begin + step`, ... `end`, seconds, in as many pages as it takes.

        Raises:
            SourceFailed: see `forecaster.errors`; nothing is returned of an answer that is not whole.
        """
        step, points = self.source.step_seconds, self.source.page_points
        matrix = joined(self._page(query, *page) for page in pages(begin, end, step, points))
        partial = [warning for warning in matrix.warnings if not warning.startswith(ABOUT_QUERY)]
        if partial and not self.source.keep_partial:
            raise SourceUnreachable(
                f"warns that part of the answer may be missing: {partial[0][:300]}",
                where=f"{self.where}, query {query}",
                expected="whole answers: a part looks like less demand",
                next_step="it is asked again next time; keep_partial: true keeps what there is",
            )
        return matrix

    def names(self) -> tuple[str, ...]:
        """Names of all metrics; none where the server does not say."""
        try:
            return names_of(asked(self.door, self._ask("label/__name__/values", ())))
        except SourceFailed:
            return ()

    def _page(self, query: str, begin: int, end: int) -> Matrix:
        step = self.source.step_seconds
        asks = (("query", query), ("start", str(begin)), ("end", str(end)), ("step", str(step)))
        where = f"{self.where}, query {query}"
        try:
            return matrix_of(asked(self.door, self._ask("query_range", asks)), where=where)
        except TooMuch as error:
            if end - begin < 2 * step:
                raise SourceRefused(
                    f"is asked too much at once ({error})", where=where, next_step="aggregate more in the query"
                ) from error
            middle = begin + (end - begin) // (2 * step) * step
            return joined((self._page(query, begin, middle), self._page(query, middle + step, end)))

    def _ask(self, path: str, query: tuple[tuple[str, str], ...]) -> Ask:
        return Ask(
            url=f"{self.source.url.rstrip('/')}/api/v1/{path}",
            query=query,
            timeout_s=self.source.timeout_seconds,
            max_bytes=int(self.source.max_mib * 2**20),
        )


def read_prometheus(source: PrometheusSource, window: Window, door: Door) -> Batch:
    """Everything that a source names, for the hours of the window.

    Raises:
        SourceFailed: the server is down, refuses, has changed its form, or knows nothing of what was asked for.
        UnitUnclear: a unit is none of its kind.
    """
    server, notes = Server(source=source, door=door), Notes()
    samples: list[Samples] = []
    rows = 0
    for query in source.queries:
        measure_in(query, where=f"{server.where}, query {query.query}")
    for query in source.queries:
        found, count = _query_samples(server, query, window, notes)
        samples, rows = [*samples, *found], rows + count
    for interface in source.interfaces:
        found, count = interface_samples(source, interface, window, ask=server.matrix, notes=notes)
        samples, rows = [*samples, *found], rows + count
    if not rows:
        raise nothing_measured(server, window)
    return batch_of_samples(samples, window, origin=source.name, rows_read=rows, notes=notes)


def nothing_measured(server: Server, window: Window) -> NothingMeasured:
    """The error of a server that knows none of what it was asked for; names a metric that it does not have."""
    known = server.names()
    asked_for = [query.query for query in server.source.queries]
    if server.source.interfaces:
        asked_for += [server.source.counters.sent, server.source.counters.received]
    hint = misspelt(asked_for, known)
    return NothingMeasured(
        f"has no value of anything that is asked for, {window}" + (f": {hint}" if hint else ""),
        where=server.where,
        expected=f"values of {', '.join(asked_for)[:300]}",
        next_step="try the queries in its own page; it may not reach back that far",
    )


def misspelt(queries: list[str], known: tuple[str, ...]) -> str:
    """The first word of the queries that is nearly a metric and none: `there is no metric 'ifHCInOctet', did ...`."""
    for word in [word for query in queries for word in _WORD.findall(query)]:
        near = likely(word, known) if len(word) > 3 and word not in known else ""
        if near:
            return f"there is no metric {word!r}, {near}"
    return ""


def _query_samples(server: Server, query: PrometheusQuery, window: Window, notes: Notes) -> tuple[list[Samples], int]:
    """Values of one query. PromQL looks back, so that a value stands for the step before its time."""
    where = f"{server.where}, query {query.query}"
    step = server.source.step_seconds
    matrix = server.matrix(query.query, window.begin + step, window.end)
    for warning in matrix.warnings:
        notes.add("warnings", f"the server warns: {warning}")
    measure, samples = measure_in(query, where=where), {}
    for item in matrix.series:
        key = key_of(query, item.labels, where=where)
        if key in samples:
            raise SourceRefused(
                f"two series of the query are {key}",
                where=where,
                expected="one series a subject",
                next_step="add them up in the query: sum by (...) (...)",
            )
        values = canonical(item.values, step, measure, query.scale)
        lost = int((~(values >= 0)).sum())
        if lost:
            notes.add("values", f"{key}: {lost} values are NaN, infinite or negative: left as gaps")
        lengths = (item.times * 0) + step
        samples[key] = Samples(
            key=key, part=query.query, begins=item.times - step, lengths=lengths, values=values, silent=query.silent
        )
    if not samples:
        hint = misspelt([query.query], server.names())
        notes.add("queries", f"no series answers {query.query!r}" + (f": {hint}" if hint else ""))
    return list(samples.values()), matrix.samples
