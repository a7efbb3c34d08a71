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
# # Caux Seine Agglo : où ouvrir deux pôles ?
#
# L'agglomération s'organise autour de Lillebonne, Port-Jérôme-sur-Seine et Bolbec. CLIPS Ressourcerie existe à
# Lillebonne. Ce carnet lit l'étude `geodata/studies/caux-seine.toml` et montre où deux pôles, ressourcerie et
# tiers-lieu ensemble, mettraient le plus de personnes des trois défis à moins de vingt minutes. Il ne calcule rien
# lui-même : il appelle la bibliothèque, comme la commande `observatory site --study caux-seine` et la page
# Implantation.

# %%
import pandas as pd

from observatory import pipeline
from observatory.publish import siting_rows
from observatory.settings import Settings
from observatory.store.engine import create_engine

STUDY = "caux-seine"

# %% [markdown]
# ## Charger les données livrées et résoudre l'étude
#
# L'étude est rangée sous l'empreinte de ses données et de ses paramètres : si elle existe déjà, elle est relue.

# %%
engine = create_engine(Settings())
pipeline.ingest(engine)
with engine.begin() as connection:
    run = pipeline.site(connection, STUDY)
engine.dispose()
best = run.document["solutions"][0]
f"{siting_rows.names(best)} : {siting_rows.status(best)} (calcul {run.run_hash[:12]})"

# %% [markdown]
# ## Le registre, avant et après
#
# Population = servis + à portée mais saturés + hors de portée, à la maille des communes déléguées.

# %%
before = pd.json_normalize(best["ledger_before"]["services"]).assign(moment="avant")
after = pd.json_normalize(best["ledger_after"]["services"]).assign(moment="après")
pd.concat([before, after])[
    ["service", "moment", "population_count", "served_count", "reachable_full_count", "out_of_reach_count"]
]

# %% [markdown]
# ## Pourquoi ici ?

# %%
pd.set_option("display.max_colwidth", None)
pd.DataFrame([{"site": why["name"], "pourquoi": sentence} for why in best["why"] for sentence in why["text"]])

# %% [markdown]
# Les gains des sites, ajoutés à ce qui est couvert aujourd'hui, font l'objectif.

# %%
gains = {why["name"]: why["gain"] for why in best["why"]}
total = best["objective_before"] + sum(gains.values())
pd.Series({"aujourd'hui": best["objective_before"], **gains, "somme": total, "objectif": best["objective"]})

# %% [markdown]
# ## Les autres solutions, et ce qui tient
#
# Chaque proposition suivante est la meilleure parmi celles qui restent. Un site est stable s'il est retenu dans 80 %
# des cas essayés : chaque défi seul, trajets 20 % plus courts ou plus longs, fermeture d'une structure, tirages.

# %%
pd.DataFrame(
    [
        {"sites": siting_rows.names(one), "objectif": one["objective"], "preuve": siting_rows.status(one)}
        for one in run.document["solutions"]
    ]
)

# %%
pd.DataFrame(run.document["robustness"]["sites"])

# %% [markdown]
# Regret : ce que l'on perdrait, dans chaque cas, à garder la proposition plutôt que le meilleur choix de ce cas.

# %%
cases = pd.DataFrame(run.document["robustness"]["cases"])
cases[["label", "regret"]].sort_values("regret", ascending=False).head(8)

# %% [markdown]
# ## Les compromis, et le pôle commun
#
# Chaque compromis est un choix qu'aucun autre n'égale ou ne dépasse sur tous les buts de l'étude. Le pôle commun
# choisit, dans un budget en unités relatives (convention de l'observatoire), quels services ouvrir en quel lieu.

# %%
front = run.document["pareto"]
rows = [{"sites": ", ".join(site["name"] for site in one["sites"]), **one["values"]} for one in front["compromises"]]
shown = pd.DataFrame(rows).astype(object).fillna("moins de 11")
shown.rename(columns={aim["id"]: aim["label"] for aim in front["aims"]})

# %%
pd.DataFrame({"pôle commun": run.document["joint"]["text"]})

# %% [markdown]
# ## Ce que ce résultat ne dit pas
#
# - Les services aux aînés et les filières du plastique n'ont pas de liste chargée : l'étude ne les place pas.
# - Les listes de ressourceries et de tiers-lieux sont partielles : un lieu absent des sources manque aussi ici.
# - Les IRIS, plus fins que certaines communes, n'ont ni contour ni lieu dans les données : ils ne sont pas placés.
# - Les temps de trajet sont estimés à vol d'oiseau ; les poids des défis sont une convention, à décider par le
#   territoire.
# - Une mairie est un point de départ, pas un terrain : le foncier et les locaux ne sont pas dans les données.
