"""The accompaniment directory taken away, edited in a spreadsheet, and brought back on the bundled data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from test_pipeline import TOY_STUDY

from observatory import pipeline
from observatory.errors import InputFileError
from observatory.publish import directory_files as publication
from observatory.runs.loaded_inputs import checksums
from observatory.sources.directory import directory_file, directory_gpkg
from observatory.store import read
from observatory.store.directory import directory_store
from observatory.store.ingest import resolution

TODAY = "2026-03-31"
DOSSIER = "Écosystème normand de l’accompagnement de l’ESS"
ARDES = "ami_french_impact_2018:ardes"
Rows = list[dict[str, str]]


def exported(connection: sa.Connection, path: Path) -> Rows:
    publication.write_csv(directory_store.entries(connection).values(), path)
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), delimiter=";"))


def written(rows: Rows, path: Path, *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def brought_back(connection: sa.Connection, path: Path, **options: bool) -> directory_store.Outcome:
    reader = directory_gpkg.read if directory_gpkg.is_geopackage(path) else directory_file.read
    frame, present = reader(path)
    return directory_store.import_rows(connection, frame, present, file_name=path.name, today=TODAY, **options)


def state(connection: sa.Connection) -> list[str]:
    names = ("accompaniment", "accompaniment_zone", "accompaniment_place", "directory_edit", "structure")
    query = "SELECT md5(coalesce(string_agg(r::text, '' ORDER BY r::text), '')) FROM observatory.{} AS r"
    return [str(connection.exec_driver_sql(query.format(name)).scalar()) for name in names]


def edited(rows: Rows) -> Rows:
    """Give ARDES two départements and a permanence in Vire, and add a cooperative placed by swapped coordinates."""
    ardes = next(row for row in rows if row["identifiant"] == ARDES)
    ardes |= {
        "zones": "14 | departement:50",
        "type de lieu": "permanence",
        "code commune": "14762",
        "jours": "mardi",
        "source du lieu": "https://exemple.fr/ardes",
        "date du lieu": "12/03/2026",
    }
    added = dict.fromkeys(rows[0], "") | {
        "nom": "Coopérative d’essai",
        "type": "CAE",
        "phases": "Création",
        "zones": "200068799",
        "type de lieu": "siège",
        "longitude": "48,8388",
        "latitude": "-0,8893",
        "remarque": "appeler le 02 33 00 00 00",
    }
    return [*rows, added]


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (publication.write_csv, "annuaire.csv"),
        (lambda entries, path: publication.write_gpkg(list(entries), path), "annuaire.gpkg"),
    ],
)
def test_what_is_exported_comes_back_without_a_change(
    connection: sa.Connection, tmp_path: Path, write: Callable[..., object], name: str
) -> None:
    before = state(connection)
    path = tmp_path / name
    write(directory_store.entries(connection).values(), path)
    outcome = brought_back(connection, path, removes_absent=True)
    assert (outcome.changes, outcome.refused, outcome.unchanged_count) == ((), (), 59)
    assert state(connection) == before


CASES = Path(__file__).parents[3] / "shared" / "cases"
CORRECTED = {
    "ADRESS",
    "CREACOOP14",
    "CRESS Normandie",
    "France Active Normandie",
    "Katapult",
    "La NEF",
    "Mission Locale du pays d'Alençon",
    "Port-Jérôme-sur-Seine",
    "Pôle pépinière ESS de Caen-la-Mer",
    "URSCOP Ouest",
}
"""Structures of the file of 2018 of which public pages say better."""
SHOWN = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
"""How a French Excel abbreviates months."""


def as_excel_saves_csv(rows: Rows) -> Rows:
    """Do to the cells what a French Excel does to a CSV that it opens, then saves."""
    saved = []
    for row in rows:
        cells = {name: text.replace("’", "'").replace("\u00a0", " ") for name, text in row.items()}
        for name, text in cells.items():
            year, _, rest = text.partition("-")
            if "date" in name and rest and "-" not in rest:
                cells[name] = f"{SHOWN[int(rest) - 1]}-{year[2:]}"
            elif "date" in name and rest:
                cells[name] = "/".join(reversed(text.split("-")))
            elif name == "siret" and text:
                cells[name] = f"{float(text):.5E}".replace(".", ",")
        saved.append(cells)
    return saved


def as_excel_saves_workbook(rows: Rows, path: Path) -> Path:
    """Do the same to a workbook: dates are days, with a format, and codes are numbers."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append([_as_cell(name, text) for name, text in row.items()])
    book.save(path)
    return path


