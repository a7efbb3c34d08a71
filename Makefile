# Ce que l'on fait avec l'observatoire, de l'installation aux contrôles. « make help » en donne la liste.
SHELL := /bin/bash
PORT ?= 8000
FRR ?= ../shared/data/raw/dgcl_frr_2025-07.csv
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench bench-access bench-siting bench-sirene bench-uncertainty bench-kill lock clean

help: ## affiche cette liste
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)$$/  make \1\t\2/' | expand -t 16

setup: ## installe ce qui manque (paquets du système, environnement .venv, bibliothèques des pages)
	@bash .ci/setup.sh

demo: ## installe, charge Normandie, calcule et sert http://127.0.0.1:PORT (make demo PORT=8000)
	@bash .ci/demo.sh "$(PORT)"

test: ## installe, puis lance tous les contrôles et tous les tests
	@bash .ci/test.sh

lint: ## contrôles du code seulement (style, types, sens des imports)
	@bash .ci/setup.sh
	@bash .ci/lint.sh

bench: bench-access bench-siting bench-sirene bench-uncertainty ## toutes les mesures (plus d'une heure)

bench-access: ## compare le calcul de l'accès à d'autres bibliothèques et écrit docs/benchmarks.md (une demi-heure)
	@bash .ci/setup.sh
	@.venv/bin/python benchmarks/access.py

bench-siting: ## mesure les solveurs d'implantation, puis d'autres bibliothèques à côté, et écrit docs/benchmarks.md (des heures)
	@bash .ci/setup.sh
	@.venv/bin/python benchmarks/siting.py
	@.venv/bin/python benchmarks/siting_peers.py

bench-sirene: ## mesure la lecture des fichiers stock de Sirene, à côté de leur lecture nue
	@bash .ci/setup.sh
	@.venv/bin/python benchmarks/sirene.py --millions 10

bench-kill: ## tue un chargement 62 fois, à des moments tirés au sort (FRR=fichier de la DGCL)
	@bash .ci/setup.sh
	@.venv/bin/python benchmarks/ingest_kill.py "$(FRR)"

bench-uncertainty: ## mesure 1 000 tirages de la méthode à côté d'un seul calcul
	@bash .ci/setup.sh
	@.venv/bin/python benchmarks/uncertainty.py

lock: ## recalcule requirements.lock et package-lock.json d'après pyproject.toml et package.json
	@bash .ci/lock.sh

clean: ## supprime ce qui s'installe et se recalcule (les données et la base restent)
	rm -rf .venv .tools .make node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
