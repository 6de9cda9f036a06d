    -- No trigger of the whole sees the TRUNCATE of a part, so each part has such triggers of its own.
    FOR found IN
        SELECT inhrelid::regclass AS part, tgname, tgenabled, pg_get_triggerdef(whole.oid) AS definition
        FROM pg_trigger whole JOIN pg_inherits ON inhparent = tgrelid
        WHERE tgrelid = trail AND NOT tgisinternal AND tgtype & 32 = 32
          AND NOT EXISTS (SELECT FROM pg_trigger own WHERE own.tgrelid = inhrelid AND own.tgname = whole.tgname)
    LOOP
        EXECUTE replace(found.definition, format(' ON %s ', trail), format(' ON %s ', found.part));
        IF found.tgenabled = 'A' THEN
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', found.part, found.tgname);
        END IF;
    END LOOP;
