"""What Pulumi says when it fails, as errors that a person can act on: what happened, and what to do next. Pure.

The words are those of Pulumi 3.259, whose text is no interface: what is not recognised keeps its own words. What a
cloud's provider says is the same under either engine, for both have it from Terraform's.
"""

import re

from stacks.engines.causes import failed
from stacks.errors import (
    ApplyBusy,
    CloudUnreachable,
    CredentialsMissing,
    EngineFailed,
    EngineMissing,
    InUse,
    SecretMissing,
    StacksError,
)

_HOLDER = re.compile(r"created by (\S+) \(pid (\d+)\) at (\S+)")
_OWN = (
    (
        ApplyBusy,
        r"currently locked by|\[409\] Conflict",
        "wait for it to end; if it is dead: pulumi cancel --stack {stack}",
    ),
    (
        SecretMissing,
        r"Missing required configuration variable|passphrase must be set|incorrect passphrase",
        "pulumi config set --secret prestage:<name> --stack {stack}; its passphrase is PULUMI_CONFIG_PASSPHRASE",
    ),
    (
        EngineMissing,
        r"no resource plugin|[Cc]ould not (?:load|find) plugin|no (?:language )?plugin '|unsupported protocol",
        "pulumi plugin install resource aws (or gcp), or put its executable on PATH",
    ),
    (
        EngineFailed,
        r"unknown stack|the stack has no output",
        "apply the stacks that {stack} refers to first: prestage apply does them in their order",
    ),
    (
        InUse,
        r"cannot be deleted\s+because it is protected|marked for protection",
        "whoever means it lifts that first: pulumi state unprotect <urn> --stack {stack}",
    ),
    (
        CredentialsMissing,
        r"PULUMI_ACCESS_TOKEN must be set|\[401\] Unauthorized|Unauthorized: |invalid access token|get credentials"
        r"|failed to refresh cached credentials",
        "sign in to the backend: pulumi login, or credentials of the bucket's cloud; then repeat the command",
    ),
    (
        CloudUnreachable,
        r"unable to check if bucket|could not list bucket|blob \(code=|read \.pulumi/meta|connection refused"
        r"|no such host|failed to load checkpoint",
        "see that the backend and the network are there: pulumi whoami --verbose; then repeat the command",
    ),
)
OWN = tuple((error, re.compile(words), next_step) for error, words, next_step in _OWN)


def stack_failed(text: str, words: str, *, stack: str) -> StacksError:
    """The error of a command that failed.

    Args:
        text: everything that it said.
        words: what it said in short.
        stack: whose command it was.
    """
    return _failed(text, words, where=f"pulumi stack {stack}", stack=stack)


def backend_failed(text: str) -> StacksError:
    """The error of a question to the backend that was not answered: nobody's to sign in as, or no answer."""
    words, where = in_short(text), "Pulumi's backend"
    found = _failed(text, words, where=where, stack="<stack>")
    if type(found) is not EngineFailed:
        return found
    return CloudUnreachable(words, where=where, next_step="pulumi whoami --verbose shows the backend and who you are")


def in_short(text: str) -> str:
    """The last line that names an error, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if "error:" in line]
    return (told or lines or ["ended without a word"])[-1].removeprefix("error: ")


def holder_of(text: str) -> tuple[str, int] | None:
    """The host and process that hold a lock, as the engine describes it: `ann@host (pid 7)`."""
    found = _HOLDER.search(text)
    return (found[1].rpartition("@")[2], int(found[2])) if found else None


def _failed(text: str, words: str, *, where: str, stack: str) -> StacksError:
    for error, pattern, next_step in OWN:
        if pattern.search(text):
            return error(_told(text, words), where=where, next_step=next_step.format(stack=stack))
    return failed(text, words, where=where)


def _told(text: str, words: str) -> str:
    found = _HOLDER.search(text)
    return f"locked by {found[1]} (process {found[2]}), since {found[3][:19]}" if found else words
