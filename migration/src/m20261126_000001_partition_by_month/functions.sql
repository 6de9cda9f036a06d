-- Names are looked up once, here: docs/design.md has the rules for what a database runs. A function of the same name that
-- is there is replaced whole, so that it is not somebody else's.
DO $do$
DECLARE
    trail pg_catalog.regclass := 'audit_trail';
    path constant pg_catalog.text := pg_catalog.current_setting('search_path');
    home pg_catalog.text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    home := (SELECT quote_ident(nspname)
             FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE pg_class.oid = trail);
    EXECUTE format('DROP FUNCTION IF EXISTS %1$s.audit_trail_create_partition(timestamptz), '
                   '%1$s.audit_trail_partitions()', home);

    EXECUTE format('CREATE FUNCTION %s.audit_trail_partitions() RETURNS TABLE (name text, starts timestamptz, '
                   'ends timestamptz, is_default boolean, entries bigint, bytes bigint) LANGUAGE sql STABLE '
                   'SET search_path = pg_catalog, pg_temp SET timezone = ''UTC'' SET datestyle = ''ISO'' AS %L',
                   home, replace($body$
    SELECT child.relname::text,
           (regexp_match(bound, 'FROM \(''([^'']+)''\)'))[1]::timestamptz,
           (regexp_match(bound, 'TO \(''([^'']+)''\)'))[1]::timestamptz,
           bound = 'DEFAULT',
           greatest(child.reltuples, 0)::bigint,
           pg_total_relation_size(child.oid)
    FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid
    CROSS JOIN LATERAL pg_get_expr(child.relpartbound, child.oid) AS bound
    WHERE inhparent = {trail}::regclass AND NOT inhdetachpending
$body$, '{trail}', quote_literal(trail)));

    -- With the rights of its owner: who may call it can have the months made that the trail needs, and do nothing else to
    -- it. A lock that writers do not wait for keeps two calls from each other.
    EXECUTE format('CREATE FUNCTION %s.audit_trail_create_partition(moment timestamptz) RETURNS text '
                   'LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = ''UTC'' '
                   'SET datestyle = ''ISO'' SET default_tablespace FROM CURRENT '
                   'SET default_table_access_method FROM CURRENT AS %L',
                   home, replace(replace(replace($body$
DECLARE
    trail constant regclass := {trail};
    rest constant regclass := (SELECT nullif(partdefid, 0) FROM pg_partitioned_table WHERE partrelid = trail);
    this constant timestamptz := date_trunc('month', now());
    first constant timestamptz := date_trunc('month', moment);
    next constant timestamptz := first + interval '1 month';
    latest constant timestamptz := this + interval '24 months';
    earliest constant timestamptz := greatest(this - interval '24 months', least(this,
        (SELECT min(coalesce(starts, '-infinity')) FROM {home}.audit_trail_partitions() WHERE NOT is_default)));
    name text;
    part text;
    look text;
    late boolean := false;
    door bigint;
    found record;
BEGIN
    IF (first BETWEEN earliest AND latest) IS NOT TRUE THEN
        RAISE EXCEPTION 'no partition of audit_trail is made for %', coalesce(moment::text, 'NULL')
            USING HINT = format('It has to be a month from %s to %s.', to_char(earliest, 'YYYY-MM'), to_char(latest, 'YYYY-MM'));
    END IF;
    LOCK TABLE {home}.audit_trail IN SHARE UPDATE EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM {home}.audit_trail_partitions() p
               WHERE NOT p.is_default AND coalesce(p.starts, '-infinity') <= first AND first < coalesce(p.ends, 'infinity'))
    THEN
        RETURN NULL;
    END IF;
    name := 'audit_trail_' || to_char(first, 'YYYY_MM');
    part := format('%s.%I', {place}, name);
    look := format('SELECT EXISTS (SELECT FROM %s WHERE timestamp >= %L AND timestamp < %L)', rest, first, next);
    IF rest IS NOT NULL THEN EXECUTE look INTO late; END IF;
    IF first < this AND NOT late THEN RETURN NULL; END IF; -- nobody needs it

    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', part, trail);
    IF rest IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', rest);
        EXECUTE look INTO late;
    END IF;
    IF late THEN
        -- The trigger tells of the door, since it is the owner's: a table of that name may be anybody's.
        IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = trail AND tgname = 'audit_trail_no_change') THEN
            INSERT INTO {home}.audit_trail_upkeep (opened_at) VALUES (now()) RETURNING id INTO door;
        END IF;
        EXECUTE format('WITH late AS (DELETE FROM %s WHERE timestamp >= %L AND timestamp < %L RETURNING *) '
                       'INSERT INTO %s SELECT * FROM late', rest, first, next, part);
        IF door IS NOT NULL THEN DELETE FROM {home}.audit_trail_upkeep WHERE id = door; END IF;
    END IF;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', trail, part, first, next);
{guard}
    RETURN name;
END
$body$, '{trail}', quote_literal(trail)), '{place}', quote_literal(home)), '{home}', home));
    EXECUTE format('REVOKE ALL ON FUNCTION %s.audit_trail_create_partition(timestamptz) FROM PUBLIC', home);
    PERFORM set_config('search_path', path, true);
END
$do$
