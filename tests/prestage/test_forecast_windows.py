"""Held-back windows lie in parts that are written once and whole: little is written, and nothing half is trusted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecaster.history.envelope import Envelope
from forecaster.history.keyring import Wrapped
from forecaster.history.sealing import Seal
from prestage import forecast_windows
from prestage.forecast_numbers import numbers_from_bytes, numbers_to_bytes
from prestage.forecast_state import forget_earlier_form, forget_kept
from prestage.forecast_windows import WindowFolder, WindowPlace

CHANCE = np.random.default_rng(3)
KEY = Envelope(history="h", secret=bytes(32), wrapped=Wrapped(by="local", version="1", text=""))


def said(*names: str) -> dict[str, np.ndarray]:
    """Windows that are the same for the same name."""
    return {name: np.random.default_rng(ord(name)).gamma(2, 3, (4, 50)) for name in names}


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def place(request, tmp_path) -> WindowPlace:
    return WindowPlace(folder=tmp_path / "dev.windows", environment="dev", code="1", seal=Seal(request.param))


def parts(place: WindowPlace) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in place.folder.iterdir()}


def finds(place: WindowPlace, *names: str) -> bool:
    folder = WindowFolder(place)
    found = [(folder.found(name), window) for name, window in said(*names).items()]
    return all(kept is not None and np.array_equal(kept, window) for kept, window in found)


def test_only_what_is_new_is_written(place):
    assert WindowFolder(place).keep(said(*"abcdef")) == ""
    before = parts(place)
    assert WindowFolder(place).keep(said(*"abcdef")) == "" and parts(place) == before
    assert WindowFolder(place).keep(said(*"bcdefg")) == ""
    (new,) = parts(place).keys() - before.keys()
    assert parts(place) == before | {new: parts(place)[new]}
    assert len(parts(place)[new]) < sum(map(len, before.values())) / 3
    assert finds(place, *"bcdefg") and WindowFolder(place).found("g") is not None


def test_what_cannot_be_asked_again_goes_and_what_is_left_is_put_together(place):
    for names, count in (("abcdefgh", 1), ("defghi", 2), ("efghij", 3), ("ghijkl", 1)):
        WindowFolder(place).keep(said(*names))
        assert len(parts(place)) == count and finds(place, *names)  # six of eight were out of date in the end
    assert WindowFolder(place).found("a") is None
    WindowFolder(place).keep(said("h"))
    assert len(parts(place)) == 1 and finds(place, "h")
    assert WindowFolder(place).found("k") is None


def test_parts_do_not_become_many(place, monkeypatch):
    monkeypatch.setattr(forecast_windows, "MOST_PARTS", 3)
    names = "abcdefgh"
    for end in range(1, len(names) + 1):
        WindowFolder(place).keep(said(*names[:end]))
        assert len(parts(place)) <= 3 and finds(place, *names[:end])


def test_a_part_that_was_cut_anywhere_is_never_trusted(place):
    WindowFolder(place).keep(said("a", "b"))
    ((name, payload),) = parts(place).items()
    for length in range(0, len(payload), 7):
        (place.folder / name).write_bytes(payload[:length])
        folder = WindowFolder(place)
        assert folder.found("a") is folder.found("b") is None
        assert folder.told().startswith("dev.windows is not used: ")
    assert WindowFolder(place).keep(said("a", "b")) == "" and finds(place, "a", "b")


class Killed(BaseException):
    """The process ends here."""


def test_a_forecast_that_is_killed_while_it_writes_leaves_what_was_there(place, monkeypatch):
    """At any of its steps, as far as the disk has got; the next one removes what was left over."""
    WindowFolder(place).keep(said(*"abcd"))
    before = parts(place)

    def killed(*args, **how):
        raise Killed

    for step in ((forecast_windows, "_Index", killed), (Path, "replace", killed)):
        folder = WindowFolder(place)
        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", lambda path, **how: None)  # nobody is there to tidy up
            patched.setattr(*step)
            with pytest.raises(Killed):
                folder.keep(said(*"bcdefg"))
        assert parts(place).items() > before.items()
        assert WindowFolder(place).found("e") is None and finds(place, *"abcd")
    assert WindowFolder(place).keep(said(*"bcdefg")) == "" and finds(place, *"bcdefg")
    assert not list(place.folder.glob(".*"))


def test_what_is_of_another_code_or_environment_is_not_used(place):
    WindowFolder(place).keep(said("a"))
    for other in (replace(place, code="2"), replace(place, environment="prod")):
        folder = WindowFolder(other)
        assert folder.found("a") is None and folder.told().startswith("dev.windows is not used: ")
    WindowFolder(replace(place, code="2")).keep(said("b"))
    assert len(parts(place)) == 1 and finds(replace(place, code="2"), "b")


def test_a_window_under_another_name_does_not_open(place):
    """Somebody who may write there, and has no key, exchanges two windows of like length."""
    WindowFolder(place).keep(said("a", "b"))
    ((name, payload),) = parts(place).items()
    first, second = (payload.index(forecast_windows._stored(place.folder / name, entry)) for entry in
                     WindowFolder(place)._parts[place.folder / name].values())  # fmt: skip
    changed = payload[:first] + payload[second : second + 60] + payload[first + 60 :]
    (place.folder / name).write_bytes(changed)
    folder = WindowFolder(place)
    assert folder.found("a") is None and folder.found("b") is not None
    assert folder.told() == "1 windows of dev.windows did not open and were said again"


@pytest.mark.parametrize(
    "numbers",
    [
        CHANCE.normal(size=(3, 5, 7)).astype(np.float32),
        np.array([[np.nan, -0.0, np.inf, 5e-324, 1e308]]),
        np.arange(256, dtype=np.uint8),
        np.empty((4, 0)),
        np.asfortranarray(CHANCE.normal(size=(6, 4))),
    ],
)
def test_numbers_come_back_to_the_bit(numbers):
    payload = numbers_to_bytes(numbers)
    again = numbers_from_bytes(payload, numbers.dtype.name, numbers.shape)
    assert again.dtype == numbers.dtype and again.shape == numbers.shape and again.tobytes() == numbers.tobytes()


def test_numbers_that_are_alike_take_little_room():
    days = np.tile(CHANCE.gamma(2, 3, (24, 24, 15)), (1, 7, 1))
    assert len(numbers_to_bytes(days)) < days.nbytes / 6
    with pytest.raises(ValueError, match="not what was written"):
        numbers_from_bytes(b"x" * 40, "float64", (5,))


def test_the_form_of_before_makes_room(place):
    place.folder.write_bytes(b"prestage/forecast-windows 1\n")
    assert WindowFolder(place).keep(said("a")) != ""
    assert forget_earlier_form(place.folder.parent, "dev") == ("dev.windows",)
    assert WindowFolder(place).keep(said("a")) == "" and finds(place, "a")
    assert forget_kept(place.folder.parent, "dev") == ("dev.windows",)
    assert not list(place.folder.parent.iterdir())


def test_a_foreign_part_does_not_hide_what_is_good(place):
    WindowFolder(place).keep(said(*"abcdefgh"))
    ((good, payload),) = parts(place).items()
    (place.folder / "0").touch()
    (place.folder / "1").write_bytes(b"another's")
    folder = WindowFolder(place)
    assert folder.found("a") is not None
    assert folder.told() == ("2 of 3 parts of dev.windows are not used: is nothing that a forecast kept, or cut off")
    (place.folder / good).write_bytes(payload[:100] + bytes([payload[100] ^ 1]) + payload[101:])
    assert folder.found("a") is None
    assert folder.told().endswith("cut off; 1 windows of dev.windows did not open and were said again")
    assert folder.keep(said(*"abcdefgh")) == "" and finds(place, *"abcdefgh")
    assert not parts(place).keys() & {"0", "1"}


def test_forecasts_at_the_same_time_write_one_after_the_other(place):
    """What another has written since is neither lost nor written again."""
    first, second = WindowFolder(place), WindowFolder(place)
    assert first.keep(said(*"abcdef")) == ""
    assert second.keep(said(*"abcdefgh")) == ""
    assert len(parts(place)) == 2 and finds(place, *"abcdefgh")
    assert sum(map(len, parts(place).values())) < 1.3 * sum(window.nbytes for window in said(*"abcdefgh").values())


def test_parts_that_another_forecast_puts_together_are_not_missed(place, monkeypatch):
    names = "abcdefghijkl"
    for end in (4, 8, 11):
        WindowFolder(place).keep(said(*names[:end]))
    late = WindowFolder(place)
    monkeypatch.setattr(forecast_windows, "MOST_PARTS", 3)
    assert WindowFolder(place).keep(said(*names)) == "" and len(parts(place)) == 1
    assert late.found("a") is None and late.told() == ""  # it is gone, not damaged
    before = parts(place)
    assert late.keep(said(*names)) == "" and parts(place) == before and finds(place, *names)


def test_windows_that_lie_there_twice_go(place, tmp_path):
    other = replace(place, folder=tmp_path / "other")
    WindowFolder(place).keep(said(*"ab"))
    WindowFolder(other).keep(said(*"ab"))
    ((name, payload),) = parts(other).items()
    (place.folder / name).write_bytes(payload)
    assert WindowFolder(place).keep(said(*"ab")) == "" and len(parts(place)) == 1 and finds(place, *"ab")


def test_a_folder_that_cannot_be_written_is_told(place, monkeypatch):
    def full(path: Path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(forecast_windows, "written_whole", full)
    assert WindowFolder(place).keep(said("a")) == "dev.windows cannot be written: No space left on device"
