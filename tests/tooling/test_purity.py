"""The pure rooms take clocks, chance, files and settings as arguments.

import-linter (pyproject.toml, contract `pure`) forbids the modules; this forbids the calls that no import betrays.
"""

import ast
from pathlib import PurePosixPath

import pytest

from tools.environment import ROOT

PURE = ("contracts", "forecaster", "planner", "policies", "stacks/targets", "stacks/drift", "stacks/drift.py")
DOORS = ("contracts/files.py", "forecaster/history", "forecaster/sources", "policies/pack")

CLOCK_OWNERS = {"datetime", "date", "time", "Timestamp"}
CLOCK_READINGS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "sleep"}
WORLDLY = {("", "open"), ("", "input"), ("", "print"), ("Path", "open"), ("os", "getenv")}
FILE_METHODS = {
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "read_parquet",
    "read_csv",
    "to_parquet",
    "to_csv",
}


def pure_files():
    found = [path for room in PURE for path in sorted((ROOT / room).rglob("*.py"))]
    found += [ROOT / room for room in PURE if (ROOT / room).is_file()]
    return [path for path in found if not any(_under(path, door) for door in DOORS)]


def _under(path, door):
    return PurePosixPath(path.relative_to(ROOT)).is_relative_to(door)


def dotted(node):
    """`a.b.c` of a name or attribute; empty for anything computed."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def impurity(node):
    """What `node` takes from the world by itself, or None."""
    if isinstance(node, ast.Attribute) and dotted(node) == "os.environ":
        return "the process's variables"
    if not isinstance(node, ast.Call):
        return None
    *owners, name = dotted(node.func).split(".")
    owner = owners[-1] if owners else ""
    if owner in CLOCK_OWNERS and name in CLOCK_READINGS:
        return "a clock"
    if (owner, name) in WORLDLY or (owners and name in FILE_METHODS):
        return "a file, the terminal or the process's variables"
    seeded = name in {"default_rng", "Generator", "PCG64", "SeedSequence"} and (node.args or node.keywords)
    if owners[-2:] in (["np", "random"], ["numpy", "random"]) and not seeded:
        return "chance that nobody handed in"
    return None


def impurities(source):
    expressions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr))
    return [f"line {node.lineno}: {what}" for node in expressions if (what := impurity(node))]


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pure_file_takes_nothing_from_the_world(path):
    assert not impurities(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "pd.Timestamp.now()",
        "time.monotonic()",
        "open('plan.json')",
        "Path('plan.json').read_text()",
        "os.environ['HOME']",
        "os.getenv('HOME')",
        "np.random.default_rng()",
        "np.random.normal(size=3)",
    ],
)
def test_what_counts_as_taking_from_the_world(line):
    assert impurities(line)


@pytest.mark.parametrize(
    "line", ["np.random.default_rng(seed)", "clock.now()", "frame.index.time", "opened(plan)", "read_text(path)"]
)
def test_what_is_handed_in_is_allowed(line):
    assert not impurities(line)
