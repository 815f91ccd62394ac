"""Making `.venv`: once, whole, and by one process at a time. A script stands in for uv."""

import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from tools.environment import ROOT, Checkout, Level, SetupError, ensure_environment

UV = """#!/bin/sh
echo "$1 $2" >> "{log}"
[ -z "$SLOW" ] || [ "$2" != sync ] || {{ touch "{log}.slow"; sleep 1; echo "slow end" >> "{log}"; }}
echo chatter on stdout
if [ "$1" = venv ]; then
  for last; do :; done
  mkdir -p "$last/bin" && touch "$last/pyvenv.cfg" "$last/bin/python"
fi
if [ "$2" = sync ] && [ -e "{broken}" ]; then exit 2; fi
"""


class FakeInstaller:
    """A checkout with lock files and the log of what uv was asked to do for it."""

    def __init__(self, folder):
        self.checkout = Checkout(root=folder / "checkout")
        self.checkout.root.mkdir()
        for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
            (self.checkout.root / name).write_text(f"{name}, first\n")
        self.broken, self.log = folder / "broken", folder / "log"
        programs = folder / "bin"
        programs.mkdir()
        (programs / "uv").write_text(UV.format(log=self.log, broken=self.broken))
        (programs / "uv").chmod(0o755)
        self.path = f"{programs}:/usr/bin:/bin"

    def calls(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def installer(tmp_path, monkeypatch):
    fake = FakeInstaller(tmp_path)
    monkeypatch.setenv("PATH", fake.path)
    return fake


def test_the_second_time_installs_nothing(installer):
    python = ensure_environment(Level.RUNTIME, installer.checkout)
    assert python.exists()
    first = installer.calls()
    assert first == ["venv --quiet", "pip sync", "pip install"]
    assert ensure_environment(Level.RUNTIME, installer.checkout) == python
    assert installer.calls() == first


def test_a_changed_lock_is_installed_into_what_is_there(installer):
    ensure_environment(Level.RUNTIME, installer.checkout)
    (installer.checkout.root / "requirements.lock").write_text("second\n")
    ensure_environment(Level.RUNTIME, installer.checkout)
    assert installer.calls()[3:] == ["pip sync", "pip install"]


def test_the_developers_environment_serves_the_demo_but_not_the_other_way_round(installer):
    ensure_environment(Level.RUNTIME, installer.checkout)
    ensure_environment(Level.DEVELOPER, installer.checkout)
    assert installer.calls()[3:] == ["pip sync", "pip install"]
    ensure_environment(Level.RUNTIME, installer.checkout)
    assert len(installer.calls()) == 5


def test_a_developers_environment_stays_one_when_the_demo_refreshes_it(installer):
    ensure_environment(Level.DEVELOPER, installer.checkout)
    (installer.checkout.root / "pyproject.toml").write_text("second\n")
    ensure_environment(Level.RUNTIME, installer.checkout)
    refreshed = installer.calls()
    ensure_environment(Level.DEVELOPER, installer.checkout)
    assert installer.calls() == refreshed


def test_an_interrupted_setup_is_made_again_from_the_start(installer):
    installer.broken.touch()
    with pytest.raises(SetupError, match=r"uv pip sync .* failed \(exit 2\)"):
        ensure_environment(Level.RUNTIME, installer.checkout)
    assert not installer.checkout.stamp.exists()
    installer.broken.unlink()
    ensure_environment(Level.RUNTIME, installer.checkout)
    assert installer.calls()[2:] == ["venv --quiet", "pip sync", "pip install"]


def test_another_python_gets_an_environment_of_its_own(installer, monkeypatch):
    ensure_environment(Level.RUNTIME, installer.checkout)
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    ensure_environment(Level.RUNTIME, installer.checkout)
    assert installer.calls()[3:] == ["venv --quiet", "pip sync", "pip install"]


def test_two_at_once_install_once(installer):
    started = [threading.Thread(target=ensure_environment, args=(Level.RUNTIME, installer.checkout)) for _ in range(2)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert installer.calls() == ["venv --quiet", "pip sync", "pip install"]


def test_an_installer_that_outlives_its_killed_run_is_waited_for(installer, monkeypatch):
    script = (
        "import pathlib, sys; from tools.environment import *;"
        "ensure_environment(Level.RUNTIME, Checkout(root=pathlib.Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", script, str(installer.checkout.root)]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "SLOW": "1"}, stderr=subprocess.DEVNULL) as killed:
        while not installer.log.with_name("log.slow").exists():
            time.sleep(0.02)
        killed.kill()
    ensure_environment(Level.RUNTIME, installer.checkout)
    assert installer.calls() == ["venv --quiet", "pip sync", "slow end", "venv --quiet", "pip sync", "pip install"]


def test_a_folder_that_is_no_environment_stays(installer):
    precious = installer.checkout.environment / "thesis.txt"
    precious.parent.mkdir()
    precious.touch()
    with pytest.raises(SetupError, match="is in the way"):
        ensure_environment(Level.RUNTIME, installer.checkout)
    assert precious.exists()


def test_stdout_is_left_to_what_was_asked_for(installer, capfd):
    ensure_environment(Level.RUNTIME, installer.checkout)
    out, err = capfd.readouterr()
    assert out == ""
    assert "making .venv" in err and "chatter on stdout" in err


def test_without_uv_it_is_fetched_once_into_the_users_cache(installer, tmp_path, monkeypatch):
    """A script stands in for `python -m pip`: it leaves uv where pip's --target would."""
    pip = tmp_path / "python"
    pip.write_text(
        f'#!/bin/sh\necho "pip $*" >> {installer.log}\n'
        'while [ "$1" != --target ]; do shift; done\n'
        f'mkdir -p "$2/bin" && cp {tmp_path}/bin/uv "$2/bin/uv"\n'
    )
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(pip))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    ensure_environment(Level.RUNTIME, installer.checkout)
    (installer.checkout.root / "requirements.lock").write_text("second\n")
    ensure_environment(Level.RUNTIME, installer.checkout)
    fetched = [call for call in installer.calls() if call.startswith("pip -m pip install")]
    assert len(fetched) == 1 and "--require-hashes" in fetched[0]
