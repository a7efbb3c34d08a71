"""Least-cost cover of a narrow band of units, exactly: dynamic programming along it, one uncovered unit at a time.

The units are numbered along the band. A state says which units are covered, as bits counted from the first that is not;
two ways to the same state keep the cheaper, and a state that covers less for more is dropped. Costs are counted as
*excess* over the sum of the units' prices (a dual solution of the linear cover): what the columns cost above the prices
of the units that they cover, and the price of every unit covered once too often. A state whose excess, with what the
units beyond its reach will cost at least, passes the limit is dropped too, and that is what keeps the states few.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from observatory.siting.solvers.solution import Booleans, Floats, Indices
from observatory.siting.solvers.sorted_rows import Columns

Masks = NDArray[np.uint64]

WORD = 64
_DOMINATING_MAX = 200
"""States of a unit, cheapest first, against which the others are held (convention)."""
_ZERO, _ONE, _BYTE = np.uint64(0), np.uint64(1), np.uint64(255)


@njit(cache=True, nogil=True)
def masks(row_start: Indices, row_group: Indices, group_start: Indices, group_row: Indices, words: int) -> Masks:
    """Return, for each pair (unit, column), the bits of the units that the column covers from this unit on.

    Parameters
    ----------
    row_start, row_group
        The columns of each unit, in compressed form.
    group_start, group_row
        The units of each column, in rising order.
    words
        Number of 64-bit words of a mask; the widest column must fit.
    """
    out = np.zeros((row_group.size, words), np.uint64)
    for u in range(row_start.size - 1):
        for b in range(row_start[u], row_start[u + 1]):
            g = row_group[b]
            for a in range(group_start[g], group_start[g + 1]):
                bit = group_row[a] - u
                if bit >= 0:
                    out[b, bit >> 6] |= _ONE << np.uint64(bit & 63)
    return out


@njit(cache=True, nogil=True, inline="always")
def _zeros_below(word: np.uint64) -> int:
    """Return the number of zero bits under the lowest one of a word that is not null."""
    n = 0
    for step in (32, 16, 8, 4, 2, 1):
        if word & ((_ONE << np.uint64(step)) - _ONE) == _ZERO:
            n += step
            word >>= np.uint64(step)
    return n


@njit(cache=True, nogil=True, inline="always")
def _length(word: np.uint64) -> int:
    """Return the position after the highest bit of a word."""
    n = 0
    for step in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(step) != _ZERO:
            n += step
            word >>= np.uint64(step)
    return n + 1 if word != _ZERO else n


@njit(cache=True, nogil=True)
def _sums(first: int, price: Floats, out: Floats) -> None:
    """Fill the sums of prices that each byte of a mask stands for, ``first`` being the unit of bit 0."""
    for byte in range(out.shape[0]):
        out[byte, 0] = 0.0
        for bit in range(8):
            unit = first + 8 * byte + bit
            worth = price[unit] if unit < price.size else 0.0
            for low in range(1 << bit):
                out[byte, low + (1 << bit)] = out[byte, low] + worth


@njit(cache=True, nogil=True)
def _worth(mask: Masks, sums: Floats) -> float:
    """Return the sum of the prices of the units of a mask."""
    total = 0.0
    for w in range(mask.size):
        word, byte = mask[w], 8 * w
        while word != _ZERO:
            total += sums[byte, word & _BYTE]
            word >>= np.uint64(8)
            byte += 1
    return total


@njit(cache=True, nogil=True)
def _is_within(small: Masks, large: Masks) -> bool:
    for w in range(small.size):  # noqa: SIM110 - numba
        if small[w] & ~large[w] != _ZERO:
            return False
    return True


@njit(cache=True, nogil=True)
def _distinct(
    head: int, count: int, mask: Masks, excess: Floats, after: Indices, parent: Columns, by: Columns, free: int
) -> tuple[Indices, int]:
    """Return the states of a list with different masks, each the cheapest, and the new head of the free ones."""
    size = 16
    while size < 2 * count:
        size *= 2
    table, found, n = np.full(size, -1, np.int64), np.empty(count, np.int64), 0
    state = head
    while state >= 0:
        following = after[state]
        hashed = np.uint64(1469598103934665603)
        for w in range(mask.shape[1]):
            hashed = (hashed ^ mask[state, w]) * np.uint64(1099511628211)
            hashed ^= hashed >> np.uint64(29)
        slot, same = np.int64(hashed & np.uint64(size - 1)), -1
        while table[slot] >= 0 and same < 0:
            other = table[slot]
            if _is_within(mask[state], mask[other]) and _is_within(mask[other], mask[state]):
                same = other
            else:
                slot = (slot + 1) & (size - 1)
        if same < 0:
            table[slot], found[n] = state, state
            n += 1
        else:
            if excess[state] < excess[same]:
                excess[same], parent[same], by[same] = excess[state], parent[state], by[state]
            after[state], free = free, state
        state = following
    return found[:n], free


@njit(cache=True, nogil=True)
def _undominated(states: Indices, mask: Masks, excess: Floats, sums: Floats, limit: float) -> Booleans:
    """Tell which states stay: within the limit, and not both dearer and covering less than another."""
    keep = np.zeros(states.size, np.bool_)
    paid = np.empty(states.size)
    for k in range(states.size):
        paid[k] = excess[states[k]] + _worth(mask[states[k]], sums)
    better, n = np.empty(_DOMINATING_MAX, np.int64), 0
    for k in np.argsort(paid):
        state = states[k]
        keep[k] = excess[state] <= limit
        for z in range(n):
            keep[k] = keep[k] and not _is_within(mask[state], mask[better[z]])
        if keep[k] and n < _DOMINATING_MAX:
            better[n] = state
            n += 1
    return keep


@njit(cache=True, nogil=True)
def _first_gap(mask: Masks) -> int:
    """Return the lowest bit that is not set."""
    for w in range(mask.size):
        if ~mask[w] != _ZERO:
            return WORD * w + _zeros_below(~mask[w])
    return WORD * mask.size


@njit(cache=True, nogil=True)
def _reach(mask: Masks) -> int:
    """Return the position after the highest bit set."""
    for w in range(mask.size - 1, -1, -1):
        if mask[w] != _ZERO:
            return WORD * w + _length(mask[w])
    return 0


@njit(cache=True, nogil=True)
def _shift(mask: Masks, by: int, out: Masks) -> None:
    """Write a mask without its ``by`` lowest bits."""
    words, bits = by >> 6, np.uint64(by & 63)
    for w in range(mask.size):
        word = _ZERO
        if w + words < mask.size:
            word = mask[w + words] >> bits
            if bits > _ZERO and w + words + 1 < mask.size:
                word |= mask[w + words + 1] << (np.uint64(WORD) - bits)
        out[w] = word


@njit(cache=True, nogil=True)
def _twice(mask: Masks, excess: Floats, after: Indices, parent: Columns, by: Columns):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Return the arrays of states with twice the room."""
    n = excess.size
    return (
        np.concatenate((mask, np.empty((n, mask.shape[1]), np.uint64))),
        np.concatenate((excess, np.empty(n))),
        np.concatenate((after, np.empty(n, np.int64))),
        np.concatenate((parent, np.empty(n, np.int32))),
        np.concatenate((by, np.empty(n, np.int32))),
    )


