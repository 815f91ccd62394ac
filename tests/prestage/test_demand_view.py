"""What a forecast recommends, as people see it."""

from datetime import UTC, datetime

from contracts.asked import AskedMeasure, AskedQuantiles
from contracts.capacity import CapacityKind
from contracts.events import ExpectedEvent
from contracts.forecast import BlockOutlook, DemandBasis, Evidence, Forecast, RequestProfile, ResourceDemand
from prestage.views.demand import outlook_lines

AT = datetime(2026, 3, 1, tzinfo=UTC)


def forecast(**fields) -> Forecast:
    given = {"environment": "dev", "origin": AT, "made_at": AT, "seconds": 1.0, "series": (), "history_digest": "x"}
    return Forecast(**given, values_file="dev.parquet", values_digest="x", **fields)


def test_nothing_is_told_where_there_is_nothing():
    assert outlook_lines(forecast()) == []


def test_regions_events_and_badly_used_blocks_are_told():
    demand = [
        ResourceDemand(
            place=place,
            kind=CapacityKind.VCPU,
            basis=DemandBasis.MEASURED,
            hours=24,
            peak=(1.0,) * 15,
            level=0.9,
            recommended=recommended,
            at=AT,
            why="measured",
        )
        for place, recommended in (("fra", 412.0), ("fra->ams", 77.0))
    ]
    event = ExpectedEvent(id="f", name="Final", kind="sports", start=AT, end=AT, series=3, factor=1.4, learned_from=5)
    told = [event, *(event.model_copy(update={"factor": each, "learned_from": 0}) for each in (2.0, 1.0))]
    fields = {"hours": 24, "capacity_gbps": 1.0, "peak_gbps": 0.5, "under_share": 0.1, "over_share": 0.9}
    blocks = (
        BlockOutlook(block="10.0.0.0/28", under=0.0, over=0.75, **fields),
        BlockOutlook(block="10.0.1.0/28", under=0.2, over=0.1, **fields),
    )
    text = "\n".join(outlook_lines(forecast(demand=tuple(demand), events=tuple(told), blocks=blocks)))
    assert "412" in text and "77" not in text.replace("77%", "")
    assert "+40%" in text and "5 past ones" in text
    assert "what was stated" in text and "nothing: only wider" in text
    assert "10.0.0.0/28" in text and "75%" in text and "10.0.1.0/28" not in text


def test_what_requests_ask_for_is_told_of_pairs_that_ask_most():
    """The median and the 0.9 quantile of each measure; nothing of a profile that has no distributions."""
    vcpu = AskedQuantiles(measure=AskedMeasure.VCPU, quantiles=(*[4.0] * 9, *[64.0] * 6), own=0.5)
    sizes = {"vcpu": 8, "memory_gib": 0, "storage_gib": 0, "gbps": 0, "addresses": 0, "duration_hours": 2}
    busy = RequestProfile(
        source="fra", destination="ams", requests_seen=9, asked=(vcpu,), evidence=Evidence.THIN, **sizes
    )
    bare = RequestProfile(source="ams", destination="fra", requests_seen=99, **sizes)
    text = "\n".join(outlook_lines(forecast(request_profiles=(bare, busy))))
    assert "fra->ams" in text and "4, 64" in text and "thin" in text and "ams->fra" not in text
