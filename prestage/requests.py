"""Requests out of options: what is out of range is wrong usage, said in the options' own words."""

import uuid
from collections.abc import Callable
from typing import TypeVar

import click

R = TypeVar("R")


def checked(make: Callable[[], R]) -> R:
    """What `make` makes.

    Raises:
        click.UsageError: an option is out of range; each is named.
    """
    from pydantic import ValidationError

    try:
        return make()
    except ValidationError as error:
        told = [f"--{'-'.join(map(str, item['loc'])).replace('_', '-')}: {item['msg']}" for item in error.errors()]
        raise click.UsageError("; ".join(told)) from error


def new_id() -> str:
    """An id for a request that came without one."""
    return f"r-{uuid.uuid4().hex[:12]}"
