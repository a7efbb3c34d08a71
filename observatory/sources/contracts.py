"""What the snapshot's tables must be: columns, types, keys, and links between them (pandera)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrors

import geodata
from observatory.errors import InputFileError

LEVELS: Final = (
    "region",
    "departement",
    "epci",
    "commune",
    "commune_deleguee",
    "qpv",
    "bassin_vie",
    "zone_emploi",
    "iris",
)
STATUSES: Final = ("observed", "estimated", "suppressed", "missing")
PLACE_QUALITIES: Final = ("address", "commune_centre", "town_hall", "unknown")
PERIOD: Final = r"^\d{4}(-(\d{2}|T[1-4]))?$"
SHOWN: Final = 3
"""Examples of what is wrong shown in a message."""


def _text(*, null: bool = False, checks: pa.Check | None = None, unique: bool = False) -> pa.Column:
    return pa.Column(object, nullable=null, checks=checks, unique=unique)


def _code(values: tuple[str, ...]) -> pa.Column:
    return _text(checks=pa.Check.isin(values))


def _schema(columns: dict[str, pa.Column], unique: list[str] | None = None) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, unique=unique, strict=True, coerce=False)


def _number(*, null: bool = True) -> pa.Column:
    return pa.Column("float64", nullable=null)


def schemas() -> dict[str, pa.DataFrameSchema]:
    """Return the contract of each table of the snapshot, by name."""
    return {
        "territories": _schema(
            {
                "level": _code(LEVELS),
                "code": _text(),
                "name": _text(checks=pa.Check.str_length(min_value=1)),
                "vintage": _text(),
                "population_count": pa.Column("Int64", pa.Check.ge(0), nullable=True),
                "population_status": _code(STATUSES),
                "population_source_id": _text(null=True),
                "source_id": _text(),
                "is_border": pa.Column(bool),
                "is_partial": pa.Column(bool),
                "commune_count": pa.Column("Int64", pa.Check.gt(0), nullable=True),
                "point_x_m": _number(),
                "point_y_m": _number(),
                "geometry": pa.Column(None, nullable=True),
            },
            unique=["level", "code"],
        ),
        "territory_links": _schema(
            {
                "child_level": _code(LEVELS),
                "child_code": _text(),
                "parent_level": _code(LEVELS),
                "parent_code": _text(),
                "vintage": _text(),
                "source_id": _text(),
            },
            unique=["child_level", "child_code", "parent_level", "parent_code"],
        ),
        "values": _schema(
            {
                "level": _code(LEVELS),
                "code": _text(),
                "indicator": _text(),
                "period": _text(checks=pa.Check.str_matches(PERIOD)),
                "value": _number(),
                "status": _code(STATUSES),
                "source_id": _text(),
            },
            unique=["level", "code", "indicator", "period"],
        ),
        "zonings": _schema(
            {
                name: _text()
                for name in ("level", "code", "zoning", "value_code", "value_label", "vintage", "source_id")
            },
            unique=["level", "code", "zoning"],
        ),
        "structures": _schema(
            {
                "structure_id": _text(unique=True),
                "name": _text(checks=pa.Check.str_matches(r"^\S(.*\S)?$")),
                "kind": _text(),
                "siret": _text(null=True, checks=pa.Check.str_matches(r"^\d{14}$")),
                **{name: _text(null=True) for name in ("naf", "address", "post_code", "city", "commune_code")},
                "departement_code": _text(null=True),
                "place_quality": _code(PLACE_QUALITIES),
                "place_note": _text(null=True),
                "capacity_count": _number(),
                "label": _text(null=True),
                "is_active": pa.Column(bool),
                "period": _text(),
                "source_id": _text(),
                "point_x_m": _number(),
                "point_y_m": _number(),
            }
        ),
        "structure_services": _schema(
            {"structure_id": _text(), "service": _text(), "reason": _text()}, unique=["structure_id", "service"]
        ),
        "structure_records": _schema(
            {
                **{name: _text() for name in ("source_id", "record_id", "structure_id", "rule", "name", "kind")},
                "siret": _text(null=True),
            },
            unique=["source_id", "record_id"],
        ),
        "structure_members": _schema(
            {
                "source_id": _text(),
                "record_id": _text(),
                **{name: _text(null=True) for name in ("naf", "address", "post_code", "city", "commune_code")},
                **{name: _text(null=True) for name in ("departement_code", "place_note", "label")},
                "place_quality": _code(PLACE_QUALITIES),
                **{name: _number() for name in ("score", "capacity_count", "point_x_m", "point_y_m")},
                "is_active": pa.Column(bool),
                "period": _text(),
                **{name: pa.Column(object) for name in ("services", "reasons")},
            },
            unique=["source_id", "record_id"],
        ),
        "accompaniment": _schema(
            {
                "structure_id": _text(unique=True),
                "role": _text(),
                "phases": _text(),
                "devices": _text(),
                **{name: _text(null=True) for name in ("zone_level", "zone_code", "note")},
            }
        ),
    }


def check_tables(tables: Mapping[str, pd.DataFrame]) -> None:
    """Check the tables that one source's file became against their contracts; those without one are left.

    Raises
    ------
    InputFileError
        With the first things that are wrong.
    """
    declared = schemas()
    for name in tables.keys() & declared.keys():
        _check(name, declared[name], tables[name])


def _check(name: str, schema: pa.DataFrameSchema, table: pd.DataFrame) -> None:
    try:
        schema.validate(_plain(table), lazy=True)
    except (SchemaError, SchemaErrors) as error:
        cases = error.failure_cases
        rows = cases.head(SHOWN).to_dict("records") if isinstance(cases, pd.DataFrame) else []
        shown = " ; ".join(f"{one['column'] or 'table'}, {one['check']} : {one['failure_case']}" for one in rows)
        raise InputFileError(
            f"La table « {name} » ne respecte pas son contrat ({shown or cases}) : vérifiez que le fichier est bien "
            "celui de la source, du bon millésime."
        ) from error


def check_snapshot(tables: Mapping[str, pd.DataFrame]) -> None:
    """Check every table against its contract, and the links between tables and declarations.

    Raises
    ------
    InputFileError
        With the first things that are wrong.
    """
    for name, schema in schemas().items():
        _check(name, schema, tables[name])
    problems = [*_orphans(tables), *_undeclared(tables)]
    if problems:
        raise InputFileError(
            f"Le snapshot se contredit : {' ; '.join(problems[:SHOWN])}. Vérifiez les fichiers et les déclarations."
        )


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Text columns as ``object`` with ``None``, whatever string type pandas infers."""
    frame = pd.DataFrame(table)
    text = [column for column in frame.columns if pd.api.types.is_string_dtype(frame[column].dtype)]
    return frame.assign(**{column: frame[column].astype(object).where(frame[column].notna(), None) for column in text})


