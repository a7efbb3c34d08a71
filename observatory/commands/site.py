"""``observatory site``: where to put new poles, why there, and two studies side by side."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from observatory.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from observatory.runs.siting.siting_run import SitingRun

FORMATS: Final = ("table", "json", "geojson")
WIDE: Final = 10_000
"""Width in columns when the table is not for a terminal: nothing is cut."""

app = typer.Typer(invoke_without_command=True, no_args_is_help=False)


@app.callback(invoke_without_command=True)
def site(
    context: typer.Context,
    *,
    study: Annotated[
        str | None,
        typer.Option(
            metavar="FICHIER", help="Étude d’implantation : vire, caux-seine, ou le chemin d’un fichier TOML."
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="{table|json|geojson}", help="Forme de la sortie.")
    ] = "table",
    time_limit_s: Annotated[
        float | None,
        typer.Option("--time-limit", metavar="SECONDES", min=0.1, help="Temps de recherche au plus (60 par défaut)."),
    ] = None,
    pareto: Annotated[
        bool,
        typer.Option(
            "--pareto",
            help="Cherche aussi les compromis entre les buts : ceux de l’étude, ou temps moyen, plus éloignés et coût.",
        ),
    ] = False,
) -> None:
    """Solve a siting study, or read it back if it was already solved on the same data."""
    if context.invoked_subcommand is not None:
        return
    if study is None:
        raise UsageError("Donnez une étude : « observatory site --study vire », caux-seine, ou un fichier TOML.")
    if format_ not in FORMATS:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi {', '.join(FORMATS)}.")
    from observatory import pipeline
    from observatory.commands.session import chosen_study, messages, transaction, working, write_text
    from observatory.declared.siting_file import read_siting_study
    from observatory.declared.siting_options import DEFAULT_AIMS
    from observatory.publish import known_of_expected
    from observatory.publish import siting_rows as publication

    question = read_siting_study(study)
    if pareto and not question.pareto:
        question = replace(question, pareto=DEFAULT_AIMS)
    with working("Recherche des sites…"), transaction() as connection:
        run = pipeline.site(connection, question, study_path=chosen_study(None), time_limit_s=time_limit_s)
        warnings = known_of_expected.warnings(
            connection, services=run.parameters["services"], source_ids=run.source_ids
        )
    for sentence in warnings:
        messages().print(f"Attention : {sentence}", markup=False)
    if format_ == "json":
        write_text(publication.to_json(run, warnings=warnings))
    elif format_ == "geojson":
        write_text(publication.to_geojson(run))
    else:
        _print(run)


@app.command("compare", help="Met deux études côte à côte ; un calcul se nomme par le début de son empreinte.")
def compare(
    first: Annotated[str, typer.Argument(metavar="CALCUL_A", help="Début de l’empreinte du premier calcul.")],
    second: Annotated[str, typer.Argument(metavar="CALCUL_B", help="Début de l’empreinte du second.")],
) -> None:
    """Print two stored siting studies side by side."""
    from rich import box
    from rich.table import Table

    from observatory.commands.session import transaction
    from observatory.publish import siting_rows as publication
    from observatory.runs.siting.siting_run import find_siting

    with transaction() as connection:
        rows = publication.comparison(find_siting(connection, first), find_siting(connection, second))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "A", "B"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    _console().print(table)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=WIDE, no_color=True)


def _print(run: SitingRun) -> None:
    from observatory.commands.session import messages
    from observatory.publish import siting_rows as publication

    console, best = _console(), run.document["solutions"][0]
    say = messages()
    say.print(run.parameters["title"], markup=False)
    say.print(f"{publication.names(best)} : {publication.status(best)}.", markup=False)
    if best["status"] != "infeasible":
        for sentence in publication.spending(run, best):
            say.print(sentence, markup=False)
        console.print(_sites_table(run))
        console.print(_ledger_table(run))
        if run.document["pareto"] is not None:
            console.print(_pareto_table(run))
        if run.document["joint"] is not None:
            say.print("\nPôle commun", markup=False)
            for sentence in run.document["joint"]["text"]:
                say.print(f"  - {sentence}", markup=False)
        for why in best["why"]:
            say.print(f"\nPourquoi {why['name']} ?", markup=False)
            for sentence in why["text"]:
                say.print(f"  - {sentence}", markup=False)
    for line in _basis(run):
        say.print(line, markup=False)


def _sites_table(run: SitingRun) -> Any:  # noqa: ANN401  (a rich table)
    from rich import box
    from rich.table import Table

    from observatory.publish import siting_rows as publication
    from observatory.words import numbers

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Propositions, de la meilleure à la moins bonne")
    for heading in ("Rang", "Nouveaux pôles", "Objectif", "Preuve"):
        table.add_column(heading, overflow="fold")
    for rank, solution in enumerate(run.document["solutions"], start=1):
        shown = numbers.decimal(solution["objective"], digits=0)
        table.add_row(str(rank), publication.names(solution), shown, publication.status(solution))
    return table


def _ledger_table(run: SitingRun) -> Any:  # noqa: ANN401  (a rich table)
    from rich import box
    from rich.table import Table

    from observatory.words import numbers

    best = run.document["solutions"][0]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Registre du territoire, avant et après")
    for heading in ("Service", "", "Population", "Servis", "Saturé", "Hors de portée"):
        table.add_column(heading, overflow="fold")
    for moment, name in (("avant", "ledger_before"), ("après", "ledger_after")):
        for one in best[name]["services"]:
            counts = ("population_count", "served_count", "reachable_full_count", "out_of_reach_count")
            service = run.parameters["services"][one["service"]]
            table.add_row(service, moment, *(numbers.count(one[count]) for count in counts))
    return table


def _pareto_table(run: SitingRun) -> Any:  # noqa: ANN401  (a rich table)
    from rich import box
    from rich.table import Table

    front = run.document["pareto"]
    title = f"Compromis entre les buts : {len(front['compromises'])} montrés sur {front['total']}"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, caption=front["reason"])
    for heading in ("Nouveaux pôles", *(aim["label"] for aim in front["aims"])):
        table.add_column(heading, overflow="fold")
    for one in front["compromises"]:
        names = ", ".join(site["name"] for site in one["sites"]) or "aucun"
        known = [(aim["id"], one["values"][aim["id"]]) for aim in front["aims"]]
        figures = [f"{value:g}" if aim == "cost" else _figure(aim, value) for aim, value in known]
        table.add_row(names + (" (la proposition)" if one["is_proposal"] else ""), *figures)
    return table


def _figure(aim: str, value: float | None) -> str:
    """Return minutes and shares with a decimal, persons without."""
    from observatory.declared.siting_options import AIMS_OF_DEFIS
    from observatory.siting.proposal.reasons import few
    from observatory.words import numbers

    return few(value, is_public=True) if aim in AIMS_OF_DEFIS else numbers.decimal(value)


def _basis(run: SitingRun) -> list[str]:
    """Return what was assumed, what the lists lack, the robustness and the run."""
    from observatory.publish import siting_rows as publication

    about, tried = run.parameters, run.document["robustness"]
    lines = ["", *(one["text"] for one in run.document["named"])]
    if tried is not None:
        stable = [one["name"] for one in tried["sites"] if one["verdict"] == "stable"]
        regret = publication.regret(run)
        lines.append(
            f"Robustesse : {len(tried['cases'])} cas essayés, regret au plus : {regret} ; "
            f"sites stables : {', '.join(stable) or 'aucun'}."
        )
        lines.extend([*filter(None, [publication.left_open(run)]), about["projections_note"]])
    lines.append(f"Objectif : {about['objective_unit']}.")
    lines.extend(f"{about['services'][name]} : {text}" for name, text in about["completeness"].items())
    lines.extend([about["mesh_note"], about["supply_note"], about["travel_note"], *about["notes"]])
    lines.append(f"Calcul {run.run_hash[:12]}.")
    return lines
