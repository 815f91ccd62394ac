"""Reviews: a plan against the policies and what is there now; the verdict is a file beside the plan."""

from pathlib import Path

from contracts.files import write_document
from contracts.plan import Plan
from contracts.review import Review
from coordinator.plan_file import read_plan
from coordinator.project import Project
from coordinator.reading import RECENT
from policies.case import Facts
from policies.review import review_plan


def make_review(project: Project, plan_path: Path) -> Review:
    """Reviews a plan file and writes `<plan>.review.json` beside it, denied or not.

    Raises:
        AlteredDocument: the plan is not what was sealed.
        NewerDocument: it was written by a later version.
    """
    review = review_now(project, read_plan(plan_path))
    write_document(project.paths.review_of(plan_path), review)
    return review


def review_now(project: Project, plan: Plan) -> Review:
    """The verdict as of now; nothing is written."""
    capacity = project.estate(young=RECENT)
    facts = Facts(
        environment=project.environment,
        regions=capacity.regions,
        pools=capacity.pools,
        ledger=project.ledger.view(),
        catalog=project.catalog,
    )
    return review_plan(plan, facts, project.bundle, now=project.clock())