def _as_cell(name: str, text: str) -> object:
    if "date" in name and len(text) > 4:
        return datetime.fromisoformat((text + "-01")[:10])
    return int(text) if text.isdigit() else text or None


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_spreadsheet_that_opens_and_saves_the_directory_changes_nothing(
    connection: sa.Connection, tmp_path: Path, kind: str
) -> None:
    rows = exported(connection, tmp_path / "annuaire.csv")
    if kind == "csv":
        path = written(as_excel_saves_csv(rows), tmp_path / "enregistre.csv", encoding="cp1252", delimiter=";")
        assert b"oct.-18" in path.read_bytes()
        assert b"E+13" in path.read_bytes()
    else:
        path = as_excel_saves_workbook(rows, tmp_path / "enregistre.xlsx")
    outcome = brought_back(connection, path, removes_absent=True)
    assert (outcome.changes, outcome.refused, outcome.unchanged_count) == ((), (), 59)


@pytest.mark.parametrize("name", ["annuaire_enregistre.csv", "annuaire.xlsx"])
def test_the_directory_saved_by_others_comes_back_the_same(connection: sa.Connection, name: str) -> None:
    if not (CASES / name).is_file():
        pytest.skip("les fichiers de ../shared/cases sont absents")
    outcome = brought_back(connection, CASES / name, removes_absent=True, accepts_fewer=True)
    # The file is of before the facts of public pages: it differs where these say better, and nowhere else.
    changed = {one.name for one in outcome.changes if one.what != "supprimé"}
    assert (changed, outcome.unchanged_count) == (CORRECTED, 27 - len(CORRECTED))
    # The directory no longer has this one of its 28 rows, and says so.
    assert [one.name for one in outcome.refused] == ["Pôle ESS et pépinière de Caux Seine Agglo"]
    assert "pole-ess-et-pepiniere-de-caux-seine-agglo » inconnu" in outcome.refused[0].reason
    assert len(outcome.changes) - len(changed) == 59 - 27  # what public pages added since is taken out


def test_what_a_spreadsheet_lost_is_asked_where_nobody_knows_it(connection: sa.Connection, tmp_path: Path) -> None:
    blank = dict.fromkeys(exported(connection, tmp_path / "annuaire.csv")[0], "") | {"type": "lieu"}
    rows = [
        blank | {"nom": "Chiffres perdus", "siret": "4,18167E+13"},
        blank | {"nom": "Jours comptés", "date": "45413"},
        blank | {"nom": "Mois d’abord", "date": "12/31/2024"},
        blank | {"nom": "Comme la précédente", "date": "05/04/2024"},
        blank | {"nom": "Formule", "zones": "#N/A"},
        blank | {"nom": "Sans doute", "date": "oct.-18"},
    ]
    outcome = brought_back(connection, written(rows, tmp_path / "a.csv"))
    assert [(one.line, one.reason.split(" ; ")[0]) for one in outcome.refused] == [
        (2, "SIRET « 4,18167E+13 » : un tableur en a perdu les derniers chiffres"),
        (3, "date « 45413 » est un nombre de jours de tableur : écrivez 2024-05-01 si c’est cela"),
        (4, "date « 12/31/2024 » écrite mois d’abord, à l’américaine : écrivez 2024-12-31 si c’est cela"),
        (5, "date « 05/04/2024 » à lever : d’autres dates du fichier mettent le mois d’abord"),
        (6, "la case « zones » montre une erreur de tableur (#N/A) : corrigez-la ou videz-la"),
    ]
    assert [one.name for one in outcome.changes] == ["Sans doute"]


def test_a_table_is_read_the_same_whatever_wrote_it(connection: sa.Connection, tmp_path: Path) -> None:
    rows = edited(exported(connection, tmp_path / "annuaire.csv"))
    forms = [("cp1252", ";"), ("utf-8-sig", ";"), ("utf-8", ","), ("utf-8", "\t")]
    first, *others = (
        directory_file.read(written(rows, tmp_path / "edite.csv", encoding=encoding, delimiter=delimiter))
        for encoding, delimiter in forms
    )
    assert len(first[0]) == len(rows)
    assert all(other[0].equals(first[0]) and other[1] == first[1] for other in others)


