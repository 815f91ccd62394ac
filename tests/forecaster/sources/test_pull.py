"""Sources read one after the other: where each was left, outages, late data, regions that nobody knows."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.ports import Silent
from contracts.sources import FeedSource, PrometheusSource, Sources
from forecaster.batch import Batch, no_requests
from forecaster.errors import HistoryUnwritable, SourceUnreachable
from forecaster.history.store import History
from forecaster.sources.pull import Puller
from tests.forecaster.estates import series
from tests.forecaster.sources.fakes import NOW

A = PrometheusSource(name="a", url="http://a", history_hours=4, overlap_hours=2)
B = FeedSource(name="b", url="http://b/x.csv", table="traffic", history_hours=2, overlap_hours=0)


class World:
    """A clock, a server of each name, and what was asked of it."""

    def __init__(self, folder):
        self.now, self.down, self.level, self.asked = NOW, set[str](), 1.0, list[tuple[str, int, int]]()
        self.subject = "fra->ams"
        self.history = History(folder / "history")
        self.puller = Puller(
            read=self.read,
            keep=self.history.add,
            left=folder / "sources.json",
            clock=lambda: self.now,
            regions=frozenset({"fra", "ams"}),
            progress=Silent(),
        )

    def read(self, source, window):
        self.asked.append((source.name, window.first.hour, window.last.hour))
        if source.name in self.down:
            raise SourceUnreachable("is down", where=source.name)
        frame = series("traffic", self.subject, [self.level] * window.hours, window.first)
        return Batch(origin=source.name, rows_read=len(frame), measurements=frame, requests=no_requests())

    def values(self):
        frame = self.history.load().measurements
        return {time.hour: value for time, value in zip(frame.time, frame.value, strict=True)}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_each_source_goes_on_where_it_was_left(world):
    first = world.puller.pull([A])
    assert first[0].report.counts.added == 4 and world.asked == [("a", 8, 12)]
    world.now += timedelta(hours=3)
    again = world.puller.pull([A])
    assert world.asked[1] == ("a", 10, 15) and again[0].report.counts.added == 3


def test_an_outage_is_told_and_made_up_for(world):
    world.puller.pull([A, B])
    world.down, world.now = {"a"}, world.now + timedelta(hours=5)
    failed, well = world.puller.pull([A, B])
    assert failed.failure.what == "is down" and failed.report is None and well.report.counts.added == 5
    world.down, world.now = set(), world.now + timedelta(hours=5)
    world.puller.pull([A])
    assert world.asked[-1] == ("a", 10, 22)  # from where it was left, not from the last hours only


def test_late_data_of_the_overlap_count(world):
    world.puller.pull([A])
    world.level, world.now = 2.0, world.now + timedelta(hours=1)
    world.puller.pull([A])
    assert world.values() == {8: 1.0, 9: 1.0, 10: 2.0, 11: 2.0, 12: 2.0}


def test_since_reads_again_and_a_damaged_memory_is_no_harm(world):
    world.puller.pull([A])
    world.puller.pull([A], since=datetime(2026, 3, 1, 22, tzinfo=UTC))
    assert world.asked[-1] == ("a", 22, 12)
    world.puller.left.write_text("{")
    world.puller.pull([A])
    assert world.asked[-1] == ("a", 8, 12)
    world.now -= timedelta(days=2)  # a clock that was set back asks for nothing that is to come
    world.puller.pull([A])
    assert world.asked[-1] == ("a", 10, 12)


def test_a_time_to_come_is_refused(world):
    (pulled,) = world.puller.pull([A], since=NOW + timedelta(hours=2))
    assert "no hour is over" in pulled.failure.what and world.asked == []


def test_a_history_that_cannot_be_written_is_no_sources_fault(world):
    def full(batch):
        raise HistoryUnwritable("disk full")

    puller = Puller(
        read=world.read,
        keep=full,
        left=world.puller.left,
        clock=world.puller.clock,
        regions=frozenset(),
        progress=Silent(),
    )
    with pytest.raises(HistoryUnwritable):
        puller.pull([A])
    assert not world.puller.left.exists()


def test_a_source_that_was_changed_begins_anew(world):
    world.puller.pull([A])
    world.now += timedelta(hours=1)
    world.puller.pull([A.model_copy(update={"step_seconds": 60})])
    assert world.asked[-1] == ("a", 9, 13)
    world.puller.pull([A.model_copy(update={"step_seconds": 60})])
    assert world.asked[-1] == ("a", 11, 13)


def test_a_series_of_two_sources_is_told(world):
    first, second = world.puller.pull([A, B])
    assert first.report.notes == ()
    assert second.report.notes == ("a has traffic:fra->ams, too: of the same hour, this reading counts",)


def test_regions_that_the_environment_does_not_have_are_told(world):
    world.subject = "fra->fr"
    (pulled,) = world.puller.pull([A])
    assert pulled.report.notes == ("not among the environment's regions: fr; kept, and not forecast",)


def test_sources_by_name_and_kind():
    sources = Sources(prometheus=(A,), feed=(B,))
    assert [source.name for source in sources.of("prometheus")] == ["a"]
    assert [source.name for source in sources.of("b")] == ["b"] and sources.of("c") == ()
    with pytest.raises(ValueError, match="'a' is listed twice"):
        Sources(prometheus=(A, A))
