"""Sparse counts: the level of each pair times one weekly shape of all pairs.

A pair asks too rarely to show its own week, so the shape is pooled; its level is a mean of the recent past, drawn
towards the mean of all pairs as if `prior_steps` of that had been seen (empirical Bayes, gamma prior).
"""

from dataclasses import dataclass

import numpy as np

from forecaster.models.model import Says
from forecaster.panel import Matrix, Panel, Steps

PRIOR_REQUESTS = 5.0  # of each hour of the day and day of the week: fewer say little about its share


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRate:
    """A rate for every pair and step.

    Attributes:
        shaped: with the pooled week; else the same rate at every step.
        weeks: how far back levels look.
        prior_days: weight of the mean of all pairs.
    """

    shaped: bool
    weeks: int = 4
    prior_days: float = 2.0

    @property
    def name(self) -> str:
        return "seasonal_rate" if self.shaped else "flat_rate"

    @property
    def says(self) -> Says:
        return Says.MEAN

    def suits(self, panel: Panel) -> bool:
        return panel.steps >= 2 * panel.week or not self.shaped

    def fit(self, panel: Panel, steps: int) -> "RequestRate":
        """Nothing to learn ahead: rates are means."""
        return self

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        recent = panel.observed[:, -self.weeks * panel.week :]
        known = np.isfinite(recent)
        prior, count = self.prior_days * panel.day, known.sum(axis=1)
        total = np.where(known, recent, 0.0).sum(axis=1)
        level = (total + prior * total.sum() / max(1, count.sum())) / (count + prior)
        shape = self._shape(panel) if self.shaped else np.ones(panel.week)
        rate = level[:, None] * shape[panel.phase(panel.steps + ahead - 1)][None, :]
        return np.asarray(rate[..., None])

    def _shape(self, panel: Panel) -> Matrix:
        """The share of each step of the week, mean 1: hour of the day times day of the week."""
        phase = panel.phase(np.arange(panel.steps))
        total = np.nan_to_num(panel.observed).sum(axis=0)
        hours = _profile(total, phase % panel.day, panel.day)
        days = _profile(total, phase // panel.day, 7)
        shape: Matrix = (days[:, None] * hours[None, :]).reshape(-1)
        return shape


def _profile(total: Matrix, label: np.ndarray[tuple[int], np.dtype[np.int64]], labels: int) -> Matrix:
    """Mean of each label over the mean of all, as if `PRIOR_REQUESTS` more had been seen, spread evenly."""
    sums = np.bincount(label, weights=total, minlength=labels)
    even = np.bincount(label, minlength=labels) * total.mean()
    profile: Matrix = (sums + PRIOR_REQUESTS) / (even + PRIOR_REQUESTS)
    return profile