def test_an_edited_table_changes_what_it_says_and_nothing_else(connection: sa.Connection, tmp_path: Path) -> None:
    rows = edited(exported(connection, tmp_path / "annuaire.csv"))
    path = written(rows, tmp_path / "edite.csv", encoding="cp1252", delimiter=";")
    before, inputs = state(connection), checksums(connection)
    trial = brought_back(connection, path, is_trial=True)
    assert state(connection) == before
    outcome = brought_back(connection, path)
    assert outcome.changes == trial.changes
    assert [(one.what, one.code) for one in outcome.changes] == [
        ("modifié", ARDES),
        ("ajouté", "saisie_territoire:cooperative-d-essai"),
    ]
    assert outcome.changes[0].fields == (
        ("zones", "region:28", "departement:14 | departement:50"),
        (
            "source des zones",
            f"{DOSSIER}, 2018-10",
            f"saisie du territoire (avant : {DOSSIER}, 2018-10), {TODAY}",
        ),
        ("lieu 1", "vide", "permanence 14762"),
    )
    assert outcome.notes == ("ligne 61 : coordonnées personnelles retirées (remarque)",)
    assert brought_back(connection, path).changes == ()
    assert checksums(connection) != inputs
    assert exported(connection, tmp_path / "apres.csv") != rows[:-1]
    undone = brought_back(connection, tmp_path / "annuaire.csv", removes_absent=True)
    assert [one.what for one in undone.changes] == ["modifié", "supprimé"]
    assert state(connection) == before  # who says each fact, the edits and the structures themselves included
    assert checksums(connection) == inputs


def test_a_zone_that_is_typed_is_not_put_down_to_the_source_of_the_rest(
    connection: sa.Connection, tmp_path: Path
) -> None:
    rows = exported(connection, tmp_path / "annuaire.csv")
    row = next(row for row in rows if row["identifiant"] == "ami_french_impact_2018:creacoop14")
    assert (row["zones"], row["source"]) == ("", DOSSIER)
    (change,) = brought_back(connection, written([row | {"zones": "14"}], tmp_path / "b.csv")).changes
    assert change.fields == (
        ("zones", "vide", "departement:14"),
        ("source des zones", "vide", f"saisie du territoire, {TODAY}"),
    )


def test_an_import_is_what_access_and_structures_read(connection: sa.Connection, tmp_path: Path) -> None:
    brought_back(connection, written(edited(exported(connection, tmp_path / "a.csv")), tmp_path / "b.csv"))
    zones = read.directory_zones(connection).set_index("structure_id")
    assert zones.loc[[ARDES], "code"].tolist() == ["14", "50"]
    places = read.directory_places(connection).set_index("structure_id")
    permanence = places.loc[ARDES]
    assert (permanence["kind"], permanence["days"], permanence["place_quality"]) == (
        "permanence",
        "mardi",
        "town_hall",
    )
    assert (permanence["origin"], permanence["stated_date"]) == ("https://exemple.fr/ardes", "2026-03-12")
    assert permanence["phases"] == ["emergence", "creation"]  # none of its own: those of the structure
    added = places.loc["saisie_territoire:cooperative-d-essai"]
    assert (added["commune_code"], added["lon"], added["lat"]) == ("14762", -0.8893, 48.8388)
    supply = read.supply_frame(connection, "accompagnement").loc["saisie_territoire:cooperative-d-essai"]
    assert (supply["zone_level"], supply["zone_code"], supply["source_id"]) == (
        "epci",
        "200068799",
        "saisie_territoire",
    )
    reasons = connection.exec_driver_sql(
        "SELECT reason FROM observatory.structure_service WHERE service = 'accompagnement' "
        "AND structure_id = 'saisie_territoire:cooperative-d-essai'"
    ).scalars()
    assert list(reasons) == [f"Phases accompagnées selon « saisie du territoire » ({TODAY}) : création."]
    known = directory_store.entries(connection)
    directory_store.put_back(connection)  # what a load of the snapshot ends with
    assert directory_store.entries(connection) == known


