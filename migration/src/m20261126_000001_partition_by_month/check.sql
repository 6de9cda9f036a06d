-- What would be lost, or would go on reading a part of the trail as if it were the whole.
DO $do$
DECLARE
    trail pg_catalog.regclass := 'audit_trail';
    path constant pg_catalog.text := pg_catalog.current_setting('search_path');
    problem pg_catalog.text;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    SELECT what INTO problem FROM (
        SELECT format('the view %s reads it', view.oid::regclass) AS what
        FROM pg_depend JOIN pg_rewrite rule ON rule.oid = objid JOIN pg_class view ON view.oid = ev_class
        WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass
          AND refobjid = trail AND view.oid <> refobjid
        UNION ALL
        SELECT format('the foreign key %I of %s refers to it', conname, conrelid::regclass)
        FROM pg_constraint WHERE contype = 'f' AND confrelid = trail
        UNION ALL
        SELECT format('the index %s is unique without the column timestamp', indexrelid::regclass)
        FROM pg_index WHERE indrelid = trail AND indisunique AND NOT indisprimary
          AND indexrelid IS DISTINCT FROM (SELECT to_regclass(relnamespace::regnamespace || '.audit_trail_id_time') FROM pg_class WHERE oid = trail)
        UNION ALL
        SELECT format('it has the row security policy %I', polname)
        FROM pg_policy WHERE polrelid = trail
        UNION ALL
        SELECT format('the publication %I names it', pubname)
        FROM pg_publication_rel JOIN pg_publication p ON p.oid = prpubid WHERE prrelid = trail
    ) AS problems LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'audit_trail cannot be converted while %', problem
            USING HINT = 'Drop it, run the migration, and create it again.';
    END IF;
    PERFORM set_config('search_path', path, true);
END
$do$
