"""Where a real command dies: at the point at which the simulated one did, by SIGKILL.

Writes of journal and ledger are the same code, so that a point there is the same point. A point within the simulated
engine is the moment of the real one that stands for it: a call of the cloud before, during or after it, as the
provider sees it; a state before it is written, which is when the answer has just left; one that was written, which is
seen in the engine's own files. A command that is to die does nothing before that which the simulated one did not do:
what it asks for beyond that is under way when it dies. So the death leaves what it left in the simulation, or less.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts.files import write_bytes
from contracts.ports import Progress
from contracts.run import RootRun
from stacks.engines.engine import AppliedResource, Engine, Job, Preview, ProgramInfo
from tests.faults.crash_play import Passed
from tests.faults.real_states import Version, read_version
from tests.faults.sim_cloud import Met

HELD_S = 6.0  # what is asked for beyond the simulation waits so long for what is not
DONE_S = 1.0  # and so long once all that the simulated command did is done
LOOK_S = 0.005
STATE_WRITE = "a state write: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What one command is to meet.

    Attributes:
        due: the point at which it dies; empty: it doesn't.
        nth: which passing of that point.
        engine_calls: how often it calls the engine before it dies; the last of them has not ended where `inside`.
        calls: of the cloud, by what and key, that it comes to.
        noted: what of them its state comes to know, as `created fra/network`.
        met: what its calls come to.
        remembers: versions of the states are kept, for a death may forget the last ones.
    """

    due: str = ""
    nth: int = 1
    engine_calls: int = 0
    inside: bool = False
    calls: frozenset[tuple[str, str]] = frozenset()
    noted: frozenset[str] = frozenset()
    met: tuple[Met, ...] = ()
    remembers: bool = False


def script_of(passed: Passed, *, remembers: bool) -> Script:
    """What a command meets that goes the way of a simulated one."""
    points = passed.points
    due = points[-1] if passed.dead else ""
    begun, ended = points.count("engine called"), points.count("engine ended")
    return Script(
        due=due,
        nth=points.count(due) if due else 1,
        engine_calls=begun,
        inside=begun > ended,
        calls=frozenset((met.call, met.key) for met in passed.met),
        noted=frozenset(name.partition(STATE_WRITE)[2] for name in points if name.startswith(f"before {STATE_WRITE}")),
        met=passed.met,
        remembers=remembers,
    )


@dataclass(kw_only=True)
class RealPoints:
    """The points of one process. Any thread may pass them.

    Attributes:
        script: what it is to meet.
        folder: the project's.
        told: where it says how it died, before it does.
        late: where versions of the states are kept.
    """

    script: Script
    folder: Path
    told: Path
    late: Path
    _passed: Counter[str] = field(default_factory=Counter)
    _versions: list[Version] = field(default_factory=list)
    _guard: threading.RLock = field(default_factory=threading.RLock)
    _come: set[tuple[str, str]] = field(default_factory=set)
    _held: bool = False
    _moved_s: float = field(default_factory=time.monotonic)

    def __call__(self, name: str) -> None:
        with self._guard:
            self._moved_s = time.monotonic()
            self._passed[name] += 1
            if name == self.script.due and self._passed[name] == self.script.nth:
                self.die("there")

    def die(self, where: str) -> None:
        self.told.write_text(where)
        os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()

    def sends_before_its_death(self, key: str) -> bool:
        """Whether the death at `during create` is one after the request was sent."""
        return self.script.due == f"during create {key}" and ("create", key) in self.script.calls

    def wait_for_leave(self, call: str, key: str) -> None:
        """Lets a call pass that the simulated command came to; holds others until death."""
        if self.script.due and (call, key) not in self.script.calls:
            self._hold()
        self._come.add((call, key))

    def answers(self, what: str) -> None:
        """An answer leaves, which the engine will write down; not before death where the simulated one did not."""
        if self.script.due == f"before {STATE_WRITE}{what}":
            threading.Timer(0.001, self.die, ("there",)).start()
        elif self.script.due and what not in self.script.noted:
            self._hold()

    def reads(self, key: str) -> None:
        """The engine looks at something: before it takes it in, if that is what it is about to do."""
        self._moved_s = time.monotonic()
        if self.script.due == f"before {STATE_WRITE}taken in {key}" and self._in_its_last_call():
            self.die("there")

    def drops(self, when: str) -> None:
        """Before or after the engine forgets a root."""
        if self.script.due.startswith(f"{when} {STATE_WRITE}dropped") and self._in_its_last_call():
            self.die("there")

    def remember(self, seconds: float) -> None:
        """Keeps the version of the states that there is now, for a backend that gets them late."""
        if self.script.remembers:
            with self._guard:
                self._versions.append(read_version(self.folder, seconds, self._versions))
                write_bytes(self.late, pickle.dumps(self._versions))

    def begin(self, engine: Engine) -> None:
        """The engine is called."""
        self("engine called")
        self.remember(float("-inf"))
        if self.script.due and self._passed["engine called"] == 1:
            threading.Thread(target=self._watch, daemon=True).start()
        if not (self.script.inside and self._in_its_last_call()):
            return
        before, _, what = self.script.due.partition(STATE_WRITE)
        if before == "after ":
            args = (engine, what.rpartition(" ")[2], engine.applied())
            threading.Thread(target=self._watch_state, args=args, daemon=True).start()

    def end(self) -> None:
        """The engine has ended: who was to die while it ran dies now at the latest."""
        if self.script.due and self.script.inside and self._in_its_last_call():
            self.die("as the engine ended")

    def flush(self) -> None:
        """The states have reached their backend."""
        self._versions.clear()
        self.late.unlink(missing_ok=True)

    def leave(self) -> None:
        """The command has ended: who was to die dies now at the latest."""
        if self.script.due:
            self.die("at its end")

    def _in_its_last_call(self) -> bool:
        return self._passed["engine called"] == self.script.engine_calls

    def _hold(self) -> None:
        self._held = True
        threading.Event().wait()

    def _watch(self) -> None:
        """Dies where all that is left waits for death: the real engine stands before what the simulated one passed.

        So it does where a state was written: OpenTofu 1.11 writes a local one 20 s after its begin, or at its end.
        """
        while not (self._held and time.monotonic() - self._moved_s > self._patience_s()):
            time.sleep(0.05)
        self.die("held")

    def _patience_s(self) -> float:
        return DONE_S if self.script.calls <= self._come else HELD_S

    def _watch_state(self, engine: Engine, key: str, before: Mapping[str, AppliedResource]) -> None:
        """Dies as soon as the engine's files say something else of a key than before."""
        gone = self.script.due.startswith(f"after {STATE_WRITE}deleted")
        while True:
            now = engine.applied().get(key)
            if now != before.get(key) and (gone or now is not None):
                self.die("there")
            time.sleep(LOOK_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointedEngine:
    """A real engine that passes points where it is called and where it ends."""

    inner: Engine
    at: RealPoints

    def program(self) -> ProgramInfo:
        return self.inner.program()

    def preview(self, job: Job, progress: Progress) -> Preview:
        return self.inner.preview(job, progress)

    def applied(self) -> Mapping[str, AppliedResource]:
        return self.inner.applied()

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        self.at.begin(self.inner)
        try:
            outcomes = self.inner.apply(job, progress)
        except BaseException:
            self.at.end()
            raise
        self.at("before the engine ends")
        self.at.end()
        self.at.flush()
        self.at("engine ended")
        return outcomes
