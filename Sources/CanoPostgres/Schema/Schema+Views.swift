// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// What people read with `psql`.
    static let views = """
        CREATE FUNCTION cano.status_name(status smallint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN CASE status WHEN 1 THEN 'active' WHEN 2 THEN 'waiting' WHEN 3 THEN 'compensating' WHEN 4 THEN 'blocked'
            WHEN 10 THEN 'succeeded' WHEN 11 THEN 'failed' WHEN 12 THEN 'cancelled' WHEN 13 THEN 'timedOut'
            ELSE 'status ' || status END;

        CREATE FUNCTION cano.kind_name(kind smallint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN CASE kind WHEN 1 THEN 'started' WHEN 2 THEN 'entered' WHEN 3 THEN 'expanded' WHEN 4 THEN 'branchDone'
            WHEN 5 THEN 'joined' WHEN 6 THEN 'attemptFailed' WHEN 7 THEN 'attemptLost' WHEN 8 THEN 'attemptHeld'
            WHEN 9 THEN 'sagaPushed' WHEN 10 THEN 'compensating' WHEN 11 THEN 'compensated'
            WHEN 12 THEN 'cancelRequested' WHEN 13 THEN 'finished' ELSE 'kind ' || kind END;

        CREATE VIEW cano.runs AS
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

        CREATE VIEW cano.timeline AS
        SELECT run, seq, at, cano.kind_name(kind) AS event, state, nullif(visit, 0) AS visit, path,
            nullif(attempt, 0) AS attempt, worker, epoch || '.' || counter AS token, epoch,
            started_at AS started, CASE WHEN attempt > 0 AND kind <> 8 THEN at END AS ended, due_at AS due, reason,
            detail, number, split_first, split_last, octet_length(payload) AS bytes,
            CASE payload_type WHEN 0 THEN 'binary' WHEN 1 THEN 'json' WHEN 2 THEN 'text' END AS content, payload
        FROM cano.history;
        COMMENT ON VIEW cano.timeline IS
            'What happened to a run: one row for each attempt and event. Order by run, seq; always name the run.';
        COMMENT ON COLUMN cano.timeline.run IS 'The run.';
        COMMENT ON COLUMN cano.timeline.seq IS 'The number of the record within the run, from 1, without gaps.';
        COMMENT ON COLUMN cano.timeline.at IS 'When it was decided.';
        COMMENT ON COLUMN cano.timeline.event IS
            'What happened: started, entered, expanded, branchDone, joined, attemptFailed, attemptLost, attemptHeld, '
            'sagaPushed, compensating, compensated, cancelRequested, finished.';
        COMMENT ON COLUMN cano.timeline.state IS 'The state it is about.';
        COMMENT ON COLUMN cano.timeline.visit IS 'Which visit of the run: rises with every state entered.';
        COMMENT ON COLUMN cano.timeline.path IS
            'The work: step, expand, branch/N, undo/SEQ; several, separated by commas, when they were lost together.';
        COMMENT ON COLUMN cano.timeline.attempt IS 'Which attempt of that work this row ends, from 1.';
        COMMENT ON COLUMN cano.timeline.worker IS 'The worker that held the lease.';
        COMMENT ON COLUMN cano.timeline.token IS 'The lease''s token: epoch and counter.';
        COMMENT ON COLUMN cano.timeline.epoch IS 'The epoch of the owner that granted the lease.';
        COMMENT ON COLUMN cano.timeline.started IS 'When the attempt''s lease was granted.';
        COMMENT ON COLUMN cano.timeline.ended IS 'When the attempt ended; empty for events and for attemptHeld.';
        COMMENT ON COLUMN cano.timeline.due IS 'What this row set a time for: a retry, a timer, a join, a deadline.';
        COMMENT ON COLUMN cano.timeline.reason IS 'A short reason: a failure''s code, an outcome, why an attempt was lost.';
        COMMENT ON COLUMN cano.timeline.detail IS 'One line about the reason.';
        COMMENT ON COLUMN cano.timeline.number IS 'A number whose meaning the event gives, such as an undo entry.';
        COMMENT ON COLUMN cano.timeline.split_first IS 'The first row of the split that led here.';
        COMMENT ON COLUMN cano.timeline.split_last IS 'The last row of the split that led here.';
        COMMENT ON COLUMN cano.timeline.bytes IS 'The size of the user''s bytes.';
        COMMENT ON COLUMN cano.timeline.content IS 'What the user''s bytes are: binary, json or text.';
        COMMENT ON COLUMN cano.timeline.payload IS
            'The user''s bytes: a context, an item, an output. For people: convert_from(payload, ''UTF8'').';
        """
}
