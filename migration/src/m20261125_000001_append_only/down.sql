DO $do$
DECLARE
    trail constant pg_catalog.regclass := 'audit_trail';
    path constant pg_catalog.text := pg_catalog.current_setting('search_path');
    home pg_catalog.text;
    part pg_catalog.text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    home := (SELECT quote_ident(nspname)
             FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE pg_class.oid = trail);
    FOR part IN SELECT trail UNION ALL SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = trail LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS audit_trail_no_truncate ON %s', part);
    END LOOP;
    EXECUTE format('DROP TRIGGER audit_trail_no_change ON %s', trail);
    EXECUTE format('DROP FUNCTION %s.audit_trail_is_append_only()', home);
    EXECUTE format('DROP TABLE %s.audit_trail_upkeep', home);
    PERFORM set_config('search_path', path, true);
END
$do$
