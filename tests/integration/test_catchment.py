"""``observatory access``: the streamed catchment of a service is the one that analyses store, on real Normandy."""

import numpy as np
import sqlalchemy as sa

from observatory.access.distribution import gini
from observatory.declared.study_reading import read_study
from observatory.runs.access.access_run import access_run
from observatory.runs.access.catchment_table import service_catchment
from observatory.runs.loaded_inputs import read_inputs

SERVICE = "ressourcerie"


def test_the_streamed_catchment_is_the_stored_one(connection: sa.Connection) -> None:
    study, inputs = read_study(None), read_inputs(connection)
    service = study.service(SERVICE)
    stored = access_run(connection, study, service, threshold_min=service.threshold_min, inputs=inputs).rows
    frame, parameters = service_catchment(connection, SERVICE)
    streamed = frame[~frame["is_border"]].set_index(["level", "code"]).loc[stored.index]
    assert stored["access_index"].max() > 0
    np.testing.assert_allclose(streamed["access_index"], stored["access_index"], rtol=1e-9, atol=1e-15)
    assert streamed["reachable_supply"].tolist() == stored["reachable_supply"].tolist()
    is_near = stored["nearest_min"] <= service.threshold_min
    np.testing.assert_array_equal(streamed["nearest_min"][is_near], stored["nearest_min"][is_near])
    assert streamed["nearest_min"][~is_near].isna().all()
    communes = stored.loc["commune"]["access_index"]
    shared = gini(communes, inputs.population_count.reindex(communes.index).fillna(0).astype(float))
    assert parameters["inequality"]["gini"] == round(shared, 4)
