"""Errors of the policies room.

    PrestageError
    └── PolicyError          the policies cannot be used (exit 1)
        └── UnknownRule      a level or an exemption names a rule that there is not

What rules find is never an error: findings are values (`contracts.review.Finding`).
"""

from contracts.errors import PrestageError


class PolicyError(PrestageError):
    """The policies cannot be used."""


class UnknownRule(PolicyError):
    """A level or an exemption names a rule that there is not."""
