    trail := to_regclass(home || '.audit_trail');
    FOREACH definition IN ARRAY indexes LOOP EXECUTE definition; END LOOP;
    FOREACH definition IN ARRAY triggers LOOP EXECUTE definition; END LOOP;
    FOREACH definition IN ARRAY always LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', trail, definition);
    END LOOP;
    IF owner <> current_user THEN EXECUTE format('ALTER TABLE %s OWNER TO %I', trail, owner); END IF;
    FOREACH definition IN ARRAY grants LOOP EXECUTE definition; END LOOP;
