-- When a schedule of cron is due, as pg_cron understands it. It is asked only whether a run that is about to begin is one
-- that had to wait for an earlier one: what is not understood counts as due.

CREATE OR REPLACE FUNCTION ocr.cron_field(field text, lowest int, highest int, names text[] = '{}') RETURNS int[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    item text;
    parts text[];
    found int[] := '{}';
    i int;
BEGIN
    FOR i IN 1 .. coalesce(array_length(names, 1), 0) LOOP
        field := regexp_replace(field, '\m' || names[i] || '[a-z]*\M', (lowest + i - 1)::text, 'gi');
    END LOOP;
    FOREACH item IN ARRAY coalesce(string_to_array(field, ','), '{}') LOOP
        parts := regexp_match(item, '^(?:[*]|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([0-9]{1,2}))?$');
        IF parts IS NULL OR parts[3]::int = 0 THEN
            RETURN NULL;
        END IF;
        found := found || ARRAY(SELECT generate_series(coalesce(parts[1]::int, lowest), coalesce(parts[2]::int, parts[1]::int, highest),
                                                       coalesce(parts[3]::int, 1)));
    END LOOP;
    RETURN nullif(found, '{}');
END
$$;
COMMENT ON FUNCTION ocr.cron_field(text, int, int, text[]) IS
'Internal: the numbers that a field of a schedule stands for; null where it is not understood. names: of the numbers from lowest on';

CREATE OR REPLACE FUNCTION ocr.is_due_again(schedule text, last_start timestamptz, time_zone text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fields CONSTANT text[] := regexp_split_to_array(
        CASE btrim(schedule) WHEN '@yearly' THEN '0 0 1 1 *' WHEN '@annually' THEN '0 0 1 1 *' WHEN '@monthly' THEN '0 0 1 * *'
                             WHEN '@weekly' THEN '0 0 * * 0' WHEN '@daily' THEN '0 0 * * *' WHEN '@midnight' THEN '0 0 * * *'
                             WHEN '@hourly' THEN '0 * * * *' ELSE btrim(schedule) END, '\s+');
    minutes CONSTANT int[] := ocr.cron_field(fields[1], 0, 59);
    hours CONSTANT int[] := ocr.cron_field(fields[2], 0, 23);
    days CONSTANT int[] := ocr.cron_field(fields[3], 1, 31);
    months CONSTANT int[] := ocr.cron_field(fields[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}');
    weekdays CONSTANT int[] := ocr.cron_field(fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
BEGIN
    IF (clock_timestamp() - last_start BETWEEN '0' AND '7 days') IS NOT TRUE
       OR array_length(fields, 1) <> 5 OR minutes IS NULL OR hours IS NULL OR days IS NULL OR months IS NULL OR weekdays IS NULL THEN
        RETURN true;
    END IF;
    -- As cron has it: where both kinds of days are restricted, either is enough.
    RETURN EXISTS (
        SELECT FROM generate_series(date_trunc('minute', last_start) + interval '1 min', clock_timestamp(), interval '1 min') AS m (at),
             LATERAL (SELECT m.at AT TIME ZONE time_zone AS here) AS t,
             LATERAL (SELECT extract(day FROM t.here)::int = ANY (days) AS of_month,
                             extract(dow FROM t.here)::int = ANY (weekdays) OR extract(isodow FROM t.here)::int = ANY (weekdays) AS of_week) AS day
        WHERE extract(minute FROM t.here)::int = ANY (minutes) AND extract(hour FROM t.here)::int = ANY (hours)
          AND extract(month FROM t.here)::int = ANY (months)
          AND CASE WHEN fields[3] LIKE '*%' OR fields[5] LIKE '*%' THEN day.of_month AND day.of_week ELSE day.of_month OR day.of_week END);
END
$$;
COMMENT ON FUNCTION ocr.is_due_again(text, timestamptz, text) IS
'Internal: whether a schedule has been due since the minute in which a run began. True also where the schedule is not understood, or that was more than a week ago';
