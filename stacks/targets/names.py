"""Names that clouds take: derived from the key alone, so that a run that is repeated finds what it made. Pure."""

import re

from contracts.document import text_digest

DIGEST_CHARACTERS = 8


def cloud_name(environment: str, key: str, *, limit: int) -> str:
    """A name of lower-case letters, digits and single hyphens, at most `limit` characters, that begins with a letter.

    It ends with 8 hexadecimal digits of the digest of `environment/key`: keys that differ get names that differ, also
    where they were cut.
    """
    whole = f"{environment}/{key}"
    digest = text_digest(whole)[-DIGEST_CHARACTERS:]
    words = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")
    words = words if words[:1].isalpha() else f"x{words}"
    kept = words[: limit - DIGEST_CHARACTERS - 1].rstrip("-")
    return f"{kept}-{digest}"
