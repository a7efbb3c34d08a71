# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Où sont les plus grandes lacunes ?
#
# Ce carnet cherche les dix intercommunalités de Normandie où le défi **vieillissement** et le manque de **tiers-lieux**
# se rencontrent le plus, et les montre sur une carte. Il ne calcule rien lui-même : il appelle la bibliothèque, la même
# que la ligne de commande, l'API et les pages. Les chiffres sont donc les mêmes.

# %%
import pandas as pd

from observatory import pipeline
from observatory.publish import gap_rows, offline_map, regional_layers
from observatory.publish.export_layers import territory_shapes
from observatory.settings import Settings
from observatory.store.engine import create_engine

DEFI, SERVICE, LEVEL = "vieillissement", "tiers_lieu", "epci"

# %% [markdown]
# ## Charger les données livrées
#
# La base PostGIS privée démarre si elle est arrêtée. Un second chargement des mêmes données ne fait rien.

# %%
engine = create_engine(Settings())
loaded = pipeline.ingest(engine)
loaded.status

# %% [markdown]
# ## Calculer la lacune
#
# Le calcul est rangé sous l'empreinte de ses données et de ses paramètres : s'il existe déjà, il est relu.

# %%
with engine.begin() as connection:
    report = gap_rows.gap_report(connection, defi=DEFI, service=SERVICE, level=LEVEL)
    shapes = territory_shapes(connection, LEVEL)
engine.dispose()
f"{len(report.rows)} intercommunalités, calcul {report.run_hash[:12]}"

# %% [markdown]
# Le registre s'additionne : servis, à portée mais saturés, hors de portée font la population.

# %%
pd.Series(gap_rows.totals(report.rows), name="Normandie").to_frame()

# %% [markdown]
# ## Les dix plus grandes lacunes
#
# La priorité est le besoin multiplié par le défaut d'accès, de 0 à 100. À priorité égale, on classe par nombre de
# personnes concernées hors de portée.

# %%
top = gap_rows.largest(report, count=10)
pd.DataFrame(top.rows)[
    [
        "code",
        "name",
        "population_count",
        "need_score",
        "access_score",
        "nearest_min",
        "in_need_out_of_reach_count",
        "priority_score",
        "typology",
        "note",
    ]
]

# %% [markdown]
# ## Sur la carte
#
# Un clic sur un territoire donne ses chiffres et leurs sources.

# %%
layer = regional_layers.gap_layer(top, shapes, name="Les dix plus grandes lacunes", level=LEVEL, is_shown=True)
offline_map.draw(
    [layer],
    title="Vieillissement et tiers-lieux : les dix plus grandes lacunes",
    notice="Liste des tiers-lieux incomplète : une lacune peut tenir à un lieu absent des sources.",
    sources=[f"{source['title']} ({source['producer']}, {source['vintage']})" for source in top.sources],
)

# %% [markdown]
# ## Ce que ce résultat ne dit pas
#
# - La liste des tiers-lieux est incomplète : les sources chargées ne contiennent pas le recensement national.
# - Les temps de trajet sont estimés à vol d'oiseau, par une loi calée sur des trajets de Gironde.
# - « Servi » compare à la moyenne régionale de l'offre par habitant : ce n'est pas un jugement sur ce qui suffit.
