"""`prestage forecast show`: a line a series, and fan charts of them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from contracts.exits import ExitCode
from contracts.series import LEVELS
from prestage import plots
from prestage.charts import BLOCKS, ChartFormat, Fan, Promise, format_of, sparkline
from prestage.failures import run
from prestage.plots import draw_fans


def fan(**fields):
    steps = 30
    spread = np.linspace(0.5, 2.0, len(LEVELS))[None]
    middle = 100 + 50 * np.sin(np.arange(steps) / 4)[:, None]
    given = {
        "title": "traffic:fra->ams <b>",
        "unit": "gbps",
        "begins": datetime(2026, 3, 1, tzinfo=UTC),
        "step": timedelta(hours=1),
        "quantiles": middle * spread,
        "past": np.r_[np.full(3, np.nan), np.full(21, 90.0)],
        "came": np.array([100.0, np.nan, 120.0]),
    }
    return Fan(**{**given, **fields})


@pytest.mark.parametrize(("form", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("html", b"<!doctype html>")])
def test_a_chart_is_the_same_bytes_each_time(form, begins):
    drawn = [draw_fans((fan(),), ChartFormat(form), Promise(levels=LEVELS, below=LEVELS)) for _ in range(2)]
    assert drawn[0] == drawn[1] and drawn[0].startswith(begins)
    if form != "png":
        text = drawn[0].decode()
        assert "traffic:fra-&gt;ams &lt;b&gt;" in text and "0.01 to 0.99" in text and "actual" in text


@pytest.mark.parametrize(
    "odd",
    [
        {"past": np.full(5, np.nan), "came": np.array([])},
        {"quantiles": np.zeros((30, 15)), "past": np.zeros(4), "came": np.zeros(0)},
        {"quantiles": np.full((1, 15), 1e15)},
    ],
    ids=["nothing known", "zeros", "one huge step"],
)
def test_odd_series_are_drawn(odd):
    assert draw_fans((fan(**odd),), ChartFormat.PNG).startswith(b"\x89PNG")


def test_without_the_library_its_extra_is_named(monkeypatch):
    monkeypatch.setattr(plots, "can_draw", lambda: False)
    with pytest.raises(plots.PlotsMissing) as told:
        draw_fans((fan(),), ChartFormat.SVG)
    assert "prestage[plots]" in told.value.next_step


@pytest.mark.parametrize(("name", "form"), [("a.svg", "svg"), ("b.PNG", "png"), ("c.d.html", "html")])
def test_the_ending_says_the_format(name, form):
    assert format_of(name) is ChartFormat(form)


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([5, 5, 5], "▁▁▁"),
        ([0, 1, 2, 3, 4, 5, 6, 7], BLOCKS),
        (np.repeat([0.0, 10.0], 84), "▁" * 14 + "█" * 14),
        ([np.inf, 1.0], "▁▁"),
    ],
    ids=["none", "constant", "rising", "long", "infinite"],
)
def test_sparklines(values, drawn):
    assert sparkline(values) == drawn


@pytest.fixture
def forecast(project, capsys):
    """A project with a day and a half of traffic and a forecast of it, by the cheapest model."""
    hours = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=at) for at in range(36)]
    rows = [f"{hour:%Y-%m-%dT%H:%M:%SZ},fra,ams,{5 + at % 24}" for at, hour in enumerate(hours)]
    (project / "traffic.csv").write_text("\n".join(["time,source,destination,value", *rows, ""]))
    assert run(["history", "import", "traffic.csv", "--table", "traffic", "--unit", "gbps"]) == 0
    assert run(["forecast", "--origin", "2026-03-02T06:00:00", "--model", "seasonal_naive_24"]) == 0
    capsys.readouterr()
    return project


def test_series_are_shown_and_drawn(forecast, capsys):
    assert run(["forecast", "show"]) == 0
    whole = capsys.readouterr().out
    assert "traffic:fra->ams" in whole and BLOCKS[0] in whole and "h ahead" in whole
    assert run(["forecast", "show", "--series", "traffic:*", "--plot", "fan.svg"]) == 0
    said = capsys.readouterr()
    assert "traffic:fra->ams" in said.out and "region_traffic" not in said.out
    assert "1 of 1 series drawn: fan.svg" in said.err
    text = (forecast / "fan.svg").read_text()
    assert "traffic:fra-&gt;ams" in text and "actual" in text  # six hours have come since the origin


def test_daily_series_are_shown_and_drawn_as_days_of_hours(forecast, capsys, monkeypatch):
    drawn: list[tuple[Fan, ...]] = []

    def draw(fans: tuple[Fan, ...], _form: ChartFormat) -> bytes:
        drawn.append(fans)
        return b"fans"

    monkeypatch.setattr("prestage.forecast_plot.draw_fans", draw)
    assert run(["forecast", "show", "--daily", "--series", "traffic:*", "--plot", "days.svg"]) == 0
    said = capsys.readouterr()
    assert "traffic:fra->ams" in said.out and "days ahead" in said.out and "h ahead" not in said.out
    ((fan,),) = drawn
    assert fan.step == timedelta(days=1) and fan.past[-1] == pytest.approx(16.5) and np.isnan(fan.past[:-1]).all()
    assert not len(fan.came)  # six hours are no day yet


UNHAPPY = [
    (["--series", "traffic:fra->amx"], ExitCode.ERROR, "did you mean 'traffic:fra->ams'?"),
    (["--plot", "fan.pdf"], ExitCode.USAGE, "expected: .png, .svg, .html"),
    (["--plot", "fan"], ExitCode.USAGE, "has no ending"),
]


def test_what_cannot_be_shown_is_said(forecast, capsys):
    for arguments, code, message in UNHAPPY:
        assert run(["forecast", "show", *arguments]) == code
        said = capsys.readouterr()
        assert said.out == "" and message in said.err
    assert not list(forecast.glob("fan*"))
