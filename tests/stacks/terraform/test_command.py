"""Commands: run to their end, heard line by line, stopped together; what they say when they fail."""

import signal
import sys
import threading
import time

import pytest

from stacks.engines.terraform_engine.command import Commands, Ended
from stacks.engines.terraform_engine.program import Program

SPEAKING = "import os, sys; print(sys.argv[1], os.getsid(0) == os.getpid(), os.environ['GIVEN']); sys.exit(3)"
PATIENT = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGINT, lambda *_: sys.exit(130))\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)


def commands(script):
    return Commands(Program(name="python", command=(sys.executable, "-c", script)), {"GIVEN": "variable"})


def test_a_command_runs_in_a_session_of_its_own_with_what_it_is_given(tmp_path):
    lines: list[str] = []
    ended = commands(SPEAKING).run(tmp_path, "plan", on_line=lines.append)
    assert (ended.code, ended.stdout) == (3, "plan True variable\n") and lines == [ended.stdout]


def test_stop_interrupts_what_runs_and_what_begins_after_it(tmp_path):
    started = threading.Event()
    running = commands(PATIENT)
    began = time.monotonic()
    ended: list[Ended] = []
    thread = threading.Thread(
        target=lambda: ended.append(running.run(tmp_path, "apply", on_line=lambda line: started.set()))
    )
    thread.start()
    assert started.wait(20)
    running.stop()
    thread.join(20)
    assert ended[0].code == 130 and running.stopped
    assert running.run(tmp_path, "apply").code in (130, -signal.SIGINT)
    assert time.monotonic() - began < 40


@pytest.mark.parametrize(
    ("stdout", "stderr", "words"),
    [
        ("", "╷\n│ Error: Error acquiring the state lock\n│\n│ more\n╵\n", "Error: Error acquiring the state lock"),
        ("", "│ Warning: Unable to open CLI configuration file\n", "Warning: Unable to open CLI configuration file"),
        ("panic: runtime error\n", "warned\n", "panic: runtime error"),
        ("", "", "ended with code 1"),
    ],
)
def test_the_last_words_say_why(stdout, stderr, words):
    assert Ended(code=1, stdout=stdout, stderr=stderr).last_words == words
