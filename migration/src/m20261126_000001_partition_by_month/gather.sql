    -- What the table has beside its rows. Definitions name the table, which the other one is by then.
    home := (SELECT quote_ident(nspname)
             FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE pg_class.oid = trail);
    owner := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = trail);
    indexes := ARRAY(SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
                     FROM pg_index WHERE indrelid = trail AND NOT indisunique);
    triggers := ARRAY(SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = trail AND NOT tgisinternal);
    always := ARRAY(SELECT tgname FROM pg_trigger
                    WHERE tgrelid = trail AND NOT tgisinternal AND tgenabled = 'A');
    grants := ARRAY(
        SELECT format('GRANT %s ON %s.audit_trail TO %s%s', privilege, home,
                      CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                      CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM (SELECT privilege_type AS privilege, grantee, is_grantable
              FROM pg_class, aclexplode(relacl) WHERE oid = trail
              UNION ALL
              SELECT format('%s (%I)', privilege_type, attname), grantee, is_grantable
              FROM pg_attribute, aclexplode(attacl) WHERE attrelid = trail) AS rights);
