"""A siting question as programs and readers write it, turned into the one that the observatory answers."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from observatory.declared.region import home_region
from observatory.errors import UsageError
from observatory.parameters import LONGEST_THRESHOLD_MIN
from observatory.runs.siting.siting_run import read_siting_study
from observatory.siting.question.options import (
    AIMS,
    DEFAULT_AIMS,
    Closable,
    Costs,
    filters_from,
    joint_from,
    pairs_from,
)
from observatory.siting.question.siting_study import OBJECTIVES, POLES_MAX, SOLUTIONS_MAX, Objective, SitingStudy
from observatory.siting.question.study_file import mesh_named
from observatory.store import read
from observatory.words.numbers import counted

DEFAULT_THRESHOLD_MIN = 20.0


def _not_a_flag(value: object) -> object:
    """Refuse true and false where a number is meant: they would be taken for 1 and 0."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_parsing", "a whole number is expected")
    return value


Whole = Annotated[int, BeforeValidator(_not_a_flag)]
Code = Annotated[str, Field(max_length=120)]
Names = Annotated[list[Code], Field(max_length=1000)]
Pairs = Annotated[list[Annotated[list[Code], Field(min_length=2, max_length=2)]], Field(max_length=500)]


class FiltersRequest(BaseModel):
    """Conditions that a candidate must all meet."""

    model_config = ConfigDict(extra="forbid")
    polygon: dict[str, Any] | None = Field(None, description="Polygon ou MultiPolygon GeoJSON (EPSG:4326).")
    is_qpv: bool = Field(default=False, description="Dans une commune qui a un quartier prioritaire (QPV 2024).")
    is_rural: bool = Field(
        default=False, description="Dans une commune rurale de la grille de densité (5 à 7) ou classée FRR."
    )
    min_population_count: int = Field(0, ge=0, description="Dans une commune d’au moins tant d’habitants.")
    station_max_min: float | None = Field(
        None,
        ge=0,
        le=LONGEST_THRESHOLD_MIN,
        description="À tant de minutes au plus de la mairie d’une commune qui a une gare (BPE).",
    )


class CostsRequest(BaseModel):
    """Costs in relative units: the observatory knows no price."""

    model_config = ConfigDict(extra="forbid")
    note: str = Field(max_length=400, description="D’où viennent ces coûts.")
    site: float = Field(1.0, ge=0, description="Ouvrir un pôle.")
    by_site: dict[str, float] = Field(default_factory=dict, description="Ouvrir un pôle en un lieu, par code.")
    budget: float | None = Field(None, ge=0, description="Dépense au plus ; le nombre de pôles devient un plafond.")


class ClosableRequest(BaseModel):
    """An existing structure that may close."""

    model_config = ConfigDict(extra="forbid")
    code: Code
    closing_cost: float = Field(0.0, ge=0, description="Ce que coûte sa fermeture.")
    saving: float = Field(0.0, ge=0, description="Ce que sa fermeture libère.")


class JointServiceRequest(BaseModel):
    """One service of a joint pole."""

    model_config = ConfigDict(extra="forbid")
    cost: float = Field(ge=0, description="Ce que coûte ce service dans un lieu ouvert.")
    defis: Names | None = Field(None, description="Défis auxquels il répond ; sans eux : tous.")


class JointRequest(BaseModel):
    """A pole whose services are chosen site by site."""

    model_config = ConfigDict(extra="forbid")
    note: str = Field(max_length=400, description="D’où viennent ces coûts.")
    site_cost: float = Field(ge=0, description="Ouvrir un lieu, quels que soient ses services.")
    budget: float = Field(ge=0)
    poles: Whole = Field(ge=1, le=POLES_MAX, description="Lieux au plus.")
    services: dict[str, JointServiceRequest]


