"""What the API answers with, field by field; units are in the names, statuses beside the figures."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field, create_model

from observatory.gap.columns import GAP_COLUMNS


class Problem(BaseModel):
    """A failure (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="Une phrase en français, qui dit quoi faire.")


class TerritorySummary(BaseModel):
    """A territory in a list."""

    level: str
    code: str
    name: str
    vintage: str
    population_count: int | None
    population_status: str
    population_source_id: str | None
    population_method: str | None = Field(
        None,
        description="D’où vient la population : published (publiée), iris_sum (recomposée depuis ses IRIS), "
        "epci_remainder (ce que laisse la population publiée de son EPCI), commune_sum (somme de ses communes).",
    )
    population_period: str | None = Field(None, description="Année du recensement.")
    source_id: str
    is_partial: bool = Field(
        description="Vrai si des communes du territoire sont hors de la région : elles ne sont pas comptées."
    )
    commune_count: int | None
    parent_name: str | None = None
    lon: float | None
    lat: float | None
    is_near: bool = Field(
        default=False, description="Vrai si le nom n’est pas celui demandé, mais à une faute de frappe près."
    )


class TerritoryLink(BaseModel):
    """A parent or a child."""

    level: str
    code: str
    name: str
    population_count: int | None = None


class ZoningClass(BaseModel):
    """The class of a territory in a zoning."""

    zoning: str
    value_code: str
    value_label: str
    vintage: str
    source_id: str


class SourceSummary(BaseModel):
    """A data set: who produced it, under what licence, how complete it is."""

    source_id: str
    title: str
    producer: str
    licence: str
    url: str
    vintage: str
    published_date: str | None
    rhythm: str | None
    coverage: str
    expected_count: int | None
    expected_note: str | None
    row_count: int | None
    checksum: str | None
    completeness_share: float | None = Field(default=None, description="Part de ce qui est attendu ; nul si inconnu.")
    age_days: int | None = Field(default=None, description="Depuis la publication, sinon la fin de la période.")
    freshness: str | None = Field(
        default=None, description="à jour, ancien, périmé, rythme inconnu ou date inconnue, au regard du rythme."
    )
    age_note: str | None = Field(default=None, description="L’âge en français, et depuis quoi.")
    loaded_date: str | None = Field(default=None, description="Jour du dernier chargement (ISO).")
    fetched_date: str | None = Field(
        default=None, description="Jour du téléchargement ; nul pour un fichier donné et pour l’instantané."
    )
    rows_repaired: int | None = Field(
        default=None, description="Lignes gardées dont le contour ou le point a été remis en ordre ; nul si non compté."
    )


class CompletenessRow(BaseModel):
    """What a territory is known to hold of a layer, against the number that somebody published."""

    level: str
    code: str
    name: str
    layer: str = Field(description="Service, ou communes, population, quartiers.")
    label: str
    known_count: int
    expected_count: int | None = Field(description="Nombre publié ; nul si personne n’en a publié à ce niveau.")
    share: float | None
    is_complete: bool = Field(description="La source dit sa liste complète à sa date.")
    expected_note: str | None = Field(description="Qui publie ce nombre, de quand, et où.")
    words: str = Field(description="La même chose en français.")


class CompletenessList(BaseModel):
    """Completeness of every layer in the territories of a level."""

    items: list[CompletenessRow]
    total: int


class TerritoryDetail(TerritorySummary):
    """A territory with its neighbours in the hierarchy, its zonings and its sources."""

    bbox: list[float] | None = Field(description="Ouest, sud, est, nord, en degrés.")
    area_km2: float | None
    is_border: bool
    parents: list[TerritoryLink]
    children: dict[str, list[TerritoryLink]]
    zonings: list[ZoningClass]
    sources: list[SourceSummary]


class TerritoryList(BaseModel):
    """A page of territories."""

    items: list[TerritorySummary]
    total: int
    sources: list[SourceSummary]


