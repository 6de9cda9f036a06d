-- The schema is written out and pg_temp comes last, so that nobody puts a table of theirs in front.
DO $do$
DECLARE
    home text := (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'audit_trail'::regclass);
BEGIN
EXECUTE replace($body$
CREATE OR REPLACE FUNCTION {home}.audit_trail_partitions()
RETURNS TABLE (name text, starts timestamptz, ends timestamptz, is_default boolean, entries bigint, bytes bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, {home}, pg_temp SET timezone = 'UTC' AS $function$
    SELECT child.relname::text,
           (regexp_match(bound, 'FROM \(''([^'']+)''\)'))[1]::timestamptz,
           (regexp_match(bound, 'TO \(''([^'']+)''\)'))[1]::timestamptz,
           bound = 'DEFAULT',
           greatest(child.reltuples, 0)::bigint,
           pg_total_relation_size(child.oid)
    FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid
    CROSS JOIN LATERAL pg_get_expr(child.relpartbound, child.oid) AS bound
    WHERE inhparent = 'audit_trail'::regclass AND NOT inhdetachpending
$function$
$body$, '{home}', home);

-- No trigger of the parent sees the TRUNCATE of a partition, so each has such triggers of its own.
EXECUTE replace($body$
CREATE OR REPLACE FUNCTION {home}.audit_trail_guard_partition(part regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {home}, pg_temp AS $function$
DECLARE
    found record;
    parent text := '{home}.audit_trail';
BEGIN
    FOR found IN
        SELECT tgname, tgenabled, pg_get_triggerdef(oid) AS definition FROM pg_trigger
        WHERE tgrelid = 'audit_trail'::regclass AND NOT tgisinternal AND tgtype & 32 = 32
    LOOP
        EXECUTE replace(found.definition, ' ON ' || parent || ' ', ' ON ' || part::text || ' ');
        IF found.tgenabled = 'A' THEN
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', part, found.tgname);
        END IF;
    END LOOP;
END
$function$
$body$, '{home}', home);

-- With the rights of its owner: who may call it can have months made, and do nothing else to the trail.
-- A lock that writers do not wait for keeps two calls from each other.
EXECUTE replace($body$
CREATE OR REPLACE FUNCTION {home}.audit_trail_create_partition(moment timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {home}, pg_temp SET timezone = 'UTC' AS $function$
DECLARE
    first timestamptz := date_trunc('month', moment);
    next timestamptz := date_trunc('month', moment) + interval '1 month';
    part text := 'audit_trail_' || to_char(first, 'YYYY_MM');
    guarded boolean := to_regclass('{home}.audit_trail_upkeep') IS NOT NULL;
BEGIN
    IF moment > now() + interval '10 years' THEN
        RAISE EXCEPTION 'no partition of audit_trail is made more than ten years ahead';
    END IF;
    LOCK TABLE audit_trail IN SHARE UPDATE EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM audit_trail_partitions() p
               WHERE NOT p.is_default AND coalesce(p.starts, '-infinity') <= first AND first < coalesce(p.ends, 'infinity'))
    THEN
        RETURN NULL;
    END IF;
    EXECUTE format('CREATE TABLE {home}.%I (LIKE audit_trail INCLUDING ALL)', part);
    LOCK TABLE audit_trail_default IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM audit_trail_default WHERE timestamp >= first AND timestamp < next) THEN
        IF guarded THEN INSERT INTO audit_trail_upkeep (opened_at) VALUES (now()); END IF;
        EXECUTE format('WITH late AS (DELETE FROM audit_trail_default WHERE timestamp >= %L AND timestamp < %L RETURNING *) '
                       'INSERT INTO %I SELECT * FROM late', first, next, part);
        IF guarded THEN DELETE FROM audit_trail_upkeep; END IF;
    END IF;
    EXECUTE format('ALTER TABLE audit_trail ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, first, next);
    PERFORM audit_trail_guard_partition(to_regclass(format('{home}.%I', part)));
    RETURN part;
END
$function$
$body$, '{home}', home);
EXECUTE format('REVOKE ALL ON FUNCTION %s.audit_trail_create_partition(timestamptz) FROM PUBLIC', home);
END
$do$
