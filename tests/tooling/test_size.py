"""Files and functions stay small enough to hold in the head: past the limit, split by concept."""

import ast
import subprocess

import pytest

from tools.environment import ROOT

FILE_LINES, FUNCTION_LINES = 400, 60


def python_files():
    """What git knows or would take, so that environments and caches are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def oversized(source):
    """What in `source` is past a limit, by name."""
    lines = source.count("\n")
    found = [f"the file: {lines} lines"] if lines > FILE_LINES else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            found += [f"{node.name}: {length} lines"] if length > FUNCTION_LINES else []
    return found


def test_no_file_and_no_function_is_oversized():
    files = python_files()
    if not files:
        pytest.skip("no git here: sizes are checked in a checkout")
    found = {str(path.relative_to(ROOT)): oversized(path.read_text(encoding="utf-8")) for path in files}
    assert not {name: what for name, what in found.items() if what}


def test_the_limits_bite():
    assert oversized("x = 1\n" * (FILE_LINES + 1)) == ["the file: 401 lines"]
    assert oversized("def long():\n" + "    x = 1\n" * FUNCTION_LINES) == ["long: 61 lines"]
    assert not oversized("def short():\n    return 1\n")
