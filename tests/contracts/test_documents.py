"""What every document promises: read back equal, one canonical form, no byte altered, nothing unknown."""

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.document import Document
from contracts.errors import AlteredDocument, DocumentError, MalformedDocument, NewerDocument
from contracts.files import read_document, write_document
from contracts.plan import Plan
from tests.contracts.documents import document_types, documents
from tests.policies.sample import Scene

KINDS = document_types()
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.FORMAT.removeprefix("prestage/"))
few = settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking whole documents takes minutes
)
SEALED = Scene().plan().sealed()


def test_every_document_has_a_name_of_its_own():
    assert len({kind.FORMAT for kind in KINDS}) == len(KINDS) >= 14


@every_kind
@few
@given(data=st.data())
def test_a_document_is_read_back_equal_and_sealed_to_the_same_bytes(kind, data):
    document = data.draw(documents(kind))
    text = document.sealed()
    again = kind.unseal(text, where="x.json")
    assert again == document
    assert again.sealed() == text
    assert again.canonical() == document.canonical()
    assert again.digest() == document.digest()


@every_kind
@few
@given(data=st.data())
def test_an_unknown_field_or_a_later_version_is_refused(kind, data):
    content = json.loads(data.draw(documents(kind)).sealed())
    with pytest.raises(MalformedDocument, match="surplus"):
        kind.unseal(json.dumps({**content, "surplus": 1}), where="x.json")
    with pytest.raises(NewerDocument, match=f"version {kind.VERSION + 1}"):
        kind.unseal(json.dumps({**content, "version": kind.VERSION + 1}), where="x.json")
    with pytest.raises(MalformedDocument, match="a document of format"):
        kind.unseal(json.dumps({**content, "format": "prestage/other"}), where="x.json")


@every_kind
@few
@given(data=st.data())
def test_a_time_of_reading_is_left_out_of_the_digest_and_nothing_else_is(kind, data):
    document, other = data.draw(documents(kind)), data.draw(documents(kind))
    for name in kind.model_fields:
        if getattr(other, name) == getattr(document, name):
            continue
        changed = document.model_copy(update={name: getattr(other, name)})
        assert (changed.digest() == document.digest()) == (name in kind.VOLATILE)


def test_no_byte_of_a_sealed_file_can_be_altered():
    """Every byte, by one bit: an edit is never read as what was sealed."""
    payload = bytearray(SEALED.encode())
    for place in range(len(payload)):
        payload[place] ^= 1
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            payload[place] ^= 1
            continue
        with pytest.raises(DocumentError):
            Plan.unseal(text, where="dev.json")
        payload[place] ^= 1
    assert payload.decode() == SEALED


@given(st.integers(0, len(SEALED) - 1), st.integers(0, 30), st.text(max_size=5))
def test_no_edit_of_a_sealed_file_is_read(start, length, inserted):
    text = SEALED[:start] + inserted + SEALED[start + length :]
    if text != SEALED:
        with pytest.raises(DocumentError):
            Plan.unseal(text, where="dev.json")


def test_a_file_cut_off_anywhere_is_refused():
    for end in range(0, len(SEALED) - 1, 7):
        with pytest.raises(MalformedDocument, match="cut off"):
            Plan.unseal(SEALED[:end], where="dev.json")


def test_an_edit_that_is_still_a_plan_is_called_altered(tmp_path):
    path = tmp_path / "dev.json"
    write_document(path, Scene().plan())
    assert read_document(Plan, path) == Scene().plan()
    path.write_text(path.read_text().replace('"count": 10', '"count": 11'))
    with pytest.raises(AlteredDocument) as caught:
        read_document(Plan, path)
    assert caught.value.exit_code == 6


def test_canonical_text_is_sorted_and_dense():
    canonical = Scene().plan().canonical()
    assert json.dumps(json.loads(canonical), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == canonical
    assert isinstance(Scene().plan(), Document)
