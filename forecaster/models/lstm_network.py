"""The network of the family `lstm`, and how it learns; imported late, because it needs jax (extra `lstm`) (pure).

An LSTM (Hochreiter and Schmidhuber 1997) reads the past block by block; one small perceptron then says every step ahead
from the LSTM's last state and what is known of that step, all levels at once, by pinball loss: a multi-horizon quantile
recurrent forecaster (Wen et al. 2017, arXiv 1711.11053). Adam after Kingma and Ba 2015, its rate falling by a cosine.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from forecaster.models.lstm_windows import Windowed
from forecaster.models.model import LEVEL, MEDIAN

Weights = dict[str, "jax.Array"]
Arrays = dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"]

HIDDEN, WIDE = 40, 64
RATE, DECAY, DECAY_SQUARES, TINY = 4e-3, 0.9, 0.99, 1e-8
FIRST_GAP = 0.05  # between neighbouring levels before anything was learned, in levels of the series
ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}  # the same sums on any number of cores


def begin(block: int, known: int, seed: int) -> Arrays:
    """Weights before anything was learned: of a past of `block` numbers a step, `known` of each step ahead."""
    chance = np.random.default_rng(seed)

    def drawn(rows: int, columns: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        return chance.normal(0.0, 1.0 / np.sqrt(rows), (rows, columns)).astype(np.float32)

    remember = np.zeros(4 * HIDDEN, np.float32)
    remember[HIDDEN : 2 * HIDDEN] = 1.0  # the forget gate begins open (Jozefowicz et al. 2015)
    gaps = np.full(len(LEVEL), np.log(np.expm1(FIRST_GAP)), np.float32)
    gaps[MEDIAN] = 0.0
    return {
        "read": drawn(block, 4 * HIDDEN),
        "keep": drawn(HIDDEN, 4 * HIDDEN),
        "gates": remember,
        "state": drawn(HIDDEN, WIDE),
        "step": drawn(known, WIDE),
        "bend": np.zeros(WIDE, np.float32),
        "say": 0.1 * drawn(WIDE, len(LEVEL)),
        "gaps": gaps,
    }


def said(weights: Weights, past: "jax.Array", known: "jax.Array", base: "jax.Array") -> "jax.Array":
    """Quantiles (windows, steps, levels), ordered, in levels of the series.

    Args:
        weights: of the network.
        past: (windows, blocks, numbers).
        known: of each step ahead, (windows, steps, features).
        base: what the median is a correction of, (windows, steps).
    """

    def read(state: "tuple[jax.Array, jax.Array]", block: "jax.Array") -> "tuple[tuple[jax.Array, jax.Array], None]":
        told, cell = state
        gates = block @ weights["read"] + told @ weights["keep"] + weights["gates"]
        enter, forget, tell, new = jnp.split(gates, 4, axis=-1)
        cell = jax.nn.sigmoid(forget) * cell + jax.nn.sigmoid(enter) * jnp.tanh(new)
        return (jax.nn.sigmoid(tell) * jnp.tanh(cell), cell), None

    nothing = jnp.zeros((past.shape[0], HIDDEN), jnp.float32)
    (last, _), _ = jax.lax.scan(read, (nothing, nothing), jnp.swapaxes(past, 0, 1))
    bent = jax.nn.relu((last @ weights["state"])[:, None] + known @ weights["step"] + weights["bend"])
    raw = bent @ weights["say"] + weights["gaps"]
    middle = base[..., None] + raw[..., MEDIAN : MEDIAN + 1]
    below = jnp.cumsum(jax.nn.softplus(raw[..., :MEDIAN])[..., ::-1], axis=-1)[..., ::-1]
    above = jnp.cumsum(jax.nn.softplus(raw[..., MEDIAN + 1 :]), axis=-1)
    return jnp.concatenate([middle - below, middle, middle + above], axis=-1)


def _loss(weights: Weights, batch: "tuple[jax.Array, ...]") -> "jax.Array":
    """Mean pinball loss of the known targets, each counting by its weight."""
    past, known, base, target, weight = batch
    level = jnp.asarray(LEVEL, jnp.float32)
    miss = target[..., None] - said(weights, past, known, base)
    pinball = jnp.maximum(level * miss, (level - 1) * miss).mean(axis=-1)
    return (pinball * weight).sum() / jnp.maximum(weight.sum(), 1e-6)


def learned(windows: Windowed, picks: "np.ndarray[tuple[int, int], np.dtype[np.int64]]", seed: int) -> Arrays:
    """Weights after one step of Adam for each row of `picks`, which names the windows of its batch."""
    first = begin(windows.past.shape[2], windows.known.shape[2], seed)
    parts = (windows.past, windows.known, windows.base, windows.target, windows.weight)
    last = _train()(first, parts, picks)
    return {name: np.asarray(one, dtype=np.float32) for name, one in last.items()}


def spoken(weights: Arrays, windows: Windowed) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    """What the network says of each window."""
    return np.asarray(_say()(weights, windows.past, windows.known, windows.base))


@cache
def _say():  # type: ignore[no-untyped-def]  # JAX says no type of what it compiles
    return jax.jit(said, compiler_options=ONE_THREAD)


@cache
def _train():  # type: ignore[no-untyped-def]  # JAX says no type of what it compiles
    return jax.jit(_trained, compiler_options=ONE_THREAD)


def _trained(first: Weights, windows: "tuple[jax.Array, ...]", picks: "jax.Array") -> Weights:
    rates = RATE * 0.5 * (1 + jnp.cos(jnp.pi * jnp.arange(len(picks)) / len(picks)))
    nothing = {name: jnp.zeros_like(one) for name, one in first.items()}

    def step(
        state: tuple[Weights, Weights, Weights], turn: "tuple[jax.Array, jax.Array, jax.Array]"
    ) -> tuple[tuple[Weights, Weights, Weights], None]:
        weights, mean, squares = state
        number, pick, rate = turn
        slope = jax.grad(_loss)(weights, tuple(one[pick] for one in windows))
        mean = {name: DECAY * mean[name] + (1 - DECAY) * slope[name] for name in slope}
        squares = {name: DECAY_SQUARES * squares[name] + (1 - DECAY_SQUARES) * slope[name] ** 2 for name in slope}
        moved = {
            name: weights[name]
            - rate * (mean[name] / (1 - DECAY**number)) / (jnp.sqrt(squares[name] / (1 - DECAY_SQUARES**number)) + TINY)
            for name in slope
        }
        return (moved, mean, squares), None

    turns = (jnp.arange(1, len(picks) + 1), picks, rates)
    (last, _, _), _ = jax.lax.scan(step, (first, nothing, nothing), turns)
    return last
