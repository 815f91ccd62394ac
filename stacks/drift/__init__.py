"""Drift: what was applied last, what is live and what is wanted, compared three ways. Pure; never writes.

Where it stands: `coordinator.drift` gathers the views (on premises: the engine's state, the inventory and the reviewed
plan; in clouds: what the engine observed through its providers, and what carries our tags) and the ledger, and calls
`compare`. One form for all: `compare` decides about whole resources, `attributes` about one attribute of one,
`transitions` knows what providers finish by themselves.
"""

from stacks.drift.compare import Tagged, ThreeViews, compare

__all__ = ["Tagged", "ThreeViews", "compare"]
