-- Back to one table, by copying.
DO $do$
DECLARE
    trail pg_catalog.regclass := 'audit_trail';
    path constant pg_catalog.text := pg_catalog.current_setting('search_path');
    home text; owner text; indexes text[]; triggers text[]; always text[]; grants text[];
    definition text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
{gather}
    EXECUTE format('CREATE TABLE %s.audit_trail_joined (LIKE %s INCLUDING ALL EXCLUDING INDEXES)', home, trail);
    EXECUTE format('INSERT INTO %s.audit_trail_joined SELECT * FROM %s', home, trail);
    EXECUTE format('DROP TABLE %s', trail);
    EXECUTE format('ALTER TABLE %s.audit_trail_joined RENAME TO audit_trail', home);
    EXECUTE format('ALTER TABLE %s.audit_trail ADD PRIMARY KEY (id)', home);
{furnish}
    EXECUTE format('DROP FUNCTION %1$s.audit_trail_create_partition(timestamptz), %1$s.audit_trail_partitions()', home);
    PERFORM set_config('search_path', path, true);
END
$do$
