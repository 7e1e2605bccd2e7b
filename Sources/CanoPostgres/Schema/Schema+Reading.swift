// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// What resuming reads: whole pages of runs in one statement and one snapshot (the functions are STABLE).
    ///
    /// Each row is one history row; the first row of a run carries the run's own columns as well. Part 0 is the tail,
    /// part 1 the pushes before it, part 2 what led to it
    /// (the branches of a split, a signal, the end of a child), part 3 the signals that the run knows of.
    /// A plan is kept per connection of
    /// the server, and always by index: what is read does not depend on how long the histories are.
    static let reading = """
        CREATE OR REPLACE FUNCTION cano.load_runs(p_runs uuid[])
        RETURNS TABLE (
            first boolean, r_seed bigint, r_hash bigint, r_started timestamptz, r_deadline timestamptz,
            r_wake timestamptz, r_version int, r_status smallint, r_workflow text, r_key text, part int,
            run uuid, at timestamptz, started_at timestamptz, due_at timestamptz, epoch bigint, counter bigint,
            number bigint, seq int, visit int, attempt int, split_first int, split_last int, kind smallint,
            payload_type smallint, state text, path text, worker text, reason text, detail text, payload bytea
        ) LANGUAGE plpgsql STABLE
        SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
        SET enable_mergejoin = off SET enable_bitmapscan = off SET jit = off AS $$
        #variable_conflict use_column
        BEGIN
            RETURN QUERY
            WITH picked AS MATERIALIZED (
                SELECT r.*, e.seq AS entry, e.split_first, e.split_last, e.detail AS signals
                FROM unnest(p_runs) AS p (run)
                JOIN cano.run AS r ON r.run = p.run
                JOIN LATERAL (
                    SELECT h.seq, h.split_first, h.split_last, h.detail FROM cano.history AS h
                    WHERE h.run = p.run AND h.kind IN (1, 2, 24) ORDER BY h.seq DESC LIMIT 1
                ) AS e ON true
            )
            SELECT h.seq = p.entry, p.seed, p.input_hash, p.started_at, p.deadline, p.wake_at, p.version, p.status,
                CASE WHEN h.seq = p.entry THEN p.workflow END, CASE WHEN h.seq = p.entry THEN p.key END, 0, h.*
            FROM picked AS p
            JOIN LATERAL (SELECT * FROM cano.history AS h WHERE h.run = p.run AND h.seq >= p.entry) AS h ON true
            UNION ALL
            SELECT false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, h.*
            FROM picked AS p
            JOIN LATERAL (
                SELECT * FROM cano.history AS h WHERE h.run = p.run AND h.kind = 9 AND h.seq < p.entry
            ) AS h ON true
            UNION ALL
            SELECT false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2, h.*
            FROM picked AS p
            JOIN LATERAL (
                SELECT * FROM cano.history AS h
                WHERE h.run = p.run AND h.kind IN (4, 20, 22) AND h.seq BETWEEN p.split_first AND p.split_last
            ) AS h ON true
            UNION ALL
            SELECT false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 3, h.*
            FROM picked AS p
            JOIN LATERAL regexp_matches(p.signals, '[0-9]+', 'g') AS s (seq) ON true
            JOIN cano.history AS h ON h.run = p.run AND h.seq = s.seq[1]::int AND h.kind = 20
            ORDER BY 12, 11, 19;
        END $$;
        COMMENT ON FUNCTION cano.load_runs(uuid[]) IS
            'Unfinished runs as resuming needs them: run row, tail, pushes, branches, signals, in order of their ids.';

        CREATE OR REPLACE FUNCTION cano.runnable(p_shard smallint, p_before timestamptz, p_waiting boolean,
            p_after uuid, p_limit int)
        RETURNS uuid[] LANGUAGE plpgsql STABLE
        SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
        BEGIN
            -- What is due is found by its time and sorted afterwards: asked for in the order of ids, the planner would
            -- walk through all runs of all shards in that order, and a sweep seldom finds any.
            RETURN ARRAY(
                WITH due AS MATERIALIZED (
                    SELECT r.run FROM cano.run AS r
                    WHERE r.shard = p_shard AND r.status IN (2, 4) AND r.wake_at < p_before AND r.run > p_after
                )
                SELECT run FROM (
                    (SELECT r.run FROM cano.run AS r
                    WHERE NOT p_waiting AND r.shard = p_shard AND r.status IN (1, 3) AND r.run > p_after
                    ORDER BY r.run LIMIT p_limit)
                    UNION ALL
                    SELECT run FROM due
                ) AS r ORDER BY run LIMIT p_limit
            );
        END $$;
        COMMENT ON FUNCTION cano.runnable(smallint, timestamptz, boolean, uuid, int) IS
            'Runs of a shard that have work (unless only waiting ones are asked for) or are due, in order of ids.';
        """
}