def _orphans(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Rows that name a territory or a structure which is not in the snapshot."""
    known = _pairs(tables["territories"], "level", "code")
    links = tables["territory_links"]
    named = {
        "territory_links (enfant)": _pairs(links, "child_level", "child_code"),
        "territory_links (parent)": _pairs(links, "parent_level", "parent_code"),
        "values": _pairs(tables["values"], "level", "code"),
        "zonings": _pairs(tables["zonings"], "level", "code"),
        "accompaniment": _pairs(tables["accompaniment"], "zone_level", "zone_code"),
        "structures": {("commune", code) for code in tables["structures"]["commune_code"].dropna()},
    }
    problems = [f"{name} : territoire inconnu {min(pairs - known)}" for name, pairs in named.items() if pairs - known]
    structures = set(tables["structures"]["structure_id"])
    for name in ("structure_services", "structure_records", "accompaniment"):
        unknown = set(tables[name]["structure_id"]) - structures
        if unknown:
            problems.append(f"{name} : structure inconnue {min(unknown)}")
    return problems


def _undeclared(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the sources, indicators, kinds and services that no declaration explains."""
    sources = set(geodata.declarations("catalog")["sources"])
    fields = set(geodata.declarations("fields")["fields"])
    offer = geodata.declarations("services")
    problems = []
    for name, table in tables.items():
        columns = [column for column in ("source_id", "population_source_id") if column in table.columns]
        used = {source for column in columns for source in table[column].dropna()}
        problems += [f"{name} : source {source} absente de catalog.toml" for source in sorted(used - sources)]
    used = set(tables["values"]["indicator"])
    problems += [f"indicateur {indicator} absent de fields.toml" for indicator in sorted(used - fields)]
    used = set(tables["structures"]["kind"]) | set(tables["structure_records"]["kind"])
    problems += [f"type {kind} absent de services.toml" for kind in sorted(used - set(offer["kinds"]))]
    used = set(tables["structure_services"]["service"])
    problems += [f"service {service} absent de services.toml" for service in sorted(used - set(offer["services"]))]
    return problems


def _pairs(table: pd.DataFrame, level: str, code: str) -> set[tuple[str, str]]:
    known = table.loc[table[code].notna(), [level, code]].drop_duplicates()
    return set(zip(known[level], known[code], strict=True))
