"""A siting question as programs and readers write it, turned into the one that the observatory answers."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from observatory.declared.reading import validated
from observatory.declared.region import home_region
from observatory.declared.siting_file import read_siting_study
from observatory.declared.siting_options import (
    AIMS,
    DEFAULT_AIMS,
    CandidateFilters,
    Closable,
    Costs,
    Count,
    Joint,
)
from observatory.declared.siting_study import OBJECTIVES, POLES_MAX, SOLUTIONS_MAX, SitingStudy
from observatory.errors import UsageError
from observatory.parameters import LONGEST_THRESHOLD_MIN
from observatory.store import read
from observatory.words.numbers import counted

DEFAULT_THRESHOLD_MIN = 20.0


NOTE_MAX: Final = 400
Code = Annotated[str, Field(max_length=120)]
Names = Annotated[list[Code], Field(max_length=1000)]
Pairs = Annotated[list[Annotated[list[Code], Field(min_length=2, max_length=2)]], Field(max_length=500)]
Noted = TypeVar("Noted", Costs, Joint)


def _briefly(declared: Noted) -> Noted:
    """Refuse a long word on where costs come from: it is shown with every answer."""
    if len(declared.note) > NOTE_MAX:
        raise PydanticCustomError("string_too_long", "the note is too long", {"max_length": NOTE_MAX})
    return declared


def _few(joint: Joint) -> Joint:
    if joint.poles > POLES_MAX:
        raise PydanticCustomError("less_than_equal", "too many places", {"le": POLES_MAX})
    return joint


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
    poles: Count = Field(1, ge=1, le=POLES_MAX, description="Nombre de nouveaux pôles ; sans effet avec lscp.")
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
    solutions: Count = Field(3, ge=1, le=SOLUTIONS_MAX, description="Propositions, de la meilleure à la moins bonne.")
    candidates: Names | None = Field(None, description="Codes des lieux candidats ; sans eux : toutes les communes.")
    keep: Names | None = Field(None, description="Structures existantes gardées ouvertes ; sans elles : toutes.")
    filters: CandidateFilters | None = Field(None, description="Conditions que tout candidat remplit.")
    layers: Names = Field(
        default_factory=list,
        description="Lieux saisis par le territoire, seuls candidats : candidats, friches.",
    )
    required: Names = Field(default_factory=list, description="Candidats que toute proposition ouvre.")
    incompatible: Pairs = Field(default_factory=list, description="Paires de candidats jamais ouverts ensemble.")
    forbidden: Pairs = Field(default_factory=list, description="Paires d’une commune et d’un site qui ne la sert pas.")
    costs: Annotated[Costs, AfterValidator(_briefly)] | None = Field(
        None, description="Coûts et budget, en unités déclarées."
    )
    closable: list[Closable] = Field(default_factory=list, max_length=100, description="Structures qui peuvent fermer.")
    capacity_count: float | None = Field(
        None, gt=0, description="Personnes concernées, pondérées, qu’un nouveau pôle peut accueillir."
    )
    joint: Annotated[Joint, AfterValidator(_briefly), AfterValidator(_few)] | None = Field(
        None, description="Pôle commun : services choisis lieu par lieu."
    )
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
        asked = {name: value for name, value in self if name != "study" and value is not None}
        title = _title(str(named["name"]), self.objective, self.poles)
        settled = {"id": "demande", "title": title, "territory": code, "defis": weights, "pareto": aims}
        return validated(SitingStudy, {**asked, **settled})


def _title(place: str, objective: str, poles: int) -> str:
    if objective == "lscp":
        return f"{place} : combien de nouveaux pôles pour que chacun soit sous le seuil"
    return f"{place} : où ouvrir {counted(poles, 'nouveau pôle', 'nouveaux pôles', written=str)}"
