"""One GET, against a server on loopback that fails in every way."""

import gzip
import itertools
import threading

import pytest
from pydantic import SecretStr

from contracts.sources import Access
from forecaster.errors import FormChanged, SourceRefused, SourceUnreachable
from forecaster.sources.web import Ask, Credentials, RequestsWeb, asked, credentials_of
from tests.forecaster.sources.fakes import Naps, door, reply, scripted
from tests.forecaster.sources.loopback import hang_up, loopback, send


@pytest.fixture
def web():
    opened = RequestsWeb()
    yield opened
    opened.close()


def test_an_answer_whole_and_unpacked(web):
    def answer(handler):
        send(handler, gzip.compress(b"x" * 5000), Content_Encoding="gzip", ETag='"1"')

    with loopback(answer) as server:
        got = web.get(Ask(url=f"{server.url}/a", query=(("q", 'up{a="b"}'),), headers={"X-Own": "1"}))
    assert (got.status, got.body, got.headers["etag"]) == (200, b"x" * 5000, '"1"')
    assert server.asked[0].path == "/a?q=up%7Ba%3D%22b%22%7D" and server.asked[0].headers["x-own"] == "1"


def test_an_answer_that_is_cut_off(web):
    for fault in (lambda handler: send(handler, b"half", content_length="1000"), hang_up):
        with loopback(fault) as server, pytest.raises(SourceUnreachable, match="no whole answer"):
            web.get(Ask(url=server.url))


def test_an_answer_that_is_too_large_however_it_is_packed(web):
    def bomb(handler):
        send(handler, gzip.compress(b"0" * 10_000_000), Content_Encoding="gzip")

    with loopback(bomb) as server, pytest.raises(FormChanged, match="larger than 1 MiB"):
        web.get(Ask(url=server.url, max_bytes=1 << 20))


def test_an_answer_that_drips():
    """Each piece comes in time and the whole never does; the clock is the test's."""
    ended = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x" * (1 << 16))
        ended.wait(5)

    seconds = itertools.count(0.0, 0.5)
    web = RequestsWeb(seconds=lambda: next(seconds))
    with loopback(drip) as server:
        with pytest.raises(SourceUnreachable, match="not whole after 5 s"):
            web.get(Ask(url=server.url, timeout_s=5))
        ended.set()
    web.close()


def test_no_answer_at_all(web):
    waits = threading.Event()
    with loopback(lambda handler: waits.wait(5)) as server:
        with pytest.raises(SourceUnreachable, match="ReadTimeout"):
            web.get(Ask(url=server.url, timeout_s=0.2))
        waits.set()
    with pytest.raises(SourceUnreachable, match="refused"):
        web.get(Ask(url="http://127.0.0.1:9/"))
    with pytest.raises(SourceUnreachable, match=r"InvalidURL|ConnectionError|LocationParse"):
        web.get(Ask(url="http://127.0.0.1:99999/"))


def test_redirects_are_bounded_and_take_no_secrets_along():
    with loopback(lambda handler: send(handler, b"there")) as there:
        with loopback(
            lambda handler: send(handler, b"", 302, Location=there.url.replace("127.0.0.1", "localhost"))
        ) as here:
            web = RequestsWeb(credentials=Credentials(token=SecretStr("s3cret")))
            assert web.get(Ask(url=here.url)).body == b"there"
            web.close()
        assert here.asked[0].headers["authorization"] == "Bearer s3cret"
        assert "authorization" not in there.asked[0].headers
    circle = RequestsWeb()
    with loopback(lambda handler: send(handler, b"", 302, Location="/again")) as server:
        with pytest.raises(SourceUnreachable, match="TooManyRedirects"):
            circle.get(Ask(url=server.url))
        assert len(server.asked) <= 7
    circle.close()


def test_secrets_come_from_variables_and_mask_themselves(tmp_path, monkeypatch):
    access = Access(user="me", password_variable="PW")
    found = credentials_of(access, {"PW": "s3cret"}, where="source x")
    assert "s3cret" not in repr(found)
    with pytest.raises(SourceRefused, match="the variable PW is not set"):
        credentials_of(access, {}, where="source x")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with loopback(lambda handler: send(handler, b"")) as server:
        for credentials in (found, Credentials()):
            web = RequestsWeb(credentials=credentials)
            web.get(Ask(url=server.url))
            web.close()
    assert server.asked[0].headers["authorization"] == "Basic bWU6czNjcmV0"
    assert "authorization" not in server.asked[1].headers  # ~/.netrc is nobody's business here


@pytest.mark.parametrize(
    ("header", "least"), [("7", 7), ("Mon, 02 Mar 2026 12:20:09 GMT", 9), ("soon", 0), ("999999999999", 60)]
)
def test_a_server_says_how_long_it_wants_to_be_left_alone(header, least):
    naps = Naps()
    web = scripted([reply("", 503, retry_after=header), reply("ok")])
    assert asked(door(web, naps), Ask(url="http://x")).body == b"ok"
    assert least <= naps.taken[0] <= max(least, 30)


def test_a_refusal_is_not_tried_again():
    web = scripted([reply("go away", 403)])
    with pytest.raises(SourceRefused, match=r"answers 403 \(go away\)"):
        asked(door(web), Ask(url="http://x"))
