// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// What people read with `psql`.
    static let views = """
        CREATE OR REPLACE FUNCTION cano.status_name(status smallint) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN CASE status WHEN 1 THEN 'active' WHEN 2 THEN 'waiting' WHEN 3 THEN 'compensating' WHEN 4 THEN 'blocked'
            WHEN 10 THEN 'succeeded' WHEN 11 THEN 'failed' WHEN 12 THEN 'cancelled' WHEN 13 THEN 'timedOut'
            ELSE 'status ' || status END;

        CREATE OR REPLACE FUNCTION cano.kind_name(kind smallint) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN CASE kind WHEN 1 THEN 'started' WHEN 2 THEN 'entered' WHEN 3 THEN 'expanded' WHEN 4 THEN 'branchDone'
            WHEN 5 THEN 'joined' WHEN 6 THEN 'attemptFailed' WHEN 7 THEN 'attemptLost' WHEN 8 THEN 'attemptHeld'
            WHEN 9 THEN 'sagaPushed' WHEN 10 THEN 'compensating' WHEN 11 THEN 'compensated'
            WHEN 12 THEN 'cancelRequested' WHEN 13 THEN 'finished' WHEN 14 THEN 'stepCursor' WHEN 15 THEN 'checkpoint'
            WHEN 20 THEN 'signalled' WHEN 21 THEN 'childStarted'
            WHEN 22 THEN 'childEnded' WHEN 23 THEN 'intervened' WHEN 24 THEN 'migrated' ELSE 'kind ' || kind END;

        CREATE OR REPLACE VIEW cano.runs AS
        SELECT run, workflow, version, key, cano.status_name(status) AS status, started_at AS started,
            NULL::timestamptz AS finished, wake_at AS wake, deadline, note, shard
        FROM cano.run
        UNION ALL
        SELECT run, workflow, version, key, cano.status_name(status), started_at, finished_at, NULL, NULL, note,
            cano.shard_of(run)
        FROM cano.run_finished;
        COMMENT ON VIEW cano.runs IS 'Every run, finished or not.';
        COMMENT ON COLUMN cano.runs.run IS 'Its id, a UUID version 7: later runs sort later.';
        COMMENT ON COLUMN cano.runs.workflow IS 'The name of its workflow.';
        COMMENT ON COLUMN cano.runs.version IS 'The version of the definition that it stays with.';
        COMMENT ON COLUMN cano.runs.key IS 'The user''s name for it, unique per workflow.';
        COMMENT ON COLUMN cano.runs.status IS
            'active, waiting, compensating, blocked; or over: succeeded, failed, cancelled, timedOut.';
        COMMENT ON COLUMN cano.runs.started IS 'When it was started.';
        COMMENT ON COLUMN cano.runs.finished IS 'When it ended; empty while it runs.';
        COMMENT ON COLUMN cano.runs.wake IS 'When it will be looked at again, while it waits.';
        COMMENT ON COLUMN cano.runs.deadline IS 'When its total time is up, while it runs; empty without a bound.';
        COMMENT ON COLUMN cano.runs.note IS 'Why it is blocked, what it waits for, or why it failed.';
        COMMENT ON COLUMN cano.runs.shard IS 'The shard it belongs to, for ever.';
        """
}
