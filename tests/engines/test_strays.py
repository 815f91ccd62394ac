"""What a plan destroys and no state knows is destroyed by the real engines: foreign resources, and orphans."""

import gc

import pytest

from contracts.engines import Layout
from contracts.plan import Operation
from contracts.ports import Silent
from stacks.apply import apply_plan, incomplete, make_order, preview_plan
from stacks.engines.engine import Action
from stacks.journal import Journal
from stacks.strays import STRAYS_ROOT
from tests.engines import pulumi_project, terraform_project
from tests.stacks.apply.test_apply import NOW, change, plan
from tests.stacks.every_kind import compute, every_kind

pytestmark = [
    pytest.mark.engine,
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),  # Pulumi's, see test_pulumi.py
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]
MISSING = {"terraform": terraform_project.tofu_missing, "pulumi": pulumi_project.pulumi_missing}
FOREIGN = compute("fra/compute/staged/m8/0009", 1)
ORPHAN = "fra/alert/vcpu"


@pytest.fixture(params=["terraform", "pulumi environment", "pulumi region"])
def project(request, tmp_path):
    engine, _, layout = request.param.partition(" ")
    made: terraform_project.TerraformProject | pulumi_project.PulumiProject
    if why := MISSING[engine]():
        pytest.skip(why)
    if engine == "terraform":
        made = terraform_project.make_project(tmp_path)
    else:
        made = pulumi_project.make_project(tmp_path, layout=Layout(layout))
    yield made
    made.inventory.close()
    gc.collect()


def test_they_go_and_nothing_else_does(project, tmp_path):
    """One resource from outside, under another owner and in no network; one whose state was lost."""
    known = [item for item in every_kind() if item.key != ORPHAN]
    project.engine.apply(project.job(known), Silent())
    seqs = project.seqs()
    arguments = {"environment": "dev", "owner": "somebody", "region": "fra"}
    project.inventory.create(
        "dev",
        "estate_compute",
        FOREIGN.key,
        {**arguments, "key": FOREIGN.key, "shape": "m8", "instances": 1, "purchase": "on_demand"},
    )
    project.inventory.create(
        "dev", "estate_alert", ORPHAN, {**arguments, "key": ORPHAN, "metric": "vcpu", "threshold": 0.85}
    )
    orphan = next(item for item in every_kind() if item.key == ORPHAN)
    wanted = plan(*known, changes=[change(Operation.DELETE, FOREIGN), change(Operation.DELETE, orphan)])
    order = make_order(wanted, project.environment, resume="again", live=project.live().keys())

    shown = {root.root: dict(root.actions) for root in preview_plan(order, project.engine, Silent()).roots}
    assert {root: actions for root, actions in shown.items() if actions} == {
        STRAYS_ROOT: {FOREIGN.key: Action.DELETE, ORPHAN: Action.DELETE}
    }
    journal = Journal(tmp_path / "journal.db")
    report = apply_plan(order, project.engine, journal, lambda: NOW, Silent())
    assert incomplete(report, resume="again") is None
    assert {root.root: root.deleted for root in report.roots if root.deleted} == {STRAYS_ROOT: 2}
    assert project.seqs() == seqs
    assert set(project.engine.applied()) == set(seqs)
    (run,) = journal.runs()
    assert {root.root: root.deleted for root in run.roots if root.deleted} == {STRAYS_ROOT: 2}
