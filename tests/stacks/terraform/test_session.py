"""What a session asks of the engine and makes of its answers, with a program that answers as it is told."""

import json
import sys
from pathlib import Path

import pytest

from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.declaration import Declaration, ProviderConfig
from stacks.engines.engine import Job
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.engines.terraform_engine.program import Program
from stacks.errors import ApplyBusy, EngineMissing

# Answers by root and command: a list of [exit code, lines], of which each call takes the first that is left.
ENGINE = """
import json, os, pathlib, sys
root, words = pathlib.Path.cwd().name, sys.argv[2:]
told = pathlib.Path(sys.argv[1]) / f"{root}.json"
if words[0] == "version":
    print('{"terraform_version": "1.11.5"}')
    sys.exit()
if words[0] == "init":
    pathlib.Path(os.environ["TF_DATA_DIR"]).mkdir(parents=True, exist_ok=True)
    pathlib.Path(".terraform.lock.hcl").write_text("")
with open(told.with_name("calls"), "a") as calls:
    calls.write(json.dumps([root.partition("-")[0], *words]) + "\\n")
script = json.loads(told.read_text()) if told.exists() else {}
left = script.get(words[0] + (" refresh" if "-refresh-only" in words else ""), [])
code, lines = left.pop(0) if left else (0, [])
told.write_text(json.dumps(script))
print("\\n".join(json.dumps(line) for line in lines))
sys.exit(code)
"""
KEY, ADDRESS = "fra/network", "aws_vpc.fra__network"


def planned(action="update", address=ADDRESS):
    return {"type": "planned_change", "change": {"action": action, "resource": {"addr": address}}}


def done(action="update", address=ADDRESS):
    return {"type": "apply_complete", "hook": {"action": action, "resource": {"addr": address}}}


def error(summary, detail="", address=""):
    diagnostic = {"severity": "error", "summary": summary, "detail": detail, "address": address}
    return {"type": "diagnostic", "diagnostic": diagnostic}


class World:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def apply(self, script, *, provider="aws", roots=("fra",)):
        """How the roots end when the program answers by this script."""
        for root in roots:
            theirs = {name.removeprefix(f"{root} "): said for name, said in script.items() if name.startswith(root)}
            (self._folder / f"{root}.json").write_text(json.dumps(theirs))
        program = Program(name="tofu", command=(sys.executable, "-c", ENGINE, str(self._folder)))
        engine = TerraformEngine(self._folder / "roots", self._folder / "estate.db", program)
        items = {root: (_item(root, provider),) for root in roots}
        configs = {root: ProviderConfig(name=root, provider=provider) for root in roots}
        return engine.apply(Job(environment="dev", roots=items, providers=configs), Silent())

    def calls(self, root="fra"):
        """The commands that were run in a root, options left out but for those that matter."""
        lines = [json.loads(line) for line in (self._folder / "calls").read_text().splitlines()]
        return [" ".join(words) for where, *words in lines if where == root]

    def commands(self, root="fra"):
        return [words.split()[0] + (" refresh" if "-refresh-only" in words else "") for words in self.calls(root)]


def _item(root, provider):
    type = {"aws": "aws_vpc", "google": "google_compute_network"}[provider]
    return Declaration(type=type, key=f"{root}/network", root=root, arguments={}, provider=root)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.mark.parametrize("ended", [(0, done()), (1, error("creating: no room", address=ADDRESS))])
def test_what_a_cloud_made_of_it_is_read_back_also_after_a_failure(world, ended):
    """A failed update leaves the wish in the state: the next plan would take it for drift."""
    code, line = ended
    (outcome,) = world.apply({"fra plan": [[0, [planned()]]], "fra apply": [[code, [line]]]})
    assert world.commands() == ["plan", "apply", "apply refresh"]
    assert outcome.status is (RunStatus.FAILED if code else RunStatus.DONE)


@pytest.mark.parametrize("lines", [[], [planned("delete")]])
def test_nothing_is_read_back_where_nothing_was_made(world, lines):
    world.apply({"fra plan": [[0, lines]], "fra apply": [[0, [done("delete")]]]})
    assert "apply refresh" not in world.commands()


def test_a_quota_that_is_reached_in_the_middle_says_what_is_done_and_what_to_do(world):
    other = "aws_eip.fra__address"
    script = {
        "fra plan": [[0, [planned("create"), planned("create", other)]]],
        "fra apply": [[1, [done("create"), error("creating EIP: api error AddressLimitExceeded: max", "", other)]]],
        "dub plan": [[0, [planned("create", "aws_vpc.dub__network")]]],
        "dub apply": [[0, [done("create", "aws_vpc.dub__network")]]],
    }
    fra, dub = world.apply(script, roots=("fra", "dub"))
    assert (fra.status, fra.created) == (RunStatus.FAILED, 1)
    assert fra.message.startswith("fra/address: creating EIP: api error AddressLimitExceeded: max; next: ask for a")
    assert (dub.status, dub.created) == (RunStatus.DONE, 1)


LOCKED = error("Error acquiring the state lock", "Lock Info:\n  ID:  0b5e\n  Who:  ann@host\n")


def test_a_lock_is_an_error_unless_something_was_done(world):
    with pytest.raises(ApplyBusy, match=r"locked by ann@host \(lock 0b5e\)"):
        world.apply({"fra plan": [[1, [LOCKED]]]}, roots=("fra", "dub"))
    script = {"fra plan": [[1, [LOCKED]]], "dub plan": [[0, [planned("create")]]], "dub apply": [[0, [done("create")]]]}
    fra, dub = world.apply(script, roots=("fra", "dub"))
    assert fra.status is RunStatus.FAILED and "Who:  ann@host" in fra.message
    assert dub.status is RunStatus.DONE


def test_what_only_seemed_ready_is_made_so_once(world):
    gone = error("Required plugins are not installed")
    (outcome,) = world.apply({"fra plan": [[1, [gone]], [0, [planned()]]], "fra apply": [[0, [done()]]]})
    assert outcome.status is RunStatus.DONE
    assert world.commands() == ["plan", "plan", "apply", "apply refresh"]
    assert world.commands(".providers") == ["init", "init"]
    with pytest.raises(EngineMissing, match="Required plugins are not installed"):
        world.apply({"fra plan": [[1, [gone]], [1, [gone]]]})


def test_a_cloud_is_asked_for_no_more_at_a_time_than_it_bears(world):
    script = {"fra plan": [[0, [planned()]]], "fra apply": [[0, [done()]]]}
    world.apply(script, provider="google")
    assert all("-parallelism=5" in words for words in world.calls())
    world.apply(script)
    assert not any("-parallelism" in words for words in world.calls()[-3:])
