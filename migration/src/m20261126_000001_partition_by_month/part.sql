-- The table becomes a partition of a new one that takes its place. No entry is moved.
DO $do$
DECLARE
    until constant timestamptz := '{until}';
    old constant text := 'audit_trail_until_{month}';
    home text; owner text; indexes text[]; triggers text[]; always text[]; grants text[];
    definition text;
    found record;
BEGIN
    PERFORM set_config('timezone', 'UTC', true);
{gather}
    FOR found IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_trail'::regclass AND NOT tgisinternal LOOP
        EXECUTE format('DROP TRIGGER %I ON audit_trail', found.tgname);
    END LOOP;
    EXECUTE (SELECT format('ALTER TABLE audit_trail DROP CONSTRAINT %I', conname)
             FROM pg_constraint WHERE conrelid = 'audit_trail'::regclass AND contype = 'p');
    EXECUTE format('ALTER TABLE audit_trail ADD CONSTRAINT %I PRIMARY KEY USING INDEX audit_trail_id_time', old || '_pkey');
    FOR found IN
        SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = 'audit_trail'::regclass AND NOT indisprimary
    LOOP
        EXECUTE format('ALTER INDEX %s.%I RENAME TO %I', home, found.relname, left(old || '_' || found.relname, 63));
    END LOOP;
    EXECUTE format('ALTER TABLE audit_trail RENAME TO %I', old);

    EXECUTE format('CREATE TABLE %s.audit_trail (LIKE %I INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (timestamp)', home, old);
    ALTER TABLE audit_trail DROP CONSTRAINT audit_trail_converted;
    ALTER TABLE audit_trail ADD PRIMARY KEY (id, timestamp);
{furnish}
    EXECUTE format('SELECT EXISTS (SELECT FROM %I) AS any', old) INTO found;
    IF found.any THEN
        EXECUTE format('ALTER TABLE audit_trail ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', old, until);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT audit_trail_converted', old);
        PERFORM audit_trail_guard_partition(to_regclass(format('%s.%I', home, old)));
    ELSE
        EXECUTE format('DROP TABLE %I', old);
    END IF;
    EXECUTE format('CREATE TABLE %s.audit_trail_default PARTITION OF audit_trail DEFAULT', home);
    PERFORM audit_trail_guard_partition(to_regclass(home || '.audit_trail_default'));
    FOR months IN 0..3 LOOP
        PERFORM audit_trail_create_partition(now() + make_interval(months => months));
    END LOOP;
END
$do$
