    FOREACH definition IN ARRAY indexes LOOP EXECUTE definition; END LOOP;
    FOREACH definition IN ARRAY triggers LOOP EXECUTE definition; END LOOP;
    FOREACH definition IN ARRAY always LOOP
        EXECUTE format('ALTER TABLE audit_trail ENABLE ALWAYS TRIGGER %I', definition);
    END LOOP;
    IF owner <> current_user THEN EXECUTE format('ALTER TABLE audit_trail OWNER TO %I', owner); END IF;
    FOREACH definition IN ARRAY grants LOOP EXECUTE definition; END LOOP;
