({scope}) IN (SELECT DISTINCT {scope} FROM {stage})
