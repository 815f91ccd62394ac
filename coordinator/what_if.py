"""`ask`: the plan as it would be under changed circumstances, beside the plan as it is. Nothing is written."""

from pathlib import Path

from contracts.plan import Infeasible, Plan
from contracts.what_if import WhatIf, WhatIfAnswer
from coordinator.plan import read_question
from coordinator.project import Project
from coordinator.solver_ladder import solve_fleet_by_ladder, solve_fleet_quickly
from coordinator.solver_process import solve_in_child
from planner.budget import budget_answer
from planner.build import build_plan
from planner.clash import explained, remembered
from planner.compare import compare
from planner.loss import unserved
from planner.question import Question
from planner.trials import Attempt, answered
from planner.what_if import changed, remarks


def ask(project: Project, what_if: WhatIf, saved: Path | None = None) -> WhatIfAnswer:
    """The answer to a what-if of the environment as it is now, or as a saved capacity snapshot has it.

    Raises:
        WhatIfRefused: it names what is not there.
        UnknownName, DocumentError, CapacityTooOld, ApplyBusy, CloudError: as `make_plan`.
    """
    with project.patient_lock("prestage plan --what-if"):
        question, _ = read_question(project, saved)
    solve = remembered(solve_in_child)
    return answer(
        question,
        what_if,
        answered(lambda asked: build_plan(asked, solve, solve_fleet_by_ladder)),
        lambda asked: build_plan(asked, solve, solve_fleet_quickly),
    )


def answer(question: Question, what_if: WhatIf, attempt: Attempt, trial: Attempt | None = None) -> WhatIfAnswer:
    """The answer to a what-if of any question; `attempt` plans, `trial` at any cost and in less time."""
    before = attempt(question)
    if isinstance(before, Plan):
        standing = tuple(item.resource for item in before.resources)
    else:  # no plan says who carries what: what is live does
        standing = tuple(question.live().values())
    asked = changed(question, what_if, standing)
    after = attempt(asked)
    budget = what_if.budget_usd_per_hour
    return WhatIfAnswer(
        environment=question.environment.name,
        asked=what_if,
        comparison=compare(before, after) if isinstance(before, Plan) and isinstance(after, Plan) else None,
        infeasible=explained(asked, after, attempt, trial) if isinstance(after, Infeasible) else None,
        feasible_before=isinstance(before, Plan),
        unserved=tuple(unserved(question, what_if.lost, standing)) if what_if.lost else (),
        budget=budget_answer(asked, after, budget, attempt) if budget and isinstance(after, Plan) else None,
        notes=tuple(remarks(question, what_if)),
    )
