"""Commands of engines do not outlive whoever started them."""

import os
import subprocess
import sys
import time

from stacks.engines.launch import launched
from stacks.supervisor import processes

WAITS = (sys.executable, "-c", "import time; time.sleep(60)")
STARTS = """
import subprocess, sys, time
from stacks.engines.launch import launched
running = subprocess.Popen(launched((sys.executable, "-c", "print('there', flush=True); import time; time.sleep(60)")))
print(running.pid, flush=True)
time.sleep(60)
"""


def test_a_program_gets_what_it_is_given_over_what_there_is(monkeypatch):
    monkeypatch.setenv("THERE", "before")
    says = "import os, sys; print(os.environ['THERE'], os.environ['NEW'], os.getsid(0) == os.getpid(), sys.argv[1:])"
    words = launched((sys.executable, "-c", says, "a b", "c=d"), {"NEW": "x=y", "THERE": "after"})
    assert subprocess.check_output(words, text=True) == "after x=y True ['a b', 'c=d']\n"


def test_it_ends_when_its_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        said = {parent.stdout.readline().strip(), parent.stdout.readline().strip()}
        (pid,) = (int(word) for word in said - {"there"})
        parent.kill()
        parent.wait()
    until = time.monotonic() + 10
    while pid in {item.pid for item in processes()}:
        assert time.monotonic() < until, "it outlived its parent"
        time.sleep(0.02)


def test_it_does_not_begin_for_another_parent():
    """As where the parent died before the program could ask to die with it."""
    words = list(launched(WAITS))
    words[words.index(str(os.getpid()))] = "1"
    assert subprocess.run(words, check=False).returncode == 137
