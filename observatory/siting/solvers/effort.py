"""How far each search goes before it gives way to the next, and what the exact ones are done by: frozen, by keyword."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from observatory.siting.solvers.branch import Outcome, solve
from observatory.siting.solvers.milp import Answer, Model, minimise
from observatory.siting.solvers.solution import Booleans, Floats
from observatory.siting.solvers.sorted_rows import Rows


class TreeSearch(Protocol):
    """Branch and bound on sorted rows: :func:`observatory.siting.solvers.branch.solve` or what stands for it."""

    def __call__(
        self,
        rows: Rows,
        p: int,
        *,
        deadline: float,
        tolerance: float,
        unit: float = 0.0,
        closed: Booleans | None = None,
        opened: Booleans | None = None,
    ) -> Outcome:
        """Return the ``p`` columns that serve the rows at least cost, with a proved bound."""


class MixedInteger(Protocol):
    """A mixed-integer solver: :func:`observatory.siting.solvers.milp.minimise` or what stands for it."""

    def __call__(
        self,
        model: Model,
        *,
        time_limit_s: float,
        tolerance: float,
        seed: int,
        start: Floats | None = None,
        absolute_gap: float = 0.0,
    ) -> Answer:
        """Return the values of a model and a proved bound."""


@dataclass(frozen=True, kw_only=True)
class BandEffort:
    """What the bound of a cover by bands may take (every figure: convention)."""

    sites_of_a_band: int = 12
    """Sites that a band needs at first, about."""
    units_of_a_band: int = 330
    """Units that a band has at most."""
    first_states: int = 250_000
    """States that the first walk of a band may take."""
    widening: int = 13_000_000
    """Effort that the first walks of all bands may take together; the widest such bands are begun with.

    A state costs ten, and 1 for each column that covers a unit on average.
    """
    joined_states: int = 300_000
    """States allowed to a band that joins two others."""
    is_joining: bool = True
    """Whether neighbouring bands are joined where moving the shares helps no more."""
    states_max: int = 4_000_000
    """States allowed to any walk (memory: about 100 bytes each)."""
    least_gain: float = 0.02
    """Gain in sight under which bands are joined."""
    strips_share: float = 0.6
    """States given to the strips covered anew, as a share of those of the bands; 0: the cover stays as it is given."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Limits of the searches of every solver; the defaults are those of the observatory (every figure: convention)."""

    tree: TreeSearch = solve
    """What searches p-medians, and maximal covers first."""
    mixed_integer: MixedInteger = minimise
    """What closes maximal covers and smallest covers, and solves capacities and limits."""
    highs_pairs_max: int = 1_000_000
    """Covered pairs after reduction above which the tree alone searches a maximal cover: HiGHS would not finish."""
    exact_pairs_max: int = 40_000
    """Pairs up to which HiGHS is given a whole model with capacities; beyond, sites come from a local search."""
    proof_pairs_max: int = 600_000
    """Pairs (unit, column) beyond which the prices alone bound a smallest cover."""
    split_units_min: int = 150
    """Units under which HiGHS alone is quicker than bands."""
    price_steps: int = 3_000
    """Steps of the prices that bound a smallest cover, at most."""
    block_steps: int = 30_000_000
    """Elementary steps of the local search of a cover between two looks at the clock: about a tenth of a second."""
    blocks_max: int = 1_000_000
    """Blocks of the local search of a cover at most; 0: it starts from the greedy cover and stays there."""
    quiet_blocks: int = 40
    """Blocks without a smaller cover after which the local search gives way."""
    quiet_blocks_before_proof: int = 8
    """The same where a proof follows, which goes on searching by strips."""
    bands: BandEffort = field(default_factory=BandEffort)


USUAL: Final = Effort()
"""What the solvers do unless they are told otherwise."""
