"""Create the schema."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

TERRITORY_COMMUNE: Final = """
CREATE VIEW observatory.territory_commune AS
    SELECT level, code, code AS commune_code
    FROM observatory.territory
    WHERE level = 'commune'
UNION ALL
    SELECT parent_level, parent_code, child_code
    FROM observatory.territory_link
    WHERE child_level = 'commune'
UNION ALL
    SELECT child_level, child_code, parent_code
    FROM observatory.territory_link
    WHERE parent_level = 'commune'
UNION ALL
    SELECT region.parent_level, region.parent_code, commune.child_code
    FROM observatory.territory_link AS region
    JOIN observatory.territory_link AS commune
        ON commune.child_level = 'commune'
        AND commune.parent_level = 'departement'
        AND commune.parent_code = region.child_code
    WHERE region.child_level = 'departement' AND region.parent_level = 'region'
"""
"""Communes that a territory of any level contains, or that contain it (QPV, commune déléguée, IRIS)."""


def upgrade() -> None:
    """Create the schema."""
    op.create_table(
        "indicator",
        sa.Column("indicator", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("denominator", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("indicator", name=op.f("pk_indicator")),
        schema="observatory",
    )
    op.create_table(
        "run",
        sa.Column("run_hash", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("defi", sa.String(), nullable=True),
        sa.Column("service", sa.String(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source_ids", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('need', 'access', 'gap', 'siting')", name=op.f("ck_run_kind")),
        sa.PrimaryKeyConstraint("run_hash", name=op.f("pk_run")),
        schema="observatory",
    )
    op.create_index(
        op.f("ix_run_kind_defi_service"), "run", ["kind", "defi", "service"], unique=False, schema="observatory"
    )
    op.create_table(
        "snapshot_file",
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("file_name", name=op.f("pk_snapshot_file")),
        schema="observatory",
    )
    op.create_table(
        "source",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("producer", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("vintage", sa.String(), nullable=False),
        sa.Column("published_date", sa.String(), nullable=True),
        sa.Column("rhythm", sa.String(), nullable=True),
        sa.Column("coverage", sa.String(), nullable=False),
        sa.Column("expected_count", sa.Integer(), nullable=True),
        sa.Column("expected_note", sa.String(), nullable=True),
        sa.Column("row_count", sa.Integer(), nullable=True),
        sa.Column("checksum", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_source")),
        schema="observatory",
    )
    op.create_table(
        "tile",
        sa.Column("layer", sa.String(), nullable=False),
        sa.Column("zoom", sa.Integer(), nullable=False),
        sa.Column("column", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("layer", "zoom", "column", "row", name=op.f("pk_tile")),
        schema="observatory",
    )
    op.create_table(
        "access_result",
        sa.Column("run_hash", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("nearest_min", sa.Double(), nullable=True),
        sa.Column("nearest_structure_id", sa.String(), nullable=True),
        sa.Column("reachable_supply", sa.Double(), nullable=False),
        sa.Column("access_index", sa.Double(), nullable=False),
        sa.Column("satisfied_share", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_hash"], ["observatory.run.run_hash"], name=op.f("fk_access_result_run_hash"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_hash", "level", "code", name=op.f("pk_access_result")),
        schema="observatory",
    )
    op.create_table(
        "gap_result",
        sa.Column("run_hash", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("population_count", sa.Integer(), nullable=True),
        sa.Column("need_score", sa.Double(), nullable=True),
        sa.Column("need_volume_count", sa.Integer(), nullable=True),
        sa.Column("access_score", sa.Double(), nullable=True),
        sa.Column("nearest_min", sa.Double(), nullable=True),
        sa.Column("served_count", sa.Integer(), nullable=True),
        sa.Column("reachable_full_count", sa.Integer(), nullable=True),
        sa.Column("out_of_reach_count", sa.Integer(), nullable=True),
        sa.Column("in_need_out_of_reach_count", sa.Integer(), nullable=True),
        sa.Column("priority_score", sa.Double(), nullable=True),
        sa.Column("typology", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("is_partial", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint(
            "status IN ('observed', 'estimated', 'suppressed', 'missing')", name=op.f("ck_gap_result_status")
        ),
        sa.CheckConstraint(
            "population_count = served_count + reachable_full_count + out_of_reach_count",
            name=op.f("ck_gap_result_adds_up"),
        ),
        sa.ForeignKeyConstraint(
            ["run_hash"], ["observatory.run.run_hash"], name=op.f("fk_gap_result_run_hash"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_hash", "level", "code", name=op.f("pk_gap_result")),
        schema="observatory",
    )
    op.create_index(
        op.f("ix_gap_result_level_code"), "gap_result", ["level", "code"], unique=False, schema="observatory"
    )
    op.create_table(
        "indicator_value",
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("indicator", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(value IS NULL) = (status IN ('missing', 'suppressed'))", name=op.f("ck_indicator_value_known")
        ),
        sa.CheckConstraint(
            "status IN ('observed', 'estimated', 'suppressed', 'missing')", name=op.f("ck_indicator_value_status")
        ),
        sa.ForeignKeyConstraint(
            ["indicator"], ["observatory.indicator.indicator"], name=op.f("fk_indicator_value_indicator")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["observatory.source.source_id"], name=op.f("fk_indicator_value_source_id")
        ),
        sa.PrimaryKeyConstraint("level", "code", "indicator", "period", name=op.f("pk_indicator_value")),
        schema="observatory",
    )
    op.create_index(
        op.f("ix_indicator_value_indicator_level_period"),
        "indicator_value",
        ["indicator", "level", "period"],
        unique=False,
        schema="observatory",
    )
    op.create_table(
        "ingest_run",
        sa.Column("run_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_kept", sa.Integer(), nullable=False),
        sa.Column("rows_rejected", sa.Integer(), nullable=False),
        sa.Column("rows_duplicate", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=True),
        sa.CheckConstraint("status IN ('loaded', 'unchanged', 'failed')", name=op.f("ck_ingest_run_status")),
        sa.CheckConstraint(
            "rows_read = rows_kept + rows_rejected + rows_duplicate", name=op.f("ck_ingest_run_adds_up")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["observatory.source.source_id"], name=op.f("fk_ingest_run_source_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_ingest_run")),
        schema="observatory",
    )
    op.create_index(
        op.f("ix_ingest_run_source_id_finished_at"),
        "ingest_run",
        ["source_id", "finished_at"],
        unique=False,
        schema="observatory",
    )
    op.create_table(
        "need_result",
        sa.Column("run_hash", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("weight_share", sa.Double(), nullable=False),
        sa.Column("volume", sa.Double(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("components", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "status IN ('observed', 'estimated', 'suppressed', 'missing')", name=op.f("ck_need_result_status")
        ),
        sa.ForeignKeyConstraint(
            ["run_hash"], ["observatory.run.run_hash"], name=op.f("fk_need_result_run_hash"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_hash", "level", "code", name=op.f("pk_need_result")),
        schema="observatory",
    )
    op.create_table(
        "structure",
        sa.Column("structure_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("siret", sa.String(), nullable=True),
        sa.Column("naf", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("post_code", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("commune_code", sa.String(), nullable=True),
        sa.Column("departement_code", sa.String(), nullable=True),
        sa.Column("place_quality", sa.String(), nullable=False),
        sa.Column("place_note", sa.String(), nullable=True),
        sa.Column("capacity_count", sa.Double(), nullable=True),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT",
                srid=2154,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.CheckConstraint("(geom IS NULL) = (place_quality = 'unknown')", name=op.f("ck_structure_placed")),
        sa.CheckConstraint(
            "place_quality IN ('address', 'commune_centre', 'town_hall', 'unknown')",
            name=op.f("ck_structure_place_quality"),
        ),
        sa.CheckConstraint("siret ~ '^\\d{14}$'", name=op.f("ck_structure_siret")),
        sa.ForeignKeyConstraint(["source_id"], ["observatory.source.source_id"], name=op.f("fk_structure_source_id")),
        sa.PrimaryKeyConstraint("structure_id", name=op.f("pk_structure")),
        schema="observatory",
    )
    op.create_index(
        op.f("ix_structure_commune_code"), "structure", ["commune_code"], unique=False, schema="observatory"
    )
    op.create_index(
        "ix_structure_geom", "structure", ["geom"], unique=False, schema="observatory", postgresql_using="gist"
    )
    op.create_index(op.f("ix_structure_siret"), "structure", ["siret"], unique=False, schema="observatory")
    op.create_table(
        "territory",
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("vintage", sa.String(), nullable=False),
        sa.Column("population_count", sa.Integer(), nullable=True),
        sa.Column("population_status", sa.String(), nullable=False),
        sa.Column("population_source_id", sa.String(), nullable=True),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("is_border", sa.Boolean(), nullable=False),
        sa.Column("is_partial", sa.Boolean(), nullable=False),
        sa.Column("commune_count", sa.Integer(), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=2154,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "point",
            Geometry(
                geometry_type="POINT",
                srid=2154,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(population_count IS NULL) = (population_status IN ('missing', 'suppressed'))",
            name=op.f("ck_territory_known"),
        ),
        sa.CheckConstraint(
            "level IN ('region', 'departement', 'epci', 'commune', 'commune_deleguee', 'qpv', 'bassin_vie', "
            "'zone_emploi', 'iris')",
            name=op.f("ck_territory_level"),
        ),
        sa.CheckConstraint(
            "population_status IN ('observed', 'estimated', 'suppressed', 'missing')",
            name=op.f("ck_territory_population_status"),
        ),
        sa.CheckConstraint("population_count >= 0", name=op.f("ck_territory_population_count")),
        sa.ForeignKeyConstraint(
            ["population_source_id"], ["observatory.source.source_id"], name=op.f("fk_territory_population_source_id")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["observatory.source.source_id"], name=op.f("fk_territory_source_id")),
        sa.PrimaryKeyConstraint("level", "code", name=op.f("pk_territory")),
        schema="observatory",
    )
    op.create_index(op.f("ix_territory_code"), "territory", ["code"], unique=False, schema="observatory")
    op.create_index(
        "ix_territory_geom", "territory", ["geom"], unique=False, schema="observatory", postgresql_using="gist"
    )
    op.create_index(
        "ix_territory_point", "territory", ["point"], unique=False, schema="observatory", postgresql_using="gist"
    )
    op.create_table(
        "accompaniment",
        sa.Column("structure_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("phases", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("devices", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("zone_level", sa.String(), nullable=True),
        sa.Column("zone_code", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["structure_id"],
            ["observatory.structure.structure_id"],
            name=op.f("fk_accompaniment_structure_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("structure_id", name=op.f("pk_accompaniment")),
        schema="observatory",
    )
    op.create_table(
        "rejected_row",
        sa.Column("rejected_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["observatory.ingest_run.run_id"], name=op.f("fk_rejected_row_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rejected_id", name=op.f("pk_rejected_row")),
        schema="observatory",
    )
    op.create_index(op.f("ix_rejected_row_run_id"), "rejected_row", ["run_id"], unique=False, schema="observatory")
    op.create_table(
        "structure_record",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("structure_id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("siret", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["observatory.source.source_id"], name=op.f("fk_structure_record_source_id")
        ),
        sa.ForeignKeyConstraint(
            ["structure_id"],
            ["observatory.structure.structure_id"],
            name=op.f("fk_structure_record_structure_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", "record_id", name=op.f("pk_structure_record")),
        schema="observatory",
    )
    op.create_index(
        op.f("ix_structure_record_structure_id"),
        "structure_record",
        ["structure_id"],
        unique=False,
        schema="observatory",
    )
    op.create_table(
        "structure_service",
        sa.Column("structure_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["structure_id"],
            ["observatory.structure.structure_id"],
            name=op.f("fk_structure_service_structure_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("structure_id", "service", name=op.f("pk_structure_service")),
        schema="observatory",
    )
    op.create_index(
        op.f("ix_structure_service_service"), "structure_service", ["service"], unique=False, schema="observatory"
    )
    op.create_table(
        "territory_link",
        sa.Column("child_level", sa.String(), nullable=False),
        sa.Column("child_code", sa.String(), nullable=False),
        sa.Column("parent_level", sa.String(), nullable=False),
        sa.Column("parent_code", sa.String(), nullable=False),
        sa.Column("vintage", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["child_level", "child_code"],
            ["observatory.territory.level", "observatory.territory.code"],
            name=op.f("fk_territory_link_child_level_child_code"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_level", "parent_code"],
            ["observatory.territory.level", "observatory.territory.code"],
            name=op.f("fk_territory_link_parent_level_parent_code"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["observatory.source.source_id"], name=op.f("fk_territory_link_source_id")
        ),
        sa.PrimaryKeyConstraint(
            "child_level", "child_code", "parent_level", "parent_code", name=op.f("pk_territory_link")
        ),
        schema="observatory",
    )
    op.create_index(
        op.f("ix_territory_link_parent_level_parent_code"),
        "territory_link",
        ["parent_level", "parent_code"],
        unique=False,
        schema="observatory",
    )
    op.create_table(
        "zoning",
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("zoning", sa.String(), nullable=False),
        sa.Column("value_code", sa.String(), nullable=False),
        sa.Column("value_label", sa.String(), nullable=False),
        sa.Column("vintage", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["level", "code"],
            ["observatory.territory.level", "observatory.territory.code"],
            name=op.f("fk_zoning_level_code"),
        ),
        sa.ForeignKeyConstraint(["source_id"], ["observatory.source.source_id"], name=op.f("fk_zoning_source_id")),
        sa.PrimaryKeyConstraint("level", "code", "zoning", name=op.f("pk_zoning")),
        schema="observatory",
    )
    op.create_index(
        op.f("ix_zoning_zoning_value_code"), "zoning", ["zoning", "value_code"], unique=False, schema="observatory"
    )
    op.execute(TERRITORY_COMMUNE)


def downgrade() -> None:
    """Undo it."""
    op.execute("DROP VIEW observatory.territory_commune")
    op.drop_index(op.f("ix_zoning_zoning_value_code"), table_name="zoning", schema="observatory")
    op.drop_table("zoning", schema="observatory")
    op.drop_index(op.f("ix_territory_link_parent_level_parent_code"), table_name="territory_link", schema="observatory")
    op.drop_table("territory_link", schema="observatory")
    op.drop_index(op.f("ix_structure_service_service"), table_name="structure_service", schema="observatory")
    op.drop_table("structure_service", schema="observatory")
    op.drop_index(op.f("ix_structure_record_structure_id"), table_name="structure_record", schema="observatory")
    op.drop_table("structure_record", schema="observatory")
    op.drop_index(op.f("ix_rejected_row_run_id"), table_name="rejected_row", schema="observatory")
    op.drop_table("rejected_row", schema="observatory")
    op.drop_table("accompaniment", schema="observatory")
    op.drop_index("ix_territory_point", table_name="territory", schema="observatory", postgresql_using="gist")
    op.drop_index("ix_territory_geom", table_name="territory", schema="observatory", postgresql_using="gist")
    op.drop_index(op.f("ix_territory_code"), table_name="territory", schema="observatory")
    op.drop_table("territory", schema="observatory")
    op.drop_index(op.f("ix_structure_siret"), table_name="structure", schema="observatory")
    op.drop_index("ix_structure_geom", table_name="structure", schema="observatory", postgresql_using="gist")
    op.drop_index(op.f("ix_structure_commune_code"), table_name="structure", schema="observatory")
    op.drop_table("structure", schema="observatory")
    op.drop_table("need_result", schema="observatory")
    op.drop_index(op.f("ix_ingest_run_source_id_finished_at"), table_name="ingest_run", schema="observatory")
    op.drop_table("ingest_run", schema="observatory")
    op.drop_index(op.f("ix_indicator_value_indicator_level_period"), table_name="indicator_value", schema="observatory")
    op.drop_table("indicator_value", schema="observatory")
    op.drop_index(op.f("ix_gap_result_level_code"), table_name="gap_result", schema="observatory")
    op.drop_table("gap_result", schema="observatory")
    op.drop_table("access_result", schema="observatory")
    op.drop_table("tile", schema="observatory")
    op.drop_table("source", schema="observatory")
    op.drop_table("snapshot_file", schema="observatory")
    op.drop_index(op.f("ix_run_kind_defi_service"), table_name="run", schema="observatory")
    op.drop_table("run", schema="observatory")
    op.drop_table("indicator", schema="observatory")
