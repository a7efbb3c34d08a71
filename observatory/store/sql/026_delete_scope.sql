-- The loaded rows of what a staged table speaks of: it takes their place.
DELETE FROM {target}
WHERE {within}
