"""What ``geodata/services.toml`` declares: services, kinds of structures, who offers what, what is shown first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from observatory.declared.reading import Declaration, Flag, Names, Number, Whole, declaration, shaped

FILE: Final = "services.toml"
OTHER_COLOUR: Final = "#333333"
"""Colour of a service that declares none."""


class ServiceDeclaration(Declaration):
    """A service, and what its list lacks; words are French."""

    label: str
    colour: str = OTHER_COLOUR
    """Of its points, the same on the page and in the file."""
    kinds: Names
    """Kinds of structures that offer it by themselves."""
    phases: Names = ()
    """Of a project: whoever accompanies one of them offers it."""
    never: Names = ()
    """Kinds of structures whose phases don't make them offer it."""
    is_complete: Flag
    """The source is said to be exhaustive at its date."""
    completeness: str
    completeness_with: Mapping[str, str] = {}
    """Source → sentence that takes the place of ``completeness`` once it is loaded; ``{known}``, ``{employers}``."""
    expected_count: Whole | None = None
    """Published number of those that there should be in the région."""
    expected_year: Whole | None = None
    expected_note: str | None = None
    capacity_unit: str
    notes: str


class KindDeclaration(Declaration):
    """A kind of structure, as its source names it; words are French."""

    label: str
    capacity_unit: str | None = None
    reasons: Mapping[str, str] = {}
    """Service → why this kind offers it, where the label doesn't tell."""


class Judgement(Declaration):
    """What was established of a structure that may be a ressourcerie."""

    siret: str
    name: str
    verdict: Literal["ressourcerie", "reemploi", "recyclage", "non", "a_confirmer"]
    reason: str
    place_commune_code: str | None = None
    """Commune of its public sales point, where it is known to be in another one than the source says."""
    place_note: str | None = None


class ReuseRule(Declaration):
    """What makes a ressourcerie of a place of reuse; words are French."""

    text: str
    counted: Mapping[str, str]
    """Kind, as the list of public pages writes it, of what may be one → its name."""
    refused: Mapping[str, str]
    """Kind of what never is one → why."""


class SameStructure(Declaration):
    """Two records (``source_id:record_id``) established to be one structure."""

    records: Annotated[tuple[str, str], shaped("doit être une paire de textes")]
    reason: str


class Resolution(Declaration):
    """Likeness of two records, from 0 to 100, from which they are one structure, or are to be judged by hand."""

    threshold: Number
    doubtful: Number
    least_precision: Number
    """Share of the sample's pairs that the threshold must not join wrongly."""


class Kinds(Declaration):
    """Kinds of structures."""

    kinds: Names


class Shown(Declaration):
    """What pages show first."""

    defi: str
    with_every_defi: str
    """Service explained for every défi."""
    on_page_map: Names
    """Services whose structures the page shows at first."""
    on_file_map: Names
    """Services whose structures the map in a file shows."""


class Offer(Declaration):
    """Every service, and the rules that say who offers it."""

    services: Mapping[str, ServiceDeclaration]
    pairs: Mapping[str, str]
    """Défi → service that it is shown with when none is chosen."""
    shown: Shown
    kinds: Mapping[str, KindDeclaration]
    ess_words: Mapping[str, str]
    """Word of a name, in capitals → why it says that the structure is of the ESS."""
    ess_never: Kinds
    """Kinds that no name makes of the ESS."""
    ressourcerie_rule: ReuseRule
    ressourceries: tuple[Judgement, ...]
    same: tuple[SameStructure, ...]
    resolution: Resolution
    ess_families: Mapping[str, str]
    """Start of a legal category of Sirene → family of the ESS; the longest start holds."""

    @property
    def service_labels(self) -> dict[str, str]:
        """Return the French name of each service."""
        return {name: one.label for name, one in self.services.items()}

    @property
    def service_colours(self) -> dict[str, str]:
        """Return the colour of each service's points."""
        return {name: one.colour for name, one in self.services.items()}

    @property
    def kind_labels(self) -> dict[str, str]:
        """Return the French name of each kind of structure."""
        return {name: one.label for name, one in self.kinds.items()}

    @property
    def explained_pairs(self) -> list[tuple[str, str]]:
        """Return the défis and services that a fiche explains in sentences."""
        return [(defi, one) for defi, paired in self.pairs.items() for one in (paired, self.shown.with_every_defi)]

    @property
    def mapped_pairs(self) -> list[tuple[str, str]]:
        """Return the défis and services of the map in a file: each pair, after accompaniment for the first défi."""
        return [(next(iter(self.pairs)), self.shown.with_every_defi), *self.pairs.items()]


def offer() -> Offer:
    """Return what is declared of services.

    Raises
    ------
    InputFileError
        If the declaration is absent or wrong.
    """
    return declaration(FILE, Offer)