class StructureSummary(BaseModel):
    """A structure, the services it offers, where it is and how that is known."""

    structure_id: str
    name: str
    kind: str
    kind_label: str
    services: list[str]
    siret: str | None
    address: str | None
    post_code: str | None
    city: str | None
    commune_code: str | None
    departement_code: str | None
    place_quality: str
    place_label: str = Field(description="La précision du lieu, en français.")
    place_note: str | None
    label: str | None
    is_active: bool
    state: str = Field(description="open, announced, closed ou unknown : ce que ses sources disent.")
    confidence: str = Field(description="sure, likely ou doubtful ; à vérifier (doubtful), la structure ne compte pas.")
    is_closed: bool
    closed_date: str | None
    closed_by: str | None
    period: str
    source_id: str
    lon: float | None
    lat: float | None


class StructureList(BaseModel):
    """A page of structures, and how complete the list is."""

    items: list[StructureSummary]
    total: int
    completeness: dict[str, str]
    sources: list[SourceSummary]


class SourceList(BaseModel):
    """The catalogue."""

    items: list[SourceSummary]
    total: int


ON_DEMAND: Final = (
    ("open_border_typology", str, "Avec closed_border=true : la typologie ordinaire."),
    ("is_border_flip", bool, "Avec closed_border=true : la typologie bascule."),
    (
        "contributions",
        list[dict[str, Any]],
        "Avec explain=true : ce que chaque indicateur apporte au score de besoin.",
    ),
    ("explanation", str, "Avec explain=true : un paragraphe."),
)
"""Columns of a gap analysis beside those of the contract."""
_GAP_FIELDS: Final[dict[str, Any]] = {
    **{column.name: (column.type, Field(description=column.meaning)) for column in GAP_COLUMNS},
    **{name: (kind | None, Field(None, description=meaning)) for name, kind, meaning in ON_DEMAND},
}
GapRow = create_model(
    "GapRow",
    __doc__="One territory in a gap analysis: ``population = served + reachable_full + out_of_reach``.",
    **_GAP_FIELDS,
)


class GapList(BaseModel):
    """A page of a gap analysis, with its parameters, its sources and the name of its run."""

    items: list[GapRow]
    total: int
    parameters: dict[str, Any]
    sources: list[SourceSummary]
    warnings: list[str] = Field(
        default_factory=list,
        description="Ce qu’il faut savoir avant de s’en servir : listes partielles, données périmées.",
    )
    run: str
    profile: dict[str, Any] | None = Field(
        default=None, description="Avec explain : poches, profondeur, quartiers et volumes de toute la région."
    )


class SeriesPoint(BaseModel):
    """One period of a series."""

    period: str
    value: float | None
    status: str


class SeriesSummary(BaseModel):
    """A figure in time, and what it is measured on."""

    indicator: str
    label: str
    unit: str
    basis: str = Field(description="own : le territoire ; communes : somme de communes ; around : une zone plus large.")
    place_level: str
    place_code: str
    place_name: str
    note: str
    source_ids: list[str]
    points: list[SeriesPoint]


class SeriesList(BaseModel):
    """Every series of a territory."""

    items: list[SeriesSummary]
    total: int
    sources: list[SourceSummary]


class ObjectiveRow(BaseModel):
    """What a territory has set itself, and where it stands."""

    level: str
    code: str
    name: str
    defi: str
    indicator: str
    label: str
    unit: str
    baseline_value: float
    baseline_period: str
    target_value: float
    target_period: str
    origin: str = Field(description="Qui l’a décidé, et où c’est écrit.")
    value: float | None = Field(description="Dernier chiffre publié pour le territoire depuis le départ.")
    period: str | None
    progress_share: float | None = Field(description="Part du chemin faite ; nulle si aucun chiffre ne la dit.")
    progress_status: str
    sentence: str


class ObjectiveList(BaseModel):
    """Every objective."""

    items: list[ObjectiveRow]
    total: int


class Health(BaseModel):
    """The state of the service."""

    status: str
