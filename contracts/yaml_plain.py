"""The plain part of YAML, read event by event: a tenth of the memory of a tree of nodes, and no places for messages.

Whatever is not plain, or not well made, is `None` here: `contracts.yaml_files` reads it again, and says what and where.
What is written (`plain_text`) is read alike here, by readers of YAML 1.1 (PyYAML) and by those of 1.2 (Go's yaml.v3,
which Pulumi has): they disagree on what `1e5`, `09`, `0o17` and `y` are, so that such text is quoted.
"""

import re
from collections.abc import Mapping

import yaml

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # only its parser is used
_DEEPEST = 50
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}")  # longer ones are nobody's, and Python refuses to read them
_FLOAT = re.compile(r"[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]{1,3})?|[0-9]+[eE][-+]?[0-9]{1,3})")
_NUMBER_LIKE = re.compile(r"([-+.]+_*)?[0-9].*|[-+]?\.(inf|nan)|[yn]", re.IGNORECASE | re.DOTALL)
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}


def plain_mapping(text: str) -> dict[str, Plain] | None:
    """The keys and values of a text of one plain mapping; nothing where it is anything else."""
    reader = _Reader()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if not reader.take(event):
                return None
    except yaml.YAMLError:
        return None
    return reader.read if isinstance(reader.read, dict) else None


def scalar(text: str, *, quoted: bool) -> str | int | float | bool | None:
    """The value of a scalar of YAML 1.2's core schema; what is quoted, or a block, is always text."""
    if quoted:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def plain_text(content: Mapping[str, object], *, sort_keys: bool = False) -> str:
    """A mapping as YAML that every reader takes for the same."""
    return yaml.dump(dict(content), Dumper=_Writer, sort_keys=sort_keys, width=100)


class _Writer(yaml.SafeDumper):
    """Quotes text that some reader takes for a number or a boolean; writes nothing as an alias."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def text(self, text: str) -> yaml.ScalarNode:
        style = "'" if _NUMBER_LIKE.fullmatch(text) and text.isprintable() else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _Writer.text)


class _Reader:
    """What has been read so far: the collections that are open, and the key that waits for its value in each."""

    def __init__(self) -> None:
        self.read: Plain = None
        self._open: list[tuple[dict[str, Plain] | list[Plain], str | None]] = []
        self._documents = 0
        self._words: dict[str, str] = {}

    def take(self, event: yaml.Event) -> bool:
        """Whether an event belongs to a plain document."""
        match event:
            case yaml.ScalarEvent():
                return _unmarked(event) and self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                into: dict[str, Plain] | list[Plain] = {} if isinstance(event, yaml.MappingStartEvent) else []
                opened = _unmarked(event) and len(self._open) < _DEEPEST and self._put(into)
                self._open.append((into, None))
                return opened
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()
            case yaml.DocumentStartEvent():
                self._documents += 1
                return self._documents == 1
            case yaml.AliasEvent():
                return False
        return True

    def _scalar(self, event: yaml.ScalarEvent) -> bool:
        text: str = event.value
        if self._open:
            into, key = self._open[-1]
            if isinstance(into, dict) and key is None:
                self._open[-1] = (into, self._words.setdefault(text, text))
                return text not in into
        return self._put(scalar(text, quoted=bool(event.style)))

    def _put(self, value: Plain) -> bool:
        """Whether a value has a place: a key is no collection."""
        if not self._open:
            self.read = value
            return True
        into, key = self._open[-1]
        if isinstance(into, list):
            into.append(value)
        elif key is None:
            return False
        else:
            into[key] = value
            self._open[-1] = (into, None)
        return True


def _unmarked(event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> bool:
    """Whether it has neither anchor nor tag."""
    return event.anchor is None and event.tag is None