class SitingRequest(BaseModel):
    """A siting question: a declared study by its name, or everything that one would declare."""

    model_config = ConfigDict(extra="forbid")
    study: Code | None = Field(
        None, description="Étude livrée avec l’observatoire, seule dans la demande.", examples=[None]
    )
    territory: str = Field(
        "", max_length=60, description="Code d’une commune, d’une intercommunalité ou d’un département."
    )
    defis: Names | dict[str, float] = Field(
        default_factory=list,
        description="Défis, chaque personne concernée comptant pour un ; ou le poids d’une personne par défi.",
        examples=[["vieillissement"], {"insertion": 24, "dechets": 1}],
    )
    services: Names = Field(
        default_factory=list, description="Services ouverts ensemble dans chaque pôle.", examples=[["ressourcerie"]]
    )
    poles: Whole = Field(1, ge=1, le=POLES_MAX, description="Nombre de nouveaux pôles ; sans effet avec lscp.")
    objective: str = Field(
        "mclp",
        max_length=20,
        description=(
            "mclp : le plus de personnes sous le seuil ; p_median : le moins de minutes en tout ; lscp : le moins de "
            "pôles pour que chacun soit sous le seuil ; p_center : le plus éloigné le moins loin possible."
        ),
    )
    threshold_min: float = Field(DEFAULT_THRESHOLD_MIN, gt=0, le=LONGEST_THRESHOLD_MIN, description="Minutes.")
    mesh: str = Field(
        "commune",
        max_length=20,
        description="commune ; ou commune_deleguee : une commune est découpée où toutes ses parts sont connues.",
    )
    catchment: Names = Field(
        default_factory=list,
        description="Territoires voisins : ils comptent dans la concurrence, pas dans le choix.",
    )
    solutions: Whole = Field(3, ge=1, le=SOLUTIONS_MAX, description="Propositions, de la meilleure à la moins bonne.")
    candidates: Names | None = Field(None, description="Codes des lieux candidats ; sans eux : toutes les communes.")
    keep: Names | None = Field(None, description="Structures existantes gardées ouvertes ; sans elles : toutes.")
    filters: FiltersRequest | None = Field(None, description="Conditions que tout candidat remplit.")
    layers: Names = Field(
        default_factory=list,
        description="Lieux saisis par le territoire, seuls candidats : candidats, friches.",
    )
    required: Names = Field(default_factory=list, description="Candidats que toute proposition ouvre.")
    incompatible: Pairs = Field(default_factory=list, description="Paires de candidats jamais ouverts ensemble.")
    forbidden: Pairs = Field(default_factory=list, description="Paires d’une commune et d’un site qui ne la sert pas.")
    costs: CostsRequest | None = Field(None, description="Coûts et budget, en unités déclarées.")
    closable: list[ClosableRequest] = Field(
        default_factory=list, max_length=100, description="Structures qui peuvent fermer."
    )
    capacity_count: float | None = Field(
        None, gt=0, description="Personnes concernées, pondérées, qu’un nouveau pôle peut accueillir."
    )
    joint: JointRequest | None = Field(None, description="Pôle commun : services choisis lieu par lieu.")
    pareto: Names | bool = Field(
        default=False,
        description=f"Buts entre lesquels chercher des compromis, ou true : {', '.join(AIMS)}.",
    )

    def _declared(self, name: str) -> SitingStudy:
        """Return a declared study, to which a request adds nothing."""
        beside = sorted(self.model_fields_set - {"study"})
        if beside:
            raise UsageError(
                f"L’étude « {name} » déclare toute sa question : retirez « {beside[0]} », ou décrivez la question sans "
                "« study »."
            )
        if name not in home_region().studies:
            raise UsageError(f"L’étude « {name} » n’existe pas : choisissez parmi {', '.join(home_region().studies)}.")
        return read_siting_study(name)

    def question(self, connection: Connection) -> SitingStudy:
        """Return the question asked, checked; the communes of the territory are its units."""
        if self.study is not None:
            return self._declared(self.study)
        aims = DEFAULT_AIMS if self.pareto is True else tuple(self.pareto or ())
        if self.objective not in OBJECTIVES:
            raise UsageError(
                f"L’objectif « {self.objective} » n’existe pas : choisissez parmi {', '.join(OBJECTIVES)}."
            )
        code = self.territory.strip()
        if not code:
            raise UsageError("Donnez « territory », le code d’un territoire, ou « study », une étude déclarée.")
        named = read.territory(connection, read.territory_level(connection, code), code)
        weights = self.defis if isinstance(self.defis, dict) else dict.fromkeys(self.defis, 1.0)
        return SitingStudy(
            id="demande",
            title=_title(str(named["name"]), self.objective, self.poles),
            territory=code,
            services=tuple(dict.fromkeys(self.services)),
            defis=weights,
            poles=self.poles,
            objective=cast("Objective", self.objective),
            threshold_min=self.threshold_min,
            mesh=mesh_named(self.mesh),
            catchment=tuple(dict.fromkeys(self.catchment)),
            solutions=self.solutions,
            candidates=None if self.candidates is None else tuple(dict.fromkeys(self.candidates)),
            keep=None if self.keep is None else tuple(dict.fromkeys(self.keep)),
            filters=filters_from({} if self.filters is None else self.filters.model_dump(exclude_none=True)),
            layers=tuple(dict.fromkeys(self.layers)),
            required=tuple(dict.fromkeys(self.required)),
            incompatible=pairs_from(self.incompatible),
            forbidden=pairs_from(self.forbidden, may_repeat=True),
            costs=None if self.costs is None else Costs(**self.costs.model_dump()),
            closable=tuple(Closable(**one.model_dump()) for one in self.closable),
            capacity_count=self.capacity_count,
            joint=None if self.joint is None else joint_from(self.joint.model_dump(exclude_none=True)),
            pareto=aims,
        )


def _title(place: str, objective: str, poles: int) -> str:
    if objective == "lscp":
        return f"{place} : combien de nouveaux pôles pour que chacun soit sous le seuil"
    return f"{place} : où ouvrir {counted(poles, 'nouveau pôle', 'nouveaux pôles', written=str)}"
