-- The table becomes a partition of a new one that takes its place. No entry is moved.
DO $do$
DECLARE
    trail pg_catalog.regclass := 'audit_trail';
    path constant pg_catalog.text := pg_catalog.current_setting('search_path');
    until constant pg_catalog.timestamptz := '{until}';
    old constant text := 'audit_trail_until_{month}';
    home text; owner text; indexes text[]; triggers text[]; always text[]; grants text[];
    definition text;
    was text;
    found record;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    PERFORM set_config('timezone', 'UTC', true);
{gather}
    was := format('%s.%I', home, old);
    FOR found IN SELECT tgname FROM pg_trigger WHERE tgrelid = trail AND NOT tgisinternal LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, trail);
    END LOOP;
    EXECUTE (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', trail, conname)
             FROM pg_constraint WHERE conrelid = trail AND contype = 'p');
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I PRIMARY KEY USING INDEX audit_trail_id_time', trail, old || '_pkey');
    FOR found IN
        SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = trail AND NOT indisprimary
    LOOP
        EXECUTE format('ALTER INDEX %s.%I RENAME TO %I', home, found.relname, left(old || '_' || found.relname, 63));
    END LOOP;
    EXECUTE format('ALTER TABLE %s RENAME TO %I', trail, old);

    EXECUTE format('CREATE TABLE %s.audit_trail (LIKE %s INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (timestamp)',
                   home, was);
    EXECUTE format('ALTER TABLE %s.audit_trail DROP CONSTRAINT audit_trail_converted, ADD PRIMARY KEY (id, timestamp)', home);
{furnish}
    EXECUTE format('SELECT EXISTS (SELECT FROM %s) AS any', was) INTO found;
    IF found.any THEN
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (MINVALUE) TO (%L)', trail, was, until);
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT audit_trail_converted', was);
    ELSE
        EXECUTE format('DROP TABLE %s', was);
    END IF;
    EXECUTE format('CREATE TABLE %s.audit_trail_default PARTITION OF %s DEFAULT', home, trail);
{guard}
    FOR months IN 0..3 LOOP
        EXECUTE format('SELECT %s.audit_trail_create_partition(now() + make_interval(months => %s))', home, months);
    END LOOP;
    PERFORM set_config('search_path', path, true);
END
$do$
