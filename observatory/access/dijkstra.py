# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments
"""Compiled bounded shortest paths, from many origins to what lies within a time (numba, GIL released).

Labels wait in buckets of time rather than in a heap: a push or a pop is a few sequential writes, with nothing to
compare. A label bettered within its own bucket is simply taken again, so that distances are exact.

References
----------
Dijkstra (1959), « A note on two problems in connexion with graphs », Numerische Mathematik 1, 269–271; buckets after
Dial (1969), « Algorithm 360: shortest-path forest with topological ordering », Communications of the ACM 12(11).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from observatory.access.pairs import Floats, Indices

Nodes = NDArray[np.int32]

N_BUCKETS = 4096
"""Buckets between 0 and the limit: an arc is nearly always longer than one."""


@njit(cache=True, nogil=True, error_model="numpy")
def reach(
    indptr: Indices,
    target: Nodes,
    minutes: Floats,
    seed_node: Nodes,
    seed_min: Floats,
    limit_min: float,
    distance: Floats,
    bucket: Nodes,
    label_node: Nodes,
    label_next: Nodes,
    label_min: Floats,
    labelled: Nodes,
) -> int:
    """Write the minutes to every node within the limit of the seeds; return how many there are.

    ``distance`` ``(n_nodes,)`` must be ``inf`` and ``bucket`` ``(N_BUCKETS + 1,)`` −1 everywhere; the caller puts the
    former back from ``labelled`` ``(n_nodes,)``, which lists the nodes. Returns the complement (``~n``) of how many
    are listed if the three arrays of labels were too short: both must then be put back, and longer ones given.
    """
    # Arrays are never replaced here: that would cost more, in reference counts, than everything else together.
    scale = N_BUCKETS / max(limit_min, 1e-9)
    n_labels, n_labelled, top, room = 0, 0, -1, label_node.size
    for k in range(seed_node.size):
        node = seed_node[k]
        if node >= 0 and seed_min[k] <= limit_min and seed_min[k] < distance[node]:
            if distance[node] == np.inf:
                labelled[n_labelled] = node
                n_labelled += 1
            distance[node] = seed_min[k]
            slot = min(int(seed_min[k] * scale), N_BUCKETS)
            label_node[n_labels], label_min[n_labels], label_next[n_labels] = node, seed_min[k], bucket[slot]
            bucket[slot] = n_labels
            n_labels += 1
            top = max(top, slot)
    current = 0
    while current <= top:
        label = bucket[current]
        if label < 0:
            current += 1
            continue
        bucket[current] = label_next[label]
        node, here = label_node[label], label_min[label]
        if here > distance[node]:
            continue
        for arc in range(indptr[node], indptr[node + 1]):
            there, reached = target[arc], here + minutes[arc]
            if reached <= limit_min and reached < distance[there]:
                if n_labels == room:
                    return ~n_labelled
                if distance[there] == np.inf:
                    labelled[n_labelled] = there
                    n_labelled += 1
                distance[there] = reached
                slot = min(int(reached * scale), N_BUCKETS)
                label_node[n_labels], label_min[n_labels], label_next[n_labels] = there, reached, bucket[slot]
                bucket[slot] = n_labels
                n_labels += 1
                top = max(top, slot)
    return n_labelled


@njit(cache=True, nogil=True, error_model="numpy")
def gather(
    distance: Floats,
    labelled: Nodes,
    arrival_start: Indices,
    arrival_destination: Nodes,
    arrival_min: Floats,
    limit_min: float,
    best: Floats,
    touched: Nodes,
) -> int:
    """Write the best minutes to each destination and which were reached; return how many."""
    n_touched = 0
    for node in labelled:
        for arrival in range(arrival_start[node], arrival_start[node + 1]):
            total = distance[node] + arrival_min[arrival]
            destination = arrival_destination[arrival]
            if total <= limit_min and total < best[destination]:
                if best[destination] == np.inf:
                    touched[n_touched] = destination
                    n_touched += 1
                best[destination] = total
    return n_touched


@njit(cache=True, nogil=True)
def many_to_many(
    indptr: Indices,
    target: Nodes,
    minutes: Floats,
    seed_node: Nodes,
    seed_min: Floats,
    arrival_start: Indices,
    arrival_destination: Nodes,
    arrival_min: Floats,
    n_destinations: int,
    limit_min: float,
    first_origin: int,
    last_origin: int,
    count: Indices,
) -> tuple[Nodes, Floats]:
    """Return destinations and minutes of origins ``first_origin`` to ``last_origin``, one after the other.

    ``seed_node, seed_min`` ``(n_origins, n_seeds)``: where each origin enters the network (−1: nowhere).
    ``arrival_*``: compressed rows giving, for each node, the destinations it leads to and the minutes left from it.
    ``count[i]`` receives how many destinations origin ``i`` reaches; they come in increasing order.
    """
    n_nodes, room = indptr.size - 1, 2 * target.size + 16
    distance, labelled = np.full(n_nodes, np.inf), np.empty(n_nodes, np.int32)
    bucket = np.full(N_BUCKETS + 1, -1, np.int32)
    label_node, label_next, label_min = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
    best, touched = np.full(n_destinations, np.inf), np.empty(n_destinations, np.int32)
    found, cost, size = np.empty(4096, np.int32), np.empty(4096), 0
    origin = first_origin
    while origin < last_origin:
        n_labelled = reach(
            indptr,
            target,
            minutes,
            seed_node[origin],
            seed_min[origin],
            limit_min,
            distance,
            bucket,
            label_node,
            label_next,
            label_min,
            labelled,
        )
        if n_labelled < 0:
            distance[labelled[:~n_labelled]] = np.inf
            bucket[:] = -1
            room *= 2
            label_node, label_next, label_min = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
            continue
        nodes = labelled[:n_labelled]
        n_touched = gather(distance, nodes, arrival_start, arrival_destination, arrival_min, limit_min, best, touched)
        distance[nodes] = np.inf
        reached = np.sort(touched[:n_touched])
        if size + n_touched > found.size:
            larger, dearer = np.empty(2 * (size + n_touched), np.int32), np.empty(2 * (size + n_touched))
            larger[:size], dearer[:size] = found[:size], cost[:size]
            found, cost = larger, dearer
        found[size : size + n_touched], cost[size : size + n_touched] = reached, best[reached]
        best[reached] = np.inf
        size += n_touched
        count[origin] = n_touched
        origin += 1
    return found[:size].copy(), cost[:size].copy()
