"""Where engines are looked for, and how the missing ones are built. A script stands in for Go."""

import threading

import pytest

from tools import engines
from tools.engines import RECIPES, EngineBuildError, ensure_engine, find_engine

GO = """#!/bin/sh
if [ "$1" = list ]; then echo "{sdk}"; exit 0; fi
if [ "$1" = env ]; then printf "plan9\nriscv64\n"; exit 0; fi
if [ -e "{broken}" ]; then echo "package of trouble" >&2; exit 1; fi
while [ "$1" != -o ]; do shift; done
for last; do :; done
sleep 0.2
echo built > "$2/$(basename "$last")"
echo build >> "{log}"
"""


class Machine:
    """A folder of programs that is all of PATH, and a cache of its own."""

    def __init__(self, folder):
        self.programs, self.sdk, self.log, self.broken = (folder / name for name in ("bin", "sdk", "log", "broken"))
        self.cache = folder / "cache" / "prestage" / "engines"
        self.environ = {"PATH": f"{self.programs}:/usr/bin:/bin", "XDG_CACHE_HOME": str(folder / "cache")}
        self.programs.mkdir()

    def install(self, name, content="#!/bin/sh\n", folder=None):
        program = (folder or self.programs) / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(content)
        program.chmod(0o755)
        return program

    def install_go(self):
        self.install("pulumi-language-python-exec", "exec", folder=self.sdk / "python" / "cmd")
        self.install("go", GO.format(sdk=self.sdk, log=self.log, broken=self.broken))


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = Machine(tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def without_go(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")


def test_path_comes_before_the_cache(machine):
    assert find_engine("tofu", machine.environ) is None
    built = machine.install("tofu", folder=machine.cache / f"tofu-{RECIPES['tofu'].version}")
    assert find_engine("tofu", machine.environ) == built
    on_path = machine.install("tofu")
    assert find_engine("tofu", machine.environ) == on_path


def test_another_version_in_the_cache_does_not_count(machine):
    machine.install("tofu", folder=machine.cache / "tofu-0.0.1")
    assert find_engine("tofu", machine.environ) is None


def test_a_pulumi_without_a_language_host_does_not_count(machine):
    on_path = machine.install("pulumi")
    assert find_engine("pulumi", machine.environ) is None
    machine.install("pulumi-language-python")
    assert find_engine("pulumi", machine.environ) == on_path


def test_a_language_host_beside_a_linked_pulumi_counts(machine, tmp_path):
    real = machine.install("pulumi", folder=tmp_path / "opt")
    machine.install("pulumi-language-python", folder=tmp_path / "opt")
    (machine.programs / "pulumi").symlink_to(real)
    assert find_engine("pulumi", machine.environ) == machine.programs / "pulumi"


def test_the_cache_is_in_the_home_folder_by_default(tmp_path):
    assert engines.engines_dir({"HOME": str(tmp_path)}) == tmp_path / ".cache" / "prestage" / "engines"


def test_a_missing_engine_is_built_once(machine):
    machine.install_go()
    built = ensure_engine("tofu")
    assert built == machine.cache / f"tofu-{RECIPES['tofu'].version}" / "tofu"
    assert ensure_engine("tofu") == built
    assert machine.log.read_text().splitlines() == ["build"]


def test_two_at_once_build_once(machine):
    machine.install_go()
    started = [threading.Thread(target=ensure_engine, args=("tofu",)) for _ in range(2)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert machine.log.read_text().splitlines() == ["build"]


def test_pulumi_is_built_with_its_language_host_which_follows_the_checkout(machine):
    machine.install_go()
    built = ensure_engine("pulumi")
    assert built is not None
    folder = built.parent
    assert {file.name for file in folder.iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi_language_host.py",
    }
    host = folder / "pulumi_language_host.py"
    host.write_text("of an older checkout")
    ensure_engine("pulumi")
    assert host.read_bytes() == (engines.HERE / host.name).read_bytes()


def test_a_failed_build_leaves_nothing_and_says_why(machine, capsys):
    machine.install_go()
    machine.broken.touch()
    (machine.cache / ".build-killed").mkdir(parents=True)
    with pytest.raises(EngineBuildError, match="package of trouble"):
        ensure_engine("tofu")
    assert [file.name for file in machine.cache.iterdir()] == [".lock"]
    assert engines.main() == 1
    assert "run.py engines" in capsys.readouterr().err


@pytest.mark.usefixtures("machine", "without_go")
def test_without_go_it_says_what_is_missing_and_what_will_skip(capsys):
    assert engines.main() == 0
    said = capsys.readouterr().out
    assert all(f"{name}: missing" in said for name in RECIPES) and "will skip" in said
    assert "PRESTAGE_PROVIDER_MIRROR" in said


def test_a_provider_is_built_into_a_mirror_whatever_is_on_path(machine):
    machine.install_go()
    machine.install("google")
    assert find_engine("google", machine.environ) is None
    built = ensure_engine("google")
    mirrored = "google-3.60.0/registry.terraform.io/hashicorp/google/3.60.0/plan9_riscv64"
    assert built == machine.cache / mirrored / "terraform-provider-google_v3.60.0"
    assert find_engine("google", machine.environ) == built


def test_versions_come_from_the_modules_that_are_pinned():
    for recipe in RECIPES.values():
        assert f"{recipe.module} v{recipe.pinned}" in (engines.HERE / recipe.name / "go.mod").read_text()
