"""`prestage render`: what it writes, where, and what it refuses to overwrite."""

import json

import pytest
import yaml

from contracts.exits import ExitCode
from contracts.files import write_document
from prestage.failures import run
from tests.clouds.clouds_world import in_region, mixed_environment
from tests.stacks.render.planned import plan_of

# pulumi_aws warns of classes of its own as it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in two clouds and on premises, with a plan for a region of each."""
    environment = mixed_environment()
    content = {"format": "prestage/environment", "version": 1, **environment.model_dump(mode="json")}
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/mixed.yaml").write_text(yaml.safe_dump(content))
    resources = [item for region in ("fra", "ams") for item in in_region(environment, region)]
    write_document(tmp_path / "plans/mixed.json", plan_of(environment, resources))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_terraform_is_a_folder_a_root(project, capsys):
    assert run(["render", "--engine", "terraform", "--out", "out"]) == ExitCode.CLEAN
    assert set(files(project / "out")) == {
        "README.md",
        "ams/main.tf.json",
        "fra/main.tf.json",
        ".prestage-render.json",
    }
    root = json.loads((project / "out/fra/main.tf.json").read_text())
    assert root["resource"]["aws_vpc"]["fra__network"]["cidr_block"] == "10.16.0.0/16"
    assert "terraform -chdir=fra init" in (project / "out/README.md").read_text()
    assert "fra/main.tf.json" in capsys.readouterr().out


def test_cloudformation_is_a_template_a_region(project, capsys):
    assert run(["render", "--engine", "cloudformation", "--out", "out", "--json", "plans/mixed.json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "fra.json" in said["files"] and said["changed"] is True
    template = json.loads((project / "out/fra.json").read_text())
    assert template["Resources"]["FraNetwork"]["Properties"]["CidrBlock"] == "10.16.0.0/16"
    assert "outside of AWS" in (project / "out/README.md").read_text()


def test_pulumi_is_a_project_a_stack(project, capsys):
    assert run(["render", "--engine", "pulumi", "--out", "out"]) == 0
    program = (project / "out/mixed/__main__.py").read_text()
    compile(program, "__main__.py", "exec")
    assert 'fra_network = aws.ec2.Vpc(\n    "fra/network",\n    cidr_block="10.16.0.0/16",' in program
    assert '"estate:index:Network",\n    "ams/network",' in program
    assert yaml.safe_load((project / "out/mixed/Pulumi.yaml").read_text())["runtime"] == "python"
    assert "pulumi-aws" in (project / "out/mixed/requirements.txt").read_text()


@pytest.mark.parametrize("engine", ["terraform", "pulumi", "cloudformation"])
def test_written_twice_is_the_same_and_says_so(project, capsys, engine):
    command = ["render", "--engine", engine, "--out", "out"]
    assert run(command) == 0
    first = files(project / "out")
    capsys.readouterr()
    assert run(command) == 0
    assert "nothing differs" in capsys.readouterr().out
    assert files(project / "out") == first


def test_what_is_not_ours_is_never_overwritten(project, capsys):
    (project / "out").mkdir()
    (project / "out/notes.txt").write_text("mine")
    assert run(["render", "--engine", "terraform", "--out", "out"]) == ExitCode.ERROR
    assert "notes.txt" in capsys.readouterr().err
    assert files(project / "out") == {"notes.txt": b"mine"}


@pytest.mark.parametrize("name", ["fra/terraform.tfstate", "fra/main.tf.json"], ids=["added", "changed"])
def test_a_state_or_an_edit_in_it_is_kept(project, capsys, name):
    assert run(["render", "--engine", "terraform", "--out", "out"]) == 0
    (project / "out" / name).write_text("{}")
    before = files(project / "out")
    assert run(["render", "--engine", "cloudformation", "--out", "out"]) == ExitCode.ERROR
    assert name in capsys.readouterr().err
    assert files(project / "out") == before


def test_another_engine_takes_the_whole_folder(project):
    assert run(["render", "--engine", "terraform", "--out", "out"]) == 0
    assert run(["render", "--engine", "cloudformation", "--out", "out"]) == 0
    assert not (project / "out/fra").exists()
    assert not [path for path in project.iterdir() if path.name.startswith(".out")]


def test_a_disk_that_is_full_leaves_the_old_folder(project, monkeypatch, capsys):
    assert run(["render", "--engine", "terraform", "--out", "out"]) == 0
    before = files(project / "out")
    full = OSError(28, "No space left on device")
    monkeypatch.setattr("stacks.render.folder.write_tree", lambda *_: (_ for _ in ()).throw(full))
    assert run(["render", "--engine", "cloudformation", "--out", "out"]) == ExitCode.ERROR
    assert files(project / "out") == before
    assert not [path for path in project.iterdir() if path.name.startswith(".out")]


def test_a_swap_that_fails_puts_the_old_folder_back(project, monkeypatch):
    assert run(["render", "--engine", "terraform", "--out", "out"]) == 0
    before = files(project / "out")
    real = type(project).rename

    def rename(self, target):
        if self.name == "new":
            raise OSError(1, "Operation not permitted")
        return real(self, target)

    monkeypatch.setattr(type(project), "rename", rename)
    assert run(["render", "--engine", "cloudformation", "--out", "out"]) == ExitCode.ERROR
    assert files(project / "out") == before


def test_an_altered_plan_is_refused(project, capsys):
    path = project / "plans/mixed.json"
    path.write_text(path.read_text().replace("m6i.large", "m6i.metal", 1))
    assert run(["render", "--engine", "terraform", "--out", "out"]) == ExitCode.REFUSED
    assert not (project / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["render", "--out", "out"],
        ["render", "--engine", "terraform"],
        ["render", "--engine", "ansible", "--out", "out"],
        ["render", "--engine", "terraform", "--out", "out", "--env", "other", "plans/mixed.json"],
    ],
    ids=["no engine", "no folder", "unknown engine", "another environment's plan"],
)
def test_wrong_usage(project, capsys, arguments):
    assert run(arguments) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_a_file_is_no_folder(project, capsys):
    (project / "out").write_text("mine")
    assert run(["render", "--engine", "terraform", "--out", "out"]) == ExitCode.ERROR
    assert "is a file" in capsys.readouterr().err


def test_cloudformation_of_a_plan_without_aws_says_what_else_there_is(project, capsys):
    environment = mixed_environment()
    write_document(project / "plans/ams.json", plan_of(environment, in_region(environment, "ams")))
    assert run(["render", "--engine", "cloudformation", "--out", "out", "plans/ams.json"]) == ExitCode.ERROR
    assert "--engine terraform" in capsys.readouterr().err
