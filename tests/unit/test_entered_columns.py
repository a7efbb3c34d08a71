"""Columns of a territory's file: those of national schemas, those that a person names, and what isn't read at all."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from observatory.errors import InputFileError, UsageError
from observatory.sources.formats.tables import read_table
from observatory.sources.territories import entered_file
from observatory.sources.territories.entered_columns import lon_lat, mapping_of

CASES = Path(__file__).parents[3] / "shared" / "cases"
FRICHES = (
    "site_id,site_nom,site_type,site_adresse,site_actu_date,comm_nom,comm_insee,source_nom,geompoint\n"
    "14762_1,Ancienne filature,friche industrielle,12 rue du Test,2024-06-23,VIRE NORMANDIE,14762,Observatoire,"
    "POINT(-0.889 48.838)\n"
)


def written(tmp_path: Path, text: str, name: str = "sites.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_headings_of_the_friches_standard_are_known(tmp_path: Path) -> None:
    frame, notes = entered_file.read(written(tmp_path, FRICHES))
    (row,) = frame.to_dict("records")
    said = {name: row[name] for name in ("code", "nom", "adresse", "commune", "code_commune", "source", "date")}
    assert said == {
        "code": "14762_1",
        "nom": "Ancienne filature",
        "adresse": "12 rue du Test",
        "commune": "VIRE NORMANDIE",
        "code_commune": "14762",
        "source": "Observatoire",
        "date": "2024-06-23",
    }
    # -0.889 48.838 by the formulas of Lambert-93 that IGN publishes (NTG 71), worked out apart.
    assert (round(row["shape"].x), round(row["shape"].y)) == (414_663, 6_866_800)
    assert row["attributes"] == {"site_type": "friche industrielle"}
    (note,) = notes
    assert note == (
        "Colonnes comprises : code ← site_id, nom ← site_nom, adresse ← site_adresse, commune ← comm_nom, "
        "code_commune ← comm_insee, source ← source_nom, date ← site_actu_date, position ← geompoint ; gardées telles "
        "quelles : site_type."
    )


@pytest.mark.parametrize("name", ["friches_cnig.csv", "friches_cnig.geojson"])
def test_the_friches_of_others_are_read(name: str) -> None:
    if not (CASES / name).is_file():
        pytest.skip("les fichiers de ../shared/cases sont absents")
    frame, _ = entered_file.read(CASES / name)
    assert list(frame["nom"]) == ["Ancienne filature", "Halle"]
    assert list(frame["code_commune"]) == ["14762", "14762"]
    assert frame["problem"].isna().all()
    assert round(frame["shape"][0].x) == 414_663


def test_a_person_says_which_column_is_the_name(tmp_path: Path) -> None:
    path = written(
        tmp_path, "Nom du site;Coord. GPS\nHalle;48,84 ; -0,88\n".replace("48,84 ; -0,88", '"48,84 ; -0,88"')
    )
    with pytest.raises(InputFileError, match="aucune colonne de nom") as refusal:
        entered_file.read(path)
    assert "nom du site, coord. gps" in str(refusal.value)
    assert "--map" in str(refusal.value)
    mapping = mapping_of(["nom=Nom du site", "position=Coord. GPS"])
    frame, notes = entered_file.read(path, mapping=mapping)
    assert (frame["nom"][0], frame["problem"][0]) == ("Halle", None)
    assert frame["shape"][0] is not None
    assert notes == ["Colonnes comprises : nom ← nom du site, position ← coord. gps."]
    with pytest.raises(InputFileError, match="n’a pas la colonne « titre »"):
        entered_file.read(path, mapping=mapping_of(["nom=Titre"]))
    for wrong in ("nom", "surface=x", "nom="):
        with pytest.raises(UsageError, match="les colonnes connues sont code, nom"):
            mapping_of([wrong])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("48.838, -0.889", (-0.889, 48.838)),
        ("48,838 ; -0,889", (-0.889, 48.838)),
        ("48,838, -0,889", (-0.889, 48.838)),
        ("-0.889 48.838", (-0.889, 48.838)),
        ("[-0.889, 48.838]", (-0.889, 48.838)),
        ("POINT (-0.889 48.838)", (-0.889, 48.838)),
        ("POINT Z (-0.889 48.838 12)", (-0.889, 48.838)),
        ("3.9815, 49.2527", (3.9815, 49.2527)),
        ("Vire", None),
        ("48.838", None),
        (None, None),
    ],
)
def test_one_cell_may_hold_both_coordinates(text: str | None, expected: tuple[float, float] | None) -> None:
    assert lon_lat(text) == expected


def test_a_position_that_is_none_is_told(tmp_path: Path) -> None:
    frame, _ = entered_file.read(written(tmp_path, "nom,gps\nHalle,derrière la gare\n"))
    assert frame["problem"][0] == "longitude ou latitude illisible"


def archive(**members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as held:
        for name, text in members.items():
            held.writestr(name, text)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "what", "way"),
    [
        (b'<?xml version="1.0"?><kml xmlns="x"><Document/></kml>', "est un KML", "GeoJSON ou en GeoPackage"),
        (b"\x00\x00\x27\x0a" + b"\x00" * 96, "est un Shapefile seul", "le .dbf et le .prj dans une archive zip"),
        (archive(**{"sites.gpkg": "x"}), "contient un GeoPackage", "sortez le .gpkg"),
        (archive(**{"doc.kml": "x"}), "est un KMZ", "QGIS"),
        (
            archive(mimetype="application/vnd.oasis.opendocument.spreadsheet", **{"content.xml": "x"}),
            "est un classeur ODS",
            "enregistrez-le en XLSX",
        ),
        (b"%PDF-1.4", "est un PDF", "donnez le tableau"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ancien document d’Office", "XLSX ou en CSV"),
        (b"\x1f\x8b\x08", "est une archive gzip", "décompressez-la"),
    ],
)
def test_what_is_not_read_is_named_with_the_way_out(tmp_path: Path, content: bytes, what: str, way: str) -> None:
    path = tmp_path / "donné.xyz"
    path.write_bytes(content)
    for read in (entered_file.read, lambda one: read_table(one, {"nom": ("nom",)})):
        with pytest.raises(InputFileError, match=what) as refusal:
            read(path)
        assert way in str(refusal.value)
        assert "téléchargez-le" not in str(refusal.value)
