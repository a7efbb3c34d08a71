"""What must not depend on where the observatory is installed, where its data is, or what terminal it speaks to."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from observatory.runs import job_queue
from observatory.settings import Settings
from observatory.store.engine import create_engine
from observatory.store.server import cluster, datadir


@pytest.mark.parametrize("name", ["mes données", "été à Vire", "a+b & c", "50 % d'ici"])
def test_pages_and_their_worker_reach_the_same_database(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path("/tmp/o") / name  # nothing is made there; a longer path would put the socket elsewhere
    place = datadir.Place(data_dir=home, home=home, account=datadir.locate(Path("/tmp")).account)
    monkeypatch.setattr(datadir, "locate", lambda _: place)
    settings = Settings(data_dir=home, _env_file=None)
    engine = create_engine(settings)
    _, keywords = engine.dialect.create_connect_args(engine.url)
    assert keywords["host"] == str(home / "socket")
    for address in (cluster.cluster_for(settings).url, job_queue._pool(settings)["conninfo"]):
        assert conninfo_to_dict(address)["host"] == str(home / "socket")
