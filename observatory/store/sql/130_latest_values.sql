-- Figures of the last period known for each indicator at each level, the same period for every territory.
WITH latest AS (
    SELECT level, indicator, max(period) AS period
    FROM observatory.indicator_value
    WHERE indicator = ANY (CAST(:indicators AS text[]))
        AND (CAST(:levels AS text[]) IS NULL OR level = ANY (CAST(:levels AS text[])))
        AND value IS NOT NULL
    GROUP BY level, indicator
)
SELECT figure.level, figure.code, figure.indicator, figure.period, figure.value, figure.status, figure.source_id
FROM observatory.indicator_value AS figure
JOIN latest USING (level, indicator, period)
ORDER BY figure.level, figure.code, figure.indicator
