"""Whether the documents of a question belong together and are of now: looked at before anything is planned."""

from planner.errors import CapacityTooOld, InputsDisagree
from planner.question import CLOCKS_DIFFER, Question, age_text


def check_inputs(question: Question) -> None:
    """Raises InputsDisagree when the documents do not belong together, CapacityTooOld when capacity is not of now."""
    name = question.environment.name
    documents: tuple[tuple[str, str], ...] = (
        ("forecast", question.forecast.document.environment),
        ("capacity", question.capacity.environment),
        ("ledger", question.ledger.environment),
    )
    for what, of in documents:
        if of != name:
            raise InputsDisagree(f"is of environment {of!r}", where=what, expected=f"environment {name!r}")
    _check_age(question)
    known = {facts.region for facts in question.capacity.regions}
    missing = sorted(region.name for region in question.environment.regions if region.name not in known)
    if missing:
        raise InputsDisagree(
            f"regions {', '.join(missing)} are not in the capacity snapshot",
            where=f"environment {name}",
            expected=f"some of {', '.join(sorted(known))}",
            next_step="add them to the inventory, or take them out of the environment",
        )


def _check_age(question: Question) -> None:
    age = question.age(question.capacity.read_at)
    if -CLOCKS_DIFFER <= age <= question.most_age():
        return
    when = f"{age_text(age)} before this plan" if age > CLOCKS_DIFFER else f"{age_text(-age)} after this plan is made"
    raise CapacityTooOld(
        f"the snapshot was read at {question.capacity.read_at.isoformat(timespec='minutes')}, {when}",
        where="capacity",
        expected=question.allowed_age(),
        next_step=f"prestage capacity --env {question.environment.name} --json > FILE, or plan from what is live: "
        f"prestage plan --env {question.environment.name}",
    )
