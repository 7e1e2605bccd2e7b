// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// Weekly partitions of what is only added to, so that old weeks can be dropped instead of deleted from.
    static let partitions = """
        CREATE FUNCTION cano.uuid_at(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
        COMMENT ON FUNCTION cano.uuid_at(timestamptz) IS 'The smallest run id that can be made at a moment.';

        CREATE FUNCTION cano.ensure_partitions(weeks int DEFAULT 8) RETURNS int LANGUAGE plpgsql VOLATILE
        SET lock_timeout = '3s' SET timezone = 'UTC' SET client_min_messages = 'warning' AS $$
        DECLARE
            v_first timestamptz := date_trunc('week', cano.now());
            v_from timestamptz;
            v_table text;
            v_name text;
            v_made int := 0;
        BEGIN
            FOR v_week IN 0 .. weeks LOOP
                v_from := v_first + v_week * interval '7 days';
                FOREACH v_table IN ARRAY ARRAY['history', 'run_finished'] LOOP
                    v_name := v_table || '_' || to_char(v_from, 'YYYYMMDD');
                    CONTINUE WHEN to_regclass('cano.' || v_name) IS NOT NULL;
                    PERFORM pg_advisory_xact_lock(hashtextextended('cano.partitions', 0));
                    CONTINUE WHEN to_regclass('cano.' || v_name) IS NOT NULL;
                    BEGIN
                        EXECUTE format('CREATE TABLE cano.%I (LIKE cano.%I INCLUDING ALL)', v_name, v_table);
                        EXECUTE format('ALTER TABLE cano.%I ATTACH PARTITION cano.%I FOR VALUES FROM (%L) TO (%L)',
                            v_table, v_name, cano.uuid_at(v_from), cano.uuid_at(v_from + interval '7 days'));
                        v_made := v_made + 1;
                    EXCEPTION WHEN check_violation OR lock_not_available THEN
                        NULL;  -- rows of that week are in the default partition already, where they are found as well
                    END;
                END LOOP;
            END LOOP;
            RETURN v_made;
        END $$;
        COMMENT ON FUNCTION cano.ensure_partitions(int) IS
            'Makes the partitions of this week and the next ones where they are missing; says how many it made.';
        SELECT cano.ensure_partitions();
        """
}
