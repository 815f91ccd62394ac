"""Families whose packages are extras: asked for by name, refused with what to install (pure)."""

from importlib.util import find_spec

from forecaster.errors import FamilyNotInstalled


def need(model: str, package: str, extra: str) -> None:
    """Refuses a family whose package is not there, before it costs anything.

    Raises:
        FamilyNotInstalled: with what to install.
    """
    if find_spec(package) is None:
        raise FamilyNotInstalled(
            f"the model {model!r} needs the package {package}",
            expected="an environment with it",
            next_step=f"pip install 'prestage[{extra}]', or leave the model out",
        )