def test_an_edit_follows_the_structure_that_a_split_gives_another_name(
    connection: sa.Connection, tmp_path: Path
) -> None:
    clips, alone = "asp_siae_2020:80950959900019-ACI", "ami_french_impact_2018:clips-ressourcerie"
    rows = exported(connection, tmp_path / "a.csv")
    row = next(row for row in rows if row["identifiant"] == clips)
    edit = row | {
        "zones": "200010700 | 14",
        "type de lieu": "permanence",
        "numéro du lieu": "",
        "code commune": "76384",
    }
    brought_back(connection, written([edit], tmp_path / "b.csv"))
    held = directory_store.entries(connection)[clips]
    assert (len(held.zones), len(held.places)) == (2, 2)
    resolution.split(connection, alone, reason="essai")
    found = directory_store.entries(connection)
    assert clips not in found
    assert (found[alone].zones, found[alone].places) == (held.zones, held.places)
    directory_store.put_back(connection)  # what a load of the snapshot ends with: the edit knows its structure
    again = directory_store.entries(connection)
    assert clips not in again
    assert (again[alone].zones, again[alone].places) == (held.zones, held.places)


def test_a_cooperative_entered_changes_the_gaps_of_its_zone_and_nothing_is_left_of_it_once_undone(
    toy_connection: sa.Connection, tmp_path: Path
) -> None:
    """One minute per kilometre, 15 minutes (weight 1, then 0.3 at 10 minutes); places 10 km apart (see toy_territory).

    Before: one body at 14901, for EPCI 1: nobody of 61901 and 61902 is within reach. Norm 1 / 2000.
    After: a second one at 61901, for EPCI 2. Weighted demand 300 + 0.3 × 200 = 360; norm 2 / 2000.
    61901: (1/360) / (1/1000) → 1: 300 served. 61902: 0.3 × 1000/360 = 0.8333: 167 served, 33 full.
    14901: 1000 / (1000 + 0.3 × 500) = 0.8696: 870 served, 130 full. 14902: 0.2609: 130 served, 370 full.
    Then a permanence at 61902: 0 minutes from it, and 61901 keeps its own place.
    """

    toy_study = tmp_path / "toy.toml"
    toy_study.write_text(TOY_STUDY, encoding="utf-8")

    def gaps() -> tuple[str, pd.DataFrame]:
        run = pipeline.gap_run(toy_connection, defi="insertion", service="accompagnement", study_path=toy_study)
        query = sa.text("SELECT * FROM observatory.gap_result WHERE run_hash = :name AND level = 'commune'")
        rows = pd.read_sql_query(query, toy_connection, params={"name": run.run_hash})
        warned.extend(run.source_ids)
        return run.run_hash, rows.set_index("code").sort_index()

    warned: list[str] = []
    rows = exported(toy_connection, tmp_path / "avant.csv")
    first, before = gaps()
    assert before["out_of_reach_count"].tolist() == [0, 0, 300, 200]
    added = dict.fromkeys(rows[0], "") | {
        "nom": "Coopérative d’essai",
        "type": "CAE",
        "phases": "Création",
        "zones": "200000002",
        "type de lieu": "siège",
        "code commune": "61901",
    }
    assert brought_back(toy_connection, written([*rows, added], tmp_path / "b.csv")).refused == ()
    second, after = gaps()
    assert after["served_count"].tolist() == [870, 130, 300, 167]
    assert after["reachable_full_count"].tolist() == [130, 370, 0, 33]
    assert after["out_of_reach_count"].tolist() == [0, 0, 0, 0]
    assert after["nearest_min"].tolist() == [0.0, 10.0, 0.0, 10.0]
    assert "saisie_territoire" in warned
    permanence = added | {"type de lieu": "permanence", "code commune": "61902"}
    brought_back(toy_connection, written([*rows, added, permanence], tmp_path / "c.csv"))
    third, nearer = gaps()
    assert nearer["nearest_min"].tolist() == [0.0, 10.0, 0.0, 0.0]
    assert len({first, second, third}) == 3
    brought_back(toy_connection, tmp_path / "avant.csv", removes_absent=True)
    last, undone = gaps()
    assert last == first
    pd.testing.assert_frame_equal(undone, before)


