"""Feeds: asked for where they changed, kept, checked; a form that changed is said."""

import pytest

from contracts.sources import FeedSource
from forecaster.errors import FormChanged, SourceRefused, SourceUnreachable
from forecaster.sources.feeds import Feeds, read_feed
from forecaster.sources.web import Ask, Door, RequestsWeb
from tests.forecaster.sources.fakes import NOW, FakeWeb, Naps, door, reply, rows
from tests.forecaster.sources.loopback import loopback, send

CSV = b"time,source,destination,value\n2026-03-02T00:00Z,fra,ams,2\n"


def source(url="http://feeds.example/traffic.csv", **settings):
    return FeedSource.model_validate({"name": "feed", "url": url, "table": "traffic", "unit": "gbps", **settings})


def feeds(folder, answer):
    web = FakeWeb(answer)
    return Feeds(folder=folder / "feeds", door=door(web)), web


def conditional(body=CSV, etag='"1"'):
    def answer(ask):
        if ask.headers.get("If-None-Match") == etag:
            return reply(b"", 304)
        return reply(body, etag=etag, last_modified="Mon, 02 Mar 2026 00:00:00 GMT")

    return answer


def test_a_feed_is_sent_once_and_read_twice(tmp_path):
    kept, web = feeds(tmp_path, conditional())
    first, second = read_feed(source(), kept), read_feed(source(), kept)
    assert rows(first) == rows(second) == [("traffic", "fra->ams", 0, 2.0, 1.0)]
    assert web.asks[0].headers == {}
    assert web.asks[1].headers == {
        "If-None-Match": '"1"',
        "If-Modified-Since": "Mon, 02 Mar 2026 00:00:00 GMT",
    }
    assert first.notes == () and second.notes == (f"unchanged since {NOW:%Y-%m-%d %H:%M} UTC",)


def test_telemetry_is_kept_nowhere_but_in_the_history(tmp_path):
    _, web = feeds(tmp_path, conditional())
    kept = Feeds(folder=tmp_path / "feeds", door=door(web), bodies=False)
    assert len(rows(read_feed(source(), kept))) == 1
    assert len(rows(read_feed(source(), kept))) == 1  # nobody said that the history has it: sent again
    assert web.asks[1].headers == {}
    kept.settle(source().url)
    unchanged = read_feed(source(), kept)
    assert rows(unchanged) == [] and unchanged.notes == (f"unchanged since {NOW:%Y-%m-%d %H:%M} UTC",)
    assert [path.suffix for path in kept.folder.iterdir()] == [".json"]


def test_no_secret_of_an_address_is_told_or_kept(tmp_path):
    secret = source("http://feeds.example/t.csv?token=s3cret")
    kept, _ = feeds(tmp_path, lambda ask: reply("no", 500))
    with pytest.raises(SourceUnreachable) as refused:
        read_feed(secret, kept)
    assert "s3cret" not in refused.value.render()
    kept, _ = feeds(tmp_path, conditional())
    read_feed(secret, kept)
    assert all(b"s3cret" not in path.read_bytes() for path in kept.folder.iterdir())
    with pytest.raises(ValueError, match="pattern"):
        source("http://me:s3cret@feeds.example/t.csv")


def test_a_feed_over_a_real_server(tmp_path):
    def answer(handler):
        if handler.headers.get("If-None-Match") == '"1"':
            send(handler, b"", 304)
        else:
            send(handler, CSV, ETag='"1"')

    web = RequestsWeb()
    with loopback(answer) as server:
        kept = Feeds(folder=tmp_path, door=Door(web=web, clock=lambda: NOW, sleep=Naps()))
        fetched = [kept.fetch(Ask(url=f"{server.url}/f.csv")) for _ in range(2)]
    web.close()
    assert [item.changed for item in fetched] == [True, False] and fetched[1].body == CSV


def test_what_was_kept_and_altered_is_asked_for_anew(tmp_path):
    kept, web = feeds(tmp_path, conditional())
    kept.fetch(Ask(url="http://x/a"))
    next(kept.folder.glob("*.body")).write_bytes(b"altered")
    assert kept.fetch(Ask(url="http://x/a")).body == CSV and web.asks[1].headers == {}
    next(kept.folder.glob("*.json")).write_text("{")
    assert kept.fetch(Ask(url="http://x/a")).body == CSV and web.asks[2].headers == {}
    assert kept.fetch(Ask(url="http://x/b")).changed  # another address, another pair of files


def test_while_a_server_is_down_what_was_kept_will_do_where_that_is_said(tmp_path):
    answers = iter([reply(CSV), *[reply("", 503)] * 10])
    kept, _ = feeds(tmp_path, lambda ask: next(answers))
    kept.fetch(Ask(url="http://x/a"))
    stale = kept.fetch(Ask(url="http://x/a"), stale=True)
    assert stale.body == CSV and not stale.changed and isinstance(stale.trouble, SourceUnreachable)
    with pytest.raises(SourceUnreachable, match="answers 503"):
        kept.fetch(Ask(url="http://x/a"))


CHANGED = [
    (reply(CSV.replace(b"value", b"rate")), "column 'rate'", "destination, value"),
    (reply(b"<!DOCTYPE html><html>Sign in</html>", content_type="text/html"), "page for browsers", "the file itself"),
    (reply(b'{"traffic": []}'), "does not end|no column|has a column", ""),
    (reply(CSV.replace(b",2\n", b",much\n")), "'much' is not a finite number", ""),
    (reply(CSV[:-5]), "cut off", ""),
]


@pytest.mark.parametrize(("answer", "said", "expected"), CHANGED)
def test_a_form_that_changed_says_what_was_expected(tmp_path, answer, said, expected):
    kept, _ = feeds(tmp_path, lambda ask: answer)
    with pytest.raises(FormChanged, match=said) as changed:
        read_feed(source(), kept)
    assert expected in changed.value.expected and "feeds.example" in changed.value.where


def test_a_parquet_feed_that_is_none(tmp_path):
    kept, _ = feeds(tmp_path, lambda ask: reply(CSV))
    with pytest.raises(FormChanged, match="not a whole Parquet file"):
        read_feed(source(form="parquet"), kept)


def test_a_feed_that_has_gone(tmp_path):
    kept, _ = feeds(tmp_path, lambda ask: reply("not here", 404))
    with pytest.raises(SourceRefused, match=r"answers 404 \(not here\)"):
        read_feed(source(), kept)
    assert not kept.folder.exists()
