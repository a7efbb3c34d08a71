"""Documentation that can't go stale: commands, links, columns and layers that it names exist."""

import re
from pathlib import Path

import pytest

from observatory import cli
from observatory.publish.export_layers import READERS, TERRITORY_LAYERS
from observatory.runs.gap.gap_run import COLUMNS
from observatory.settings import Settings
from observatory.store.entered_files import LAYERS as ENTERED_LAYERS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_lists_every_command_and_no_other():
    listed = re.findall(r"^\| `observatory ([\w-]+)", text("README.md"), flags=re.MULTILINE)
    assert listed == list(cli.COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_option_of_the_guide_exists(capsys):
    lines = re.findall(
        r"^(?:observatory|\.venv/bin/observatory) (.+)$", text("docs/guide.md") + text("README.md"), re.MULTILINE
    )
    assert len(lines) > 10
    for line in lines:
        command, *options = line.split("#")[0].split()
        assert cli.run([command, "--help"]) == 0
        page = capsys.readouterr().out
        if options and re.fullmatch("[a-z-]+", options[0]) and cli.run([command, options[0], "--help"]) == 0:
            page += capsys.readouterr().out
        for option in (one.strip("[]") for one in options):
            if option.startswith("--"):
                assert option in page, line


def test_every_layer_of_the_guide_exists():
    layers = re.findall(r"--layer (\S+)", text("docs/guide.md"))
    known = {*TERRITORY_LAYERS, *READERS, *ENTERED_LAYERS}
    assert [layer for layer in layers if layer not in known and not layer.startswith("gaps-")] == []


def test_every_setting_is_in_the_guide():
    guide = text("docs/guide.md")
    missing = [name for name in Settings.model_fields if f"`OBS_{name.upper()}`" not in guide]
    assert missing == []


def test_the_glossary_names_columns_as_they_are():
    named = set(re.findall(r"`(\w+_(?:score|count))`", text("docs/glossaire.md")))
    assert named
    assert named <= set(COLUMNS)


def test_decisions_are_numbered_once():
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    assert numbers
    assert len(numbers) == len(set(numbers))


def test_the_licence_is_the_one_declared():
    assert text("LICENSE").startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2\n")
    assert 'license = "EUPL-1.2"' in text("pyproject.toml")
    assert '"license": "EUPL-1.2"' in text("package.json")