def test_every_row_refused_says_its_line_and_why(connection: sa.Connection, tmp_path: Path) -> None:
    rows = exported(connection, tmp_path / "a.csv")
    wrong = {
        "phases": ("bidule", "phase « bidule » inconnue"),
        "zones": ("99999", "zone « 99999 » inconnue"),
        "siret": ("12345678901234", "SIRET « 12345678901234 » invalide"),
        "date": ("2031", "date « 2031 » dans le futur"),
        "site web": ("ardes", "site web « ardes » illisible"),
        "identifiant": ("ami:ardes", "identifiant « ami:ardes » inconnu"),
        "nom": ("", "nom absent"),
    }
    ardes = next(row for row in rows if row["identifiant"] == ARDES)
    bad = [ardes | {column: value} for column, (value, _) in wrong.items()]
    africa = ardes | {"type de lieu": "siege", "longitude": "0", "latitude": "0"}
    elsewhere = ardes | {"type de lieu": "siege", "code commune": "13055"}
    outcome = brought_back(connection, written([*bad, africa, elsewhere], tmp_path / "b.csv"), removes_absent=False)
    assert [one.line for one in outcome.refused] == list(range(2, 11))
    reasons = [reason for _, reason in wrong.values()] + ["au large de l’Afrique", "commune « 13055 » inconnue"]
    for one, reason in zip(outcome.refused, reasons, strict=True):
        assert reason in one.reason
    assert outcome.changes == ()


def test_what_a_file_leaves_out_stays_unless_asked(connection: sa.Connection, tmp_path: Path) -> None:
    rows = exported(connection, tmp_path / "a.csv")
    kept = [row for row in rows if row["identifiant"] == ARDES]
    path = written([{name: kept[0][name] for name in ("nom", "phases")}], tmp_path / "peu.csv")
    outcome = brought_back(connection, path)
    assert (outcome.changes, len(outcome.absent)) == ((), 58)
    with pytest.raises(InputFileError, match="ne nomme que 1 des 59 structures"):
        brought_back(connection, path, removes_absent=True)
    removed = brought_back(connection, path, removes_absent=True, accepts_fewer=True)
    assert {one.what for one in removed.changes} == {"supprimé"}
    assert list(directory_store.entries(connection)) == [ARDES]
    clips = connection.exec_driver_sql("SELECT name FROM observatory.structure WHERE siret = '80950959900019'").all()
    assert clips  # named by another source too: out of the directory, still a structure
    directory_store.put_back(connection)
    assert list(directory_store.entries(connection)) == [ARDES]
    back = brought_back(connection, tmp_path / "a.csv")
    # CLIPS is described by another source, whose kind is none of the directory's: its type has to be written.
    assert [(one.name, one.reason[:26]) for one in back.refused] == [
        ("CLIPS RESSOURCERIE", "type de structure absent :")
    ]
    assert len(directory_store.entries(connection)) == 58


def test_the_template_holds_an_example_that_is_refused(connection: sa.Connection, tmp_path: Path) -> None:
    from observatory.publish.directory_template import EXAMPLE

    publication.write_csv([EXAMPLE], tmp_path / "modele.csv")
    outcome = brought_back(connection, tmp_path / "modele.csv")
    assert [one.reason for one in outcome.refused] == ["ligne d’exemple du modèle : remplacez-la ou supprimez-la"]


def test_data_inclusion_holds_its_required_fields_and_no_contact(connection: sa.Connection, tmp_path: Path) -> None:
    publication.write_data_inclusion(
        list(directory_store.entries(connection).values()),
        tmp_path / "di.json",
        communes=directory_store.commune_names(connection),
        departements=directory_store.departements(connection),
    )
    document = json.loads((tmp_path / "di.json").read_text(encoding="utf-8"))
    structures, services = document["structures"], document["services"]
    for one in structures:
        assert one.keys() >= {"source", "id", "nom", "description", "date_maj"}
        assert 50 <= len(one["description"]) <= 2000
        assert 3 <= len(one["nom"]) <= 150
        assert not one["nom"].endswith(".")
    assert not {"telephone", "courriel", "contact_nom_prenom"} & {key for one in structures + services for key in one}
    assert {one["structure_id"] for one in services} <= {one["id"] for one in structures}
    ardes = next(one for one in services if one["structure_id"] == ARDES)
    assert ardes["zone_eligibilite"] == ["14", "27", "50", "61", "76"]  # the schema takes no region
    assert ardes["thematiques"] == [
        "creation-activite--definir-son-projet-de-creation-dentreprise",
        "creation-activite--structurer-son-projet-de-creation-dentreprise",
    ]
    assert (ardes["type"], ardes["date_maj"]) == ("accompagnement", "2018-10-01")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "est vide"),
        (b"a;b\n1;2\n", "n’a pas la colonne"),
        (b"SQLite format 3\x00 trunc", "n’a pas de couche"),
    ],
)
def test_another_file_is_refused_with_a_sentence(
    connection: sa.Connection, tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "autre.csv"
    path.write_bytes(content)
    with pytest.raises(InputFileError, match=sentence):
        brought_back(connection, path)
