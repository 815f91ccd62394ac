"""The pull-request comment, golden; its length; what it escapes. Remake: `python -m tests.policies.test_render`."""

from pathlib import Path

from contracts.capacity import CapacityKind
from contracts.plan import Operation
from contracts.resources import ComputeSpec, Purpose
from contracts.risk import DemandCase, Exposure, Risk, ShortAt
from policies.markdown import LIMIT
from policies.render import as_markdown, as_text
from tests.policies.sample import NOW, Scene, create, exemption, resource, update
from tests.policies.test_review import WORST

GOLDEN = Path(__file__).parents[1] / "golden"
GROWN = update(
    resource("fra/compute/serving/m8", ComputeSpec(shape="m8", count=7)),
    resource("fra/compute/serving/m8", ComputeSpec(shape="m8", count=10)),
)
SCENES = {
    "review_passes": Scene().but(changes=(GROWN, *Scene().changes[1:])),
    "review_denied": WORST,
    "review_clean": Scene().but(changes=()),
}


def rendered() -> dict[str, str]:
    texts = {f"{name}.md": as_markdown(scene.review(), scene.plan()) for name, scene in SCENES.items()}
    return texts | {f"{name}.txt": as_text(scene.review(), scene.plan()) + "\n" for name, scene in SCENES.items()}


def test_reviews_read_as_agreed():
    for name, text in rendered().items():
        assert text == (GOLDEN / name).read_text(), name


def many(count: int) -> Scene:
    regions = (f"r{number % 60:02}" for number in range(count))
    made = tuple(
        resource(f"{region}/compute/staged/m8/{number:04}", ComputeSpec(shape="m8", count=1), Purpose.STAGED)
        for number, region in enumerate(regions)
    )
    return Scene().but(changes=tuple(create(item) for item in made))


def test_a_long_comment_is_cut_to_what_forges_take_and_counts_what_it_leaves_out():
    for count in (300, 3_000, 30_000):
        scene = many(count)
        text = as_markdown(scene.review(), scene.plan())
        assert len(text) <= LIMIT
        assert f"**{count} create**" in text
        assert text.rstrip().endswith("</sub>")
    assert "more: " in text and "the plan file has all" in text


def test_a_short_comment_leaves_nothing_out():
    scene = many(120)
    text = as_markdown(scene.review(), scene.plan())
    assert all(f"`{change.key}`" in text for change in scene.changes)
    assert "more" not in text


def test_findings_that_deny_are_shown_when_much_is_left_out():
    scene = many(3_000).with_rules(budget_usd_per_hour=1)
    assert "**denies** | `budget`" in as_markdown(scene.review(), scene.plan())


def test_words_of_people_cannot_break_the_table():
    evil = exemption("budget", days=-1).model_copy(update={"reason": "a|b\n<script>"})
    scene = Scene().but(exemptions=(evil,))
    line = next(line for line in as_markdown(scene.review(), scene.plan()).splitlines() if "expired" in line)
    assert "(a\\|b &lt;script>)" in line


def exposed(count: int) -> Risk:
    """So many places that are likely short, the last of them hardly ever."""
    places = tuple(
        Exposure(
            place=f"r{number:04}",
            kind=CapacityKind.VCPU,
            available=80,
            short=0.25 if number + 1 < count else 0.001,
            at=NOW,
            expected_units=1.5,
            expected_usd_per_hour=0.9,
            next_unit_usd_per_hour=0.11,
        )
        for number in range(count)
    )
    short = tuple(ShortAt(place=item.place, kind=item.kind, units=12.5, hours=3) for item in places[:10])
    worst = DemandCase(level=0.99, shortage_usd_per_hour=7.5, usd_per_hour=31.25, places=count, short=short)
    return Risk(hours=24, expected_usd_per_hour=0.9 * count, cases=(worst,), exposures=places)


def test_a_comment_says_what_a_wrong_forecast_would_cost():
    text = as_markdown(Scene().review(), Scene().plan().model_copy(update={"risk": exposed(12)}))
    assert "Shortages cost 10.8000 USD/h, expected over 24 hours." in text
    named = "12.5 vcpu in r0000, 12.5 vcpu in r0001, 12.5 vcpu in r0002 and 9 more"
    assert f"| 99% | 31.25 | 7.50 | {named} |" in text
    assert "<summary>11 places may be short</summary>" in text  # one is short in one of a thousand days
    assert "| r0010 vcpu | 80 | 25.0% at 21 Nov 09:00 | 1.5 | 0.9000 | +0.1100 |" in text
    assert "If the forecast is wrong" not in as_markdown(Scene().review(), Scene().plan())


def test_however_much_may_be_short_the_comment_is_not_too_long():
    text = as_markdown(Scene().review(), Scene().plan().model_copy(update={"risk": exposed(5_000)}))
    assert len(text) <= LIMIT and "more: the plan file has all" in text


def test_every_operation_has_its_sign():
    text = as_markdown(WORST.review(), WORST.plan())
    assert "| `+` |" in text and "| `-` |" in text
    assert len(Operation) == 5


if __name__ == "__main__":
    for file, text in rendered().items():
        (GOLDEN / file).write_text(text)
