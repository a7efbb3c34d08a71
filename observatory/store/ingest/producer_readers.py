"""Readers of the sources that the snapshot doesn't hold, or that their producers publish in more than one form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geodata
from observatory.store.ingest.context import Known

if TYPE_CHECKING:
    import pandas as pd

    from observatory.sources.batch import Batch
    from observatory.store.ingest.readers import Reader, Tables


def readers() -> Mapping[str, Reader]:
    """Return the reader of each of these sources."""
    from observatory.sources.figures import bpe, commune_rp, dares, filosofi, projections, sinoe_actor, sinoe_crosswalk
    from observatory.sources.structures import decheteries, emplois, labelled_place, longue_vie, tiers_lieux
    from observatory.sources.territories import admin_express, banatic, geo_api, geo_api_epci, qpv, qpv_2015

    return {
        admin_express.SOURCE_ID: _outlines,
        banatic.SOURCE_ID: _banatic,
        bpe.SOURCE_ID: _bpe,
        commune_rp.SOURCE_ID: _census,
        dares.SOURCE_ID: _dares,
        decheteries.SOURCE_ID: _places(decheteries),
        emplois.SOURCE_ID: _places(emplois),
        filosofi.SOURCE_ID: _income,
        geo_api.SOURCE_ID: _geo_api,
        geo_api_epci.SOURCE_ID: _epci_communes,
        longue_vie.SOURCE_ID: _places(longue_vie),
        **{
            one.source_id: _places(one, communes="communes")
            for one in (labelled_place.FABRIQUES, labelled_place.MANUFACTURES)
        },
        projections.SOURCE_ID: _projections,
        qpv.SOURCE_ID: _quarters,
        qpv_2015.SOURCE_ID: _former_quarters,
        sinoe_actor.SOURCE_ID: _actors,
        sinoe_crosswalk.SOURCE_ID: _crosswalk,
        tiers_lieux.SOURCE_ID: _places(tiers_lieux),
    }


def _outlines(path: Path, known: Known) -> tuple[Batch, Tables]:
    import geopandas as gpd

    from observatory.sources.territories import admin_express

    batch = admin_express.normalise(
        admin_express.read(path),
        region_communes=known.region_communes,
        departements=known.departements,
        file_name=path.name,
    )
    return batch, {"outlines": admin_express.outlines(gpd.GeoDataFrame(batch.frame))}


def _banatic(path: Path, known: Known) -> tuple[Batch, Tables]:
    from observatory.sources.territories import banatic

    batch = banatic.normalise(
        banatic.read(path), communes=known.communes, departements=known.all_departements, file_name=path.name
    )
    members = banatic.memberships(batch.frame, region_communes=known.region_communes)
    return batch, {"memberships": members, "values": banatic.values(batch.frame)}


def _geo_api(path: Path, known: Known) -> tuple[Batch, Tables]:
    from observatory.sources.territories import geo_api

    batch = geo_api.normalise(
        geo_api.read(path),
        region_communes=known.region_communes,
        departements=known.departements,
        file_name=path.name,
    )
    return batch, {"memberships": geo_api.memberships(batch.frame)}


def _epci_communes(path: Path, known: Known) -> tuple[Batch, Tables]:
    from observatory.sources.territories import geo_api_epci

    batch = geo_api_epci.normalise(
        geo_api_epci.read(path),
        region_communes=known.region_communes,
        members=known.members,
        epci_names=known.epci_names,
        departements=known.departements,
        file_name=path.name,
    )
    return batch, {"memberships": geo_api_epci.memberships(batch.frame)}


def _bpe(path: Path, known: Known) -> tuple[Batch, Tables]:
    from observatory.sources.figures import bpe

    batch = bpe.normalise(bpe.read(path), communes=known.communes)
    return batch, {"values": with_others(bpe.values(batch.frame), known)}


def _census(path: Path, known: Known) -> tuple[Batch, Tables]:
    from observatory.sources.figures import commune_rp

    batch = commune_rp.normalise(
        commune_rp.read(path),
        communes=known.communes,
        successor=known.successor,
        departements=known.all_departements,
        file_name=path.name,
    )
    values = commune_rp.values(batch.frame)
    return batch, {"values": with_others(values, known) if "period" in batch.frame else values}


def _income(path: Path, known: Known) -> tuple[Batch, Tables]:
    from observatory.sources.figures import filosofi

    batch = filosofi.normalise(
        filosofi.read(path),
        communes=known.communes,
        successor=known.successor,
        renamed=known.renamed,
        iris=known.iris,
    )
    return batch, {"values": with_others(filosofi.values(batch.frame), known)}


def _dares(path: Path, known: Known) -> tuple[Batch, Tables]:
    from observatory.sources.figures import dares

    batch = dares.normalise(
        dares.read(path), communes=known.communes, departements=known.all_departements, file_name=path.name
    )
    return batch, {"values": dares.values(batch.frame)}


def _projections(path: Path, known: Known) -> tuple[Batch, Tables]:
    import pandas as pd

    from observatory.sources.figures import projections

    batch = projections.normalise(
        projections.read(path),
        communes=known.communes,
        epci=known.epci,
        departements=known.departements,
        smallest_count=geodata.declarations("secrecy")["thresholds"]["persons"],
        file_name=path.name,
    )
    held = [known.figures(projections.SOURCE_ID, level) for level in projections.LEVELS]
    return batch, {"values": projections.values(batch.frame, pd.concat(held, ignore_index=True))}


def _quarters(path: Path, known: Known) -> tuple[Batch, Tables]:
    import geopandas as gpd

    from observatory.sources.territories import qpv

    batch = qpv.normalise(qpv.read(path), communes=known.region_communes, file_name=path.name)
    return batch, {"quarters": qpv.quarters(gpd.GeoDataFrame(batch.frame))}


def _former_quarters(path: Path, known: Known) -> tuple[Batch, Tables]:
    import geopandas as gpd

    from observatory.sources.territories import qpv_2015

    batch = qpv_2015.normalise(qpv_2015.read(path), departements=known.departements, file_name=path.name)
    zonings = qpv_2015.zonings(
        gpd.GeoDataFrame(batch.frame), communes=known.outlines("commune"), quarters=known.outlines("qpv")
    )
    return batch, {"zonings": zonings}


def _actors(path: Path, known: Known) -> tuple[Batch, Tables]:
    from observatory.sources.figures import sinoe_actor

    batch = sinoe_actor.normalise(sinoe_actor.read(path), actors=known.actors, file_name=path.name)
    return batch, {"values": sinoe_actor.values(batch.frame)}


def _crosswalk(path: Path, known: Known) -> tuple[Batch, Tables]:
    from observatory.sources.figures import sinoe_crosswalk

    batch = sinoe_crosswalk.normalise(sinoe_crosswalk.read(path), epci=known.epci, file_name=path.name)
    return batch, {"zonings": sinoe_crosswalk.zonings(batch.frame)}


def _places(module: Any, **needs: str) -> Reader:  # noqa: ANN401  (a module)
    def read(path: Path, known: Known) -> tuple[Batch, Tables]:
        from observatory.sources.structures import structure_file

        context = {name: getattr(known, attribute) for name, attribute in needs.items()}
        batch = module.normalise(module.read(path), departements=known.all_departements, file_name=path.name, **context)
        declared = geodata.declarations("services")
        return batch, structure_file.tables(batch.frame, gazetteer=known.gazetteer, declarations=declared)

    return read


def with_others(values: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Add the loaded figures of the same source and level whose indicator the file doesn't give: it is one of several.

    Figures of another year of an indicator that the file gives are left out: it replaces them.
    """
    import pandas as pd

    parts = [values]
    for source_id, level in sorted(set(zip(values["source_id"], values["level"], strict=True))):
        held = known.figures(source_id, level)
        parts.append(held[~held["indicator"].isin(set(values["indicator"]))])
    return pd.concat([part for part in parts if not part.empty], ignore_index=True)
