"""Between the states of panels and the document that they are kept in (pure)."""

from contracts.document import bytes_digest
from contracts.forecast_state import ForecastState, KeptFamily, KeptPanel, StateBundle
from contracts.series import Granularity
from forecaster.state import FamilyState, PanelState


def state_bundle(environment: str, code: str, panels: tuple[PanelState, ...]) -> StateBundle:
    """One document and one row of bytes of all panels. The same fits give the same bytes.

    Args:
        environment: its name.
        code: a digest of the code that fitted.
        panels: hourly and daily ones.
    """
    payload = bytearray()

    def span(kept: bytes) -> tuple[int, int]:
        begins = len(payload)
        payload.extend(kept)
        return (begins, len(payload)) if kept else (0, 0)

    described = tuple(
        KeptPanel(
            granularity=panel.granularity,
            counts=panel.counts,
            steps=panel.steps,
            settings=panel.settings,
            series=panel.series,
            before_until=panel.before_until,
            until=panel.until,
            known=panel.known,
            families=tuple(
                KeptFamily(
                    name=one.name, settings=one.settings, before=span(one.before), end=span(one.end), loss=one.loss
                )
                for one in panel.families
            ),
        )
        for panel in panels
    )
    fits = bytes(payload)
    document = ForecastState(
        environment=environment,
        code=code,
        panels=described,
        fits_digest=bytes_digest(fits),
    )
    return StateBundle(document, fits)


def usable_states(bundle: StateBundle | None, code: str) -> dict[tuple[Granularity, bool], PanelState]:
    """By granularity and whether they are counts; none where there is no state, or other code made it."""
    if bundle is None or bundle.document.code != code:
        return {}
    return {(panel.granularity, panel.counts): panel for panel in panel_states(bundle)}


def panel_states(bundle: StateBundle) -> tuple[PanelState, ...]:
    """What `state_bundle` was given."""
    return tuple(
        PanelState(
            granularity=panel.granularity,
            counts=panel.counts,
            steps=panel.steps,
            settings=panel.settings,
            series=panel.series,
            before_until=panel.before_until,
            until=panel.until,
            known=panel.known,
            families=tuple(
                FamilyState(
                    name=one.name,
                    settings=one.settings,
                    before=bundle.fits[slice(*one.before)],
                    end=bundle.fits[slice(*one.end)],
                    loss=one.loss,
                )
                for one in panel.families
            ),
        )
        for panel in bundle.document.panels
    )
