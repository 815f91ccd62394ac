"""A question's documents, as the checker of plans reads them."""

from planner.question import Question
from tests.planner.plan_facts import Asked


def asked_of(world: Question) -> Asked:
    return Asked(
        environment=world.environment,
        forecast=world.forecast,
        capacity=world.capacity,
        catalog=world.catalog,
        earlier=world.earlier,
        ledger=world.ledger,
    )
