"""Keys that clouds keep: AWS KMS as moto has it, Google Cloud KMS as a server on loopback answers."""

import os

import pytest
from botocore.stub import Stubber

from forecaster.errors import KeyUnavailable, WrongKey
from forecaster.history.gcp_keys import GcpKeys
from forecaster.history.keyring import Keyring
from forecaster.history.store import History
from forecaster.history.upkeep import rotate
from forecaster.history.verify import verify
from tests.clouds.moto_server import aws_environ
from tests.forecaster.history.gcp_kms import ApiError, Key, gcp_kms
from tests.forecaster.history.keyrings import encrypted, local, traffic

SECRET = b"s" * 32
RING = "projects/p/locations/europe-west3/keyRings/r/cryptoKeys"


@pytest.fixture
def google(monkeypatch):
    with gcp_kms() as kms:
        monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", kms.url + "/")
        kms.keys |= {f"{RING}/history": Key(), f"{RING}/other": Key()}
        yield kms


@pytest.fixture
def amazon(monkeypatch):
    boto3, moto = pytest.importorskip("boto3"), pytest.importorskip("moto")
    wanted = aws_environ()
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    with moto.mock_aws():
        yield boto3.client("kms", "eu-central-1")


def aws_key(client):
    from forecaster.history.aws_keys import AwsKeys

    return AwsKeys(client.create_key()["KeyMetadata"]["Arn"])


def test_aws_wraps_unwraps_and_refuses(amazon):
    keys, other = aws_key(amazon), aws_key(amazon)
    wrapped = keys.wrap(SECRET, "a")
    assert wrapped.version == keys.key and keys.unwrap(wrapped, "a") == SECRET
    with pytest.raises(WrongKey):
        keys.unwrap(wrapped, "b")
    with pytest.raises((WrongKey, KeyUnavailable)):
        other.unwrap(wrapped, "a")
    with pytest.raises(WrongKey, match="altered"):
        keys.unwrap(wrapped.model_copy(update={"text": "!"}), "a")


def test_aws_keys_that_cannot_be_used_are_told(amazon, monkeypatch):
    keys = aws_key(amazon)
    wrapped = keys.wrap(SECRET, "a")
    with pytest.raises(KeyUnavailable, match="NotFoundException"):
        type(keys)(keys.key[:-4] + "0000").wrap(SECRET, "a")
    for code, error in (
        ("DisabledException", KeyUnavailable),
        ("AccessDeniedException", KeyUnavailable),
        ("IncorrectKeyException", WrongKey),
    ):
        with Stubber(amazon) as stubber:  # moto knows neither disabled keys nor policies
            stubber.add_client_error("decrypt", code, "told by AWS")
            monkeypatch.setattr(type(keys), "_client", lambda self: amazon)
            with pytest.raises(error, match=code) as refused:
                keys.unwrap(wrapped, "a")
    assert keys.key in refused.value.where


def test_aws_out_of_reach_is_told(monkeypatch):
    pytest.importorskip("boto3")
    from forecaster.history.aws_keys import AwsKeys

    for name, value in aws_environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(KeyUnavailable, match="cannot be reached"):
        AwsKeys("arn:aws:kms:eu-central-1:123456789012:key/k").wrap(SECRET, "a")


def test_a_history_under_aws(tmp_path, amazon):
    keyring = Keyring(kms=aws_key(amazon), memory=tmp_path / "keys" / "seen.json")
    history = History(tmp_path / "history", keyring)
    history.add(traffic([1.0, 2.0]))
    assert rotate(history).version == keyring.kms.where.removeprefix("awskms:")
    assert history.load().measurements.value.tolist() == [1, 2] and not verify(history).findings
    history.vault.keys = Keyring(kms=aws_key(amazon), memory=keyring.memory)
    with pytest.raises((WrongKey, KeyUnavailable), match=r"manifest\.json: cannot be opened"):
        history.load()


def test_google_wraps_unwraps_and_refuses(google):
    keys, other = GcpKeys(f"{RING}/history"), GcpKeys(f"{RING}/other")
    wrapped = keys.wrap(SECRET, "a")
    assert wrapped.version == f"{RING}/history/cryptoKeyVersions/1" and keys.unwrap(wrapped, "a") == SECRET
    for opener, context in ((keys, "b"), (other, "a")):
        with pytest.raises(WrongKey, match="another key wrapped it"):
            opener.unwrap(wrapped, context)
    assert wrapped.setting == f"gcpkms:{RING}/history"


def test_google_is_asked_again_when_it_is_busy(google):
    google.faults += [ApiError(503, "UNAVAILABLE", "later"), ApiError(429, "RESOURCE_EXHAUSTED", "slowly")]
    GcpKeys(f"{RING}/history").wrap(SECRET, "a")
    assert google.calls == 3


def test_google_keys_that_cannot_be_used_are_told(google, monkeypatch):
    with pytest.raises(KeyUnavailable, match="NOT_FOUND"):
        GcpKeys(f"{RING}/none").wrap(SECRET, "a")
    keys = GcpKeys(f"{RING}/history")
    wrapped = keys.wrap(SECRET, "a")
    google.faults.append(ApiError(403, "PERMISSION_DENIED", "Permission denied"))
    with pytest.raises(KeyUnavailable, match="PERMISSION_DENIED") as denied:
        keys.unwrap(wrapped, "a")
    assert "cryptoKeyEncrypterDecrypter" in denied.value.expected
    google.keys[keys.key].enabled = False
    with pytest.raises(KeyUnavailable, match="FAILED_PRECONDITION"):
        keys.unwrap(wrapped, "a")
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", "http://127.0.0.1:9")
    with pytest.raises(KeyUnavailable, match="cannot be reached"):
        keys.unwrap(wrapped, "a")


def test_a_history_moves_to_google_and_is_rotated_there(tmp_path, google):
    history = encrypted(tmp_path, traffic([1.0, 2.0]))
    keyring = Keyring(kms=GcpKeys(f"{RING}/history"), memory=tmp_path / "keys" / "seen.json")
    history.vault.keys = keyring
    with pytest.raises(WrongKey, match="local key 1-"):
        history.load()
    assert rotate(history, previous=local(tmp_path).kms).version == f"{RING}/history/cryptoKeyVersions/2"
    assert rotate(history).version == f"{RING}/history/cryptoKeyVersions/3"
    google.calls = 0
    assert history.load().measurements.value.tolist() == [1, 2]
    assert google.calls == 1  # one call, however many files
