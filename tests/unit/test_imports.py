"""The rooms of the code, as its imports draw them: no module leads back to itself, wherever its imports are written."""

from __future__ import annotations

import grimp
import networkx as nx


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("api", "observatory", "geodata", cache_dir=None)
    imports = nx.DiGraph(
        (module, imported) for module in graph.modules for imported in graph.find_modules_directly_imported_by(module)
    )
    rings = [sorted(ring) for ring in nx.strongly_connected_components(imports) if len(ring) > 1]
    assert imports.number_of_edges() > 1000
    assert rings == []
