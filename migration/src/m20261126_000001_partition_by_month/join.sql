-- Back to one table, by copying.
DO $do$
DECLARE
    home text; owner text; indexes text[]; triggers text[]; always text[]; grants text[];
    definition text;
BEGIN
{gather}
    EXECUTE format('CREATE TABLE %s.audit_trail_joined (LIKE audit_trail INCLUDING ALL EXCLUDING INDEXES)', home);
    INSERT INTO audit_trail_joined SELECT * FROM audit_trail;
    DROP TABLE audit_trail;
    ALTER TABLE audit_trail_joined RENAME TO audit_trail;
    ALTER TABLE audit_trail ADD PRIMARY KEY (id);
{furnish}
    DROP FUNCTION audit_trail_create_partition(timestamptz), audit_trail_guard_partition(regclass), audit_trail_partitions();
END
$do$
