// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// Tables and their indexes: unfinished runs are few and change; all else is only ever added to.
    static let tables = """
        CREATE FUNCTION cano.now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE
        RETURN clock_timestamp();
        COMMENT ON FUNCTION cano.now() IS 'The one clock: every deadline and lease is an instant of it.';

        CREATE FUNCTION cano.shard_of(run uuid) RETURNS smallint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN get_byte(uuid_send(run), 15)::smallint;
        COMMENT ON FUNCTION cano.shard_of(uuid) IS 'The shard of a run: the last byte of its id.';

        CREATE FUNCTION cano.shard_lock(shard smallint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN hashtextextended('cano.shard', shard);
        COMMENT ON FUNCTION cano.shard_lock(smallint) IS
            'The key of a shard''s advisory lock: commits hold it shared, a take-over holds it exclusive.';

        CREATE TABLE cano.shard (
            shard smallint PRIMARY KEY,
            epoch bigint NOT NULL DEFAULT 0,
            holder text,
            expires_at timestamptz
        ) WITH (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
        COMMENT ON TABLE cano.shard IS 'Who owns which part of the runs, under which epoch, until when.';
        INSERT INTO cano.shard (shard) SELECT generate_series(0, \(Schema.shardCount - 1));

        CREATE TABLE cano.definition (
            name text NOT NULL,
            version int NOT NULL,
            digest text NOT NULL,
            body bytea NOT NULL,
            registered_at timestamptz NOT NULL DEFAULT cano.now(),
            PRIMARY KEY (name, version)
        );
        COMMENT ON TABLE cano.definition IS 'Workflows as data; body is JSON in UTF-8: convert_from(body, ''UTF8'').';

        CREATE TABLE cano.run_key (
            workflow text COLLATE "C" NOT NULL,
            key text COLLATE "C" NOT NULL,
            run uuid NOT NULL,
            input_hash bigint NOT NULL,
            PRIMARY KEY (workflow, key)
        );
        COMMENT ON TABLE cano.run_key IS 'The users'' names for runs, finished ones too.';

        CREATE TABLE cano.run (
            run uuid NOT NULL,
            seed bigint NOT NULL,
            input_hash bigint NOT NULL,
            started_at timestamptz NOT NULL,
            deadline timestamptz,
            wake_at timestamptz,
            version int NOT NULL,
            shard smallint NOT NULL,
            status smallint NOT NULL,
            workflow text NOT NULL,
            key text,
            note text,
            PRIMARY KEY (run)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000,
            autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.1);
        COMMENT ON TABLE cano.run IS 'Runs that are not finished. People read the view cano.runs.';
        CREATE INDEX run_ready ON cano.run (shard, run) WHERE status IN (1, 3);
        CREATE INDEX run_wake ON cano.run (shard, wake_at) WHERE status = 2;

        CREATE TABLE cano.run_finished (
            run uuid NOT NULL,
            started_at timestamptz NOT NULL,
            finished_at timestamptz NOT NULL,
            input_hash bigint NOT NULL,
            version int NOT NULL,
            status smallint NOT NULL,
            workflow text NOT NULL,
            key text,
            note text,
            PRIMARY KEY (run)
        ) PARTITION BY RANGE (run);
        COMMENT ON TABLE cano.run_finished IS 'Runs that are over, by the week of their ids. People read cano.runs.';
        CREATE TABLE cano.run_finished_default PARTITION OF cano.run_finished DEFAULT;
        CREATE INDEX run_finished_workflow ON cano.run_finished (workflow, run);
        CREATE INDEX run_finished_unwell ON cano.run_finished (status, run) WHERE status <> 10;

        CREATE TABLE cano.history (
            run uuid NOT NULL,
            at timestamptz NOT NULL,
            started_at timestamptz,
            due_at timestamptz,
            epoch bigint,
            counter bigint,
            number bigint,
            seq int NOT NULL,
            visit int NOT NULL,
            attempt int NOT NULL,
            split_first int,
            split_last int,
            kind smallint NOT NULL,
            payload_type smallint,
            state text,
            path text,
            worker text,
            reason text,
            detail text,
            payload bytea,
            PRIMARY KEY (run, seq)
        ) PARTITION BY RANGE (run);
        COMMENT ON TABLE cano.history IS 'Every record of every run, only ever added to. People read cano.timeline.';
        CREATE TABLE cano.history_default PARTITION OF cano.history DEFAULT;
        CREATE INDEX history_push ON cano.history (run, seq) WHERE kind = 9;
        DO $lz4$ BEGIN
            ALTER TABLE cano.history ALTER COLUMN payload SET COMPRESSION lz4;
        EXCEPTION WHEN feature_not_supported THEN NULL;  -- this server was built without it
        END $lz4$;

        CREATE TABLE cano.inbox (
            shard smallint NOT NULL,
            id bigint GENERATED ALWAYS AS IDENTITY,
            kind smallint NOT NULL,
            run uuid NOT NULL,
            sender text NOT NULL,
            posted_at timestamptz NOT NULL DEFAULT cano.now(),
            PRIMARY KEY (shard, id)
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
        COMMENT ON TABLE cano.inbox IS
            'Messages to the owners of shards, deleted in the commit that consumes them. Kind 1: cancel the run.';

        CREATE TABLE cano.audit (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL,
            actor text NOT NULL,
            via text NOT NULL,
            action text NOT NULL,
            target text NOT NULL,
            before text,
            after text
        );
        COMMENT ON TABLE cano.audit IS 'What operators did: one row for each of their verbs.';
        COMMENT ON COLUMN cano.audit.id IS 'Rises with every row; rows of one moment may be out of order.';
        COMMENT ON COLUMN cano.audit.at IS 'When, by the database''s clock.';
        COMMENT ON COLUMN cano.audit.actor IS 'Who.';
        COMMENT ON COLUMN cano.audit.via IS 'Through what: http, cli, library; mail from another coordinator.';
        COMMENT ON COLUMN cano.audit.action IS 'What: apply, start, cancel.';
        COMMENT ON COLUMN cano.audit.target IS 'To what: the id of a run, or a workflow as name@version.';
        COMMENT ON COLUMN cano.audit.before IS 'How it was before, in a word.';
        COMMENT ON COLUMN cano.audit.after IS 'How it is after, in a word.';
        """
}