@njit(cache=True, nogil=True)
def sweep(
    row_start: Indices,
    row_group: Indices,
    row_mask: Masks,
    row_excess: Floats,
    price: Floats,
    limit: float,
    rest: Floats,
    most_states: int,
    reached: Floats,
    chosen: Indices,
) -> tuple[float, int, int]:
    """Return the least excess of a cover, the number of its columns, and the states looked at (-1 if given up).

    Parameters
    ----------
    row_start, row_group, row_mask
        The columns of each unit in the order of the band, in compressed form, and their :func:`masks`.
    row_excess
        Per pair (unit, column): what the column costs above the prices of the units that it covers, plus the prices of
        those of them that stand before the unit; rising within a unit.
    price
        ``(n,)`` prices of the units, not negative.
    limit
        Covers of more excess are not looked for; infinity is returned if there is no other.
    rest
        ``(n + 1,)`` least excess of the columns that cover the units from this one on; zeros if unknown.
    most_states
        States after which the search is given up.
    reached
        ``(n + 1,)`` filled with the least excess of a choice of columns after which this unit is the first uncovered.
    chosen
        ``(n,)`` filled with the columns of the cover.
    """
    n, words, room = row_start.size - 1, row_mask.shape[1], 1 << 12
    mask, excess, after = np.zeros((room, words), np.uint64), np.zeros(room), np.full(room, -1, np.int64)
    parent, by = np.full(room, -1, np.int32), np.full(room, -1, np.int32)
    head, count, free, used = np.full(n, -1, np.int64), np.zeros(n, np.int64), -1, 1
    head[0], count[0] = 0, 1
    line, column, n_line = np.empty(room, np.int32), np.empty(room, np.int32), 0
    best, last, last_column = np.inf, -1, -1
    joined, both = np.empty(words, np.uint64), np.empty(words, np.uint64)
    sums = np.empty((8 * words, 256))
    reached[:] = np.inf
    for u in range(n):
        if count[u] == 0:
            continue
        _sums(u, price, sums)
        states, free = _distinct(head[u], count[u], mask, excess, after, parent, by, free)
        keep = _undominated(states, mask, excess, sums, min(limit, best))
        for k in range(states.size):
            if not keep[k]:
                continue
            if n_line == most_states:
                return np.inf, 0, -1
            if n_line == line.size:
                line = np.concatenate((line, np.empty(n_line, np.int32)))
                column = np.concatenate((column, np.empty(n_line, np.int32)))
            state, here = states[k], n_line
            line[here], column[here] = parent[state], by[state]
            n_line += 1
            for b in range(row_start[u], row_start[u + 1]):
                total = excess[state] + row_excess[b]
                if total > limit or total >= best:
                    break
                for w in range(words):
                    both[w] = mask[state, w] & row_mask[b, w]
                    joined[w] = mask[state, w] | row_mask[b, w]
                total += _worth(both, sums)
                gap = _first_gap(joined)
                unit, beyond = u + gap, u + _reach(joined)
                if total > limit or total >= best or total + rest[min(max(unit, beyond), n)] > limit:
                    continue
                reached[min(unit, n)] = min(reached[min(unit, n)], total)
                if unit >= n:
                    best, last, last_column = total, here, row_group[b]
                    continue
                if free >= 0:
                    new, free = free, after[free]
                else:
                    if used == excess.size:
                        mask, excess, after, parent, by = _twice(mask, excess, after, parent, by)
                    new, used = used, used + 1
                _shift(joined, gap, mask[new])
                excess[new], parent[new], by[new] = total, here, row_group[b]
                after[new], head[unit] = head[unit], new
                count[unit] += 1
        for k in range(states.size):
            after[states[k]], free = free, states[k]
    size = 0
    while last >= 0:
        chosen[size] = last_column
        size += 1
        last_column, last = column[last], line[last]
    return best, size, n_line
