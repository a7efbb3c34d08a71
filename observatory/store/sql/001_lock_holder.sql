-- Who holds the advisory lock :key, and since when.
SELECT activity.application_name AS name, activity.xact_start AS since
FROM pg_locks AS lock
JOIN pg_stat_activity AS activity USING (pid)
WHERE lock.locktype = 'advisory'
    AND lock.granted
    AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (lock.classid::bigint << 32) + lock.objid::bigint = :key
LIMIT 1
