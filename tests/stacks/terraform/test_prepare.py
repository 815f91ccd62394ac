"""What is made ready once: providers for all roots that need the same, a backend a root, and when it is done again."""

import json
import sys
from pathlib import Path

import pytest

from contracts.engines import Backend, BackendKind
from stacks.declaration import Declaration, ProviderConfig
from stacks.engines.engine import Job, ProgramInfo
from stacks.engines.launch import lean
from stacks.engines.terraform_engine.backends import BESIDE, StatePlace
from stacks.engines.terraform_engine.command import Commands
from stacks.engines.terraform_engine.prepare import Preparation
from stacks.engines.terraform_engine.program import Program, check_age
from stacks.engines.terraform_engine.render import content_of, render_content
from stacks.engines.terraform_engine.roots import Roots
from stacks.errors import EngineFailed, EngineMissing

# Notes what it was called with and where; makes what an `init` makes.
ENGINE = """
import json, os, pathlib, sys
log = pathlib.Path(os.environ["LOG"])
log.write_text((log.read_text() if log.exists() else "") + json.dumps([pathlib.Path.cwd().name, *sys.argv[1:]]) + "\\n")
if pathlib.Path(os.environ["LOG"] + ".fails").exists():
    sys.exit("Error: Failed to query available provider packages")
data = pathlib.Path(os.environ["TF_DATA_DIR"])
(data / "providers").mkdir(parents=True, exist_ok=True)
pathlib.Path(".terraform.lock.hcl").write_text("locked")
"""
BUCKET = StatePlace(backend=Backend(kind=BackendKind.S3, bucket="b", location="eu-west-1"), environment="dev")
CONFIGS = {name: ProviderConfig(name=name, provider="aws", settings={"region": name}) for name in ("fra", "dub")}


class World:
    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.roots = Roots(folder / "roots")

    def preparation(self, program="tofu 1.11.5") -> Preparation:
        command = (sys.executable, "-c", ENGINE)
        commands = Commands(Program(name="tofu", command=command), {"LOG": str(self.log)})
        return Preparation(self.roots, commands, program)

    def prepare(self, root, *, place=BESIDE, provider="aws", to=None, anew=False):
        """Makes a root ready; what its commands need."""
        items = (Declaration(type="aws_vpc", key=root, root=root, arguments={}, provider=root),)
        estate = (Declaration(type="estate_link", key=root, root=root, arguments={}),)
        job = Job(environment="dev", roots={}, providers=CONFIGS)
        content = content_of(root, items if provider == "aws" else estate, job, place)
        self.roots.write(root, render_content(content))
        return (to or self.preparation()).prepare(content, anew=anew)

    @property
    def inits(self) -> list[str]:
        """Folders that were initialised, in that order."""
        if not self.log.exists():
            return []
        return [json.loads(line)[0] for line in self.log.read_text().splitlines()]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_the_estate_needs_nothing(world):
    assert world.prepare("fra", provider="estate") == lean() and world.inits == []


def test_only_the_estate_alone_collects_seldom(world, monkeypatch):
    for name in ("GOGC", "GOMEMLIMIT", "GOMAXPROCS"):
        monkeypatch.delenv(name, raising=False)
    assert world.prepare("fra", provider="estate").keys() == {"GOGC", "GOMEMLIMIT", "GOMAXPROCS"}
    assert not world.prepare("fra").keys() & lean().keys()  # a cloud's provider would inherit them
    monkeypatch.setenv("GOGC", "50")
    assert "GOGC" not in world.prepare("fra", provider="estate")  # a person has chosen


def test_providers_are_installed_once_for_all_roots(world):
    to = world.preparation()
    fra, dub = world.prepare("fra", to=to), world.prepare("dub", to=to)
    assert fra == dub and Path(fra["TF_DATA_DIR"]).is_dir()
    (folder,) = world.inits
    assert folder.startswith(".providers-") and folder not in world.roots.names()
    assert (world.roots.path("dub") / ".terraform.lock.hcl").read_text() == "locked"
    world.prepare("fra")  # the next command of a person
    assert len(world.inits) == 1


def test_another_program_or_source_of_providers_installs_again(world, monkeypatch):
    world.prepare("fra")
    world.prepare("fra", to=world.preparation("terraform 1.11.4"))
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/elsewhere")
    world.prepare("fra")
    assert len(set(world.inits)) == 3


def test_what_only_seems_ready_is_made_so_again(world):
    world.prepare("fra")
    world.prepare("fra", anew=True)
    assert len(world.inits) == 2


def test_a_backend_is_made_ready_a_root_with_the_same_providers(world):
    for _ in range(2):
        assert world.prepare("fra", place=BUCKET) == world.prepare("dub", place=BUCKET) == {}
    assert world.inits[1:] == ["fra", "dub"]
    shared = {(world.roots.path(root) / ".terraform" / "providers").resolve() for root in ("fra", "dub")}
    assert len(shared) == 1
    elsewhere = StatePlace(backend=BUCKET.backend.model_copy(update={"bucket": "c"}), environment="dev")
    world.prepare("fra", place=elsewhere)
    assert world.inits[3:] == ["fra"]


def test_what_cannot_be_installed_is_told_and_tried_again(world):
    fails = Path(f"{world.log}.fails")
    fails.touch()
    with pytest.raises(EngineMissing, match="Failed to query available provider packages") as failed:
        world.prepare("fra")
    assert "TF_CLI_CONFIG_FILE" in failed.value.next_step
    fails.unlink()
    world.prepare("fra")
    assert len(world.inits) == 2


def test_a_state_that_was_left_in_a_bucket_is_not_forgotten(world):
    """Else everything would be made a second time."""
    left = world.roots.path("fra") / ".terraform" / "terraform.tfstate"
    left.parent.mkdir(parents=True)
    left.touch()
    with pytest.raises(EngineFailed, match="its state was kept in a bucket"):
        world.prepare("fra")


@pytest.mark.parametrize(
    ("version", "remote", "good"),
    [("1.5.7", False, False), ("1.9.0", True, False), ("1.10.0-rc1", True, True), ("1.6.0", False, True)],
)
def test_an_engine_that_is_too_old_is_refused(version, remote, good):
    info = ProgramInfo(name="tofu", version=version)
    if good:
        check_age(info, remote=remote)
    else:
        with pytest.raises(EngineMissing, match=f"tofu {version} is too old"):
            check_age(info, remote=remote)
