"""Files of kinds that aren't read here: what each one is, and the way out, in French."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from observatory.errors import InputFileError

HEAD_BYTES: Final = 2048
AS_XLSX: Final = "ouvrez-le dans votre tableur et enregistrez-le en XLSX ou en CSV"
AS_LAYER: Final = "exportez-le en GeoJSON ou en GeoPackage depuis votre logiciel de cartes (QGIS)"
BY_START: Final = {
    b"\x00\x00\x27\x0a": (
        "est un Shapefile seul, sans ce qui l’accompagne",
        "mettez le .shp, le .shx, le .dbf et le .prj dans une archive zip, et donnez-la",
    ),
    b"%PDF": ("est un PDF", "donnez le tableau ou la couche dont il est tiré"),
    b"PAR1": ("est un fichier Parquet", "exportez-le en CSV ou en GeoPackage"),
    b"\x1f\x8b": ("est une archive gzip", "décompressez-la, et donnez ce qu’elle contient"),
    b"7z\xbc\xaf": ("est une archive 7z", "décompressez-la, et donnez ce qu’elle contient"),
    b"Rar!": ("est une archive RAR", "décompressez-la, et donnez ce qu’elle contient"),
    b"\xd0\xcf\x11\xe0": ("est un ancien document d’Office (XLS, DOC) ou un classeur protégé", AS_XLSX),
}
BY_MEMBER: Final = (
    (".gpkg", "est une archive qui contient un GeoPackage", "sortez le .gpkg de l’archive, et donnez-le"),
    (".kml", "est un KMZ", AS_LAYER),
    (".geojson", "est une archive qui contient un GeoJSON", "sortez-le de l’archive, et donnez-le"),
    ("word/document.xml", "est un document Word", "donnez le tableau qu’il contient, en XLSX ou en CSV"),
)
BY_MIME: Final = {
    b"application/vnd.oasis.opendocument.spreadsheet": ("est un classeur ODS", AS_XLSX),
    b"application/vnd.oasis.opendocument.text": ("est un document ODT", "donnez le tableau qu’il contient, en CSV"),
}


def require_ours(path: Path) -> None:
    """Refuse a file that its content shows to be of a kind that isn't read, by a sentence about that kind.

    A file that can't be opened, or that shows nothing, is left to its reader.

    Raises
    ------
    InputFileError
        If it is of such a kind.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return
    found = next((told for start, told in BY_START.items() if head.startswith(start)), None)
    if head.startswith(b"PK"):
        found = _archive(path)
    elif b"<kml" in head.lower():
        found = ("est un KML", AS_LAYER)
    elif b"<gpx" in head.lower():
        found = ("est un GPX", AS_LAYER)
    if found is not None:
        raise InputFileError(f"« {path.name} » {found[0]} : {found[1]}.")


def _archive(path: Path) -> tuple[str, str] | None:
    """Return what an archive that isn't read is, and the way out; None where its reader has to judge."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
            mime = archive.read("mimetype") if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, RuntimeError):
        return None
    if mime:
        return BY_MIME.get(mime.strip())
    if any(name.lower().endswith(".shp") for name in names):
        return None
    for end, what, way in BY_MEMBER:
        if any(name.lower().endswith(end) for name in names):
            return what, way
    return None
