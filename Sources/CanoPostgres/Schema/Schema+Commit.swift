// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension Schema {
    /// The one statement that writes: shards that pass the fence are written, the others are returned by name.
    ///
    /// Lock and comparison are separate statements of a VOLATILE function under READ COMMITTED, so the comparison sees
    /// whatever a taker committed before the lock was granted. Rows come as one array per column; a part that is empty
    /// costs one test, and a column that is null throughout comes as an empty array. The planner is kept from joins
    /// that would be quick for a small table and slow once it has grown; so one plan fits every call and is kept, which
    /// saves a fifth of the server's work.
    static let commit = """
        CREATE OR REPLACE FUNCTION cano.check_all_there(
            p_runs uuid[], p_found int, p_plain boolean, p_ok smallint[], p_out uuid[])
        RETURNS void LANGUAGE plpgsql STABLE AS $$
        DECLARE
            v_missing uuid;
        BEGIN
            IF p_found = cardinality(p_runs) THEN RETURN; END IF;
            IF NOT p_plain AND p_found = (SELECT count(*) FROM unnest(p_runs) AS r
                WHERE cano.shard_of(r) = ANY (p_ok) AND r <> ALL (p_out)) THEN RETURN; END IF;
            SELECT r INTO v_missing FROM unnest(p_runs) AS r
            WHERE cano.shard_of(r) = ANY (p_ok) AND r <> ALL (p_out)
                AND NOT EXISTS (SELECT FROM cano.run AS u WHERE u.run = r)
            ORDER BY EXISTS (SELECT FROM cano.run_finished AS f WHERE f.run = r) LIMIT 1;
            RAISE integrity_constraint_violation
                USING MESSAGE = format('run %s is not among the unfinished runs', v_missing);
        END $$;

        CREATE OR REPLACE FUNCTION cano.commit(
            p_shards smallint[], p_epochs bigint[],
            s_run uuid[], s_workflow text[], s_version int[], s_key text[], s_hash bigint[], s_seed bigint[],
            s_at timestamptz[], s_deadline timestamptz[], s_status smallint[], s_wake timestamptz[],
            h_run uuid[], h_at timestamptz[], h_started timestamptz[], h_due timestamptz[], h_epoch bigint[],
            h_counter bigint[], h_number bigint[], h_seq int[], h_visit int[], h_attempt int[], h_first int[],
            h_last int[], h_kind smallint[], h_type smallint[], h_state text[], h_path text[], h_worker text[],
            h_reason text[], h_detail text[], h_payload bytea[], n_run uuid[], n_seq int[],
            u_run uuid[], u_status smallint[], u_wake timestamptz[], u_note text[], u_version int[],
            f_run uuid[], f_status smallint[], f_at timestamptz[], f_note text[],
            m_from smallint[], m_shard smallint[], m_kind smallint[], m_run uuid[], m_sender text[], m_payload bytea[],
            c_shard smallint[], c_id bigint[],
            a_shard smallint[], a_at timestamptz[], a_actor text[], a_via text[], a_action text[], a_target text[],
            a_before text[], a_after text[],
            OUT now timestamptz, OUT stale smallint[], OUT refused uuid[], OUT refused_by uuid[],
            OUT refused_hash bigint[]
        ) LANGUAGE plpgsql VOLATILE
        SET lock_timeout = '3s' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
        SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
        #variable_conflict use_column
        DECLARE
            v_ok smallint[];
            v_out uuid[] := '{}';   -- starts that are left out
            v_plain boolean;        -- every row is written
            v_keys int;
            v_new int;
            v_run uuid;
            v_seq int;
        BEGIN
            PERFORM cano.check_isolation();
            IF current_setting('synchronous_commit') = 'off' THEN
                PERFORM set_config('synchronous_commit', 'on', true);  -- commit, then act
            END IF;

            v_ok := ARRAY(SELECT s FROM unnest(p_shards) AS s
                WHERE pg_try_advisory_xact_lock_shared(cano.shard_lock(s)));
            v_ok := ARRAY(SELECT s.shard FROM unnest(p_shards, p_epochs) AS w (shard, epoch)
                JOIN cano.shard AS s ON s.shard = w.shard AND s.epoch = w.epoch
                WHERE s.shard = ANY (v_ok) AND s.epoch > 0);
            v_plain := cardinality(v_ok) = cardinality(p_shards);
            IF NOT v_plain THEN
                stale := ARRAY(SELECT s FROM unnest(p_shards) AS s WHERE s <> ALL (v_ok));
            END IF;

            IF cardinality(s_run) > 0 THEN
                IF cardinality(s_key) > 0 THEN
                    SELECT count(*) INTO v_keys FROM unnest(s_run, s_key) AS s (run, key)
                    WHERE key IS NOT NULL AND (v_plain OR cano.shard_of(run) = ANY (v_ok));
                    INSERT INTO cano.run_key (workflow, key, run, input_hash)
                    SELECT workflow, key, run, hash
                    FROM unnest(s_run, s_workflow, s_key, s_hash) WITH ORDINALITY AS s (run, workflow, key, hash, place)
                    WHERE key IS NOT NULL AND (v_plain OR cano.shard_of(run) = ANY (v_ok))
                    ORDER BY workflow COLLATE "C", key COLLATE "C", place
                    ON CONFLICT DO NOTHING;
                    GET DIAGNOSTICS v_new = ROW_COUNT;
                    IF v_new < v_keys THEN
                        SELECT array_agg(s.run), array_agg(k.run), array_agg(k.input_hash)
                        INTO refused, refused_by, refused_hash
                        FROM unnest(s_run, s_workflow, s_key) AS s (run, workflow, key)
                        JOIN cano.run_key AS k ON k.workflow = s.workflow AND k.key = s.key
                        WHERE k.run <> s.run AND (v_plain OR cano.shard_of(s.run) = ANY (v_ok));
                        v_out := coalesce(refused, '{}');
                        v_plain := false;
                        IF v_new + cardinality(v_out) <> v_keys THEN
                            RAISE serialization_failure USING MESSAGE = 'a key was given up meanwhile; try again';
                        END IF;
                    END IF;
                END IF;
                INSERT INTO cano.run (run, seed, input_hash, started_at, deadline, wake_at, version, shard, status,
                    workflow, key)
                SELECT run, seed, hash, at, deadline, wake, version, cano.shard_of(run), status, workflow, key
                FROM unnest(s_run, s_workflow, s_version, s_key, s_hash, s_seed, s_at, s_deadline, s_status, s_wake)
                    AS s (run, workflow, version, key, hash, seed, at, deadline, status, wake)
                WHERE v_plain OR (cano.shard_of(run) = ANY (v_ok) AND run <> ALL (v_out));
            END IF;

            IF cardinality(n_run) > 0 THEN
                SELECT n.run, n.seq INTO v_run, v_seq FROM unnest(n_run, n_seq) AS n (run, seq)
                WHERE (v_plain OR (cano.shard_of(n.run) = ANY (v_ok) AND n.run <> ALL (v_out)))
                    AND NOT EXISTS (SELECT FROM cano.history AS h
                        WHERE h.run = n.run AND h.seq = n.seq - 1 AND h.kind <> 13)
                LIMIT 1;
                IF FOUND THEN
                    RAISE integrity_constraint_violation USING MESSAGE =
                        format('record %s of run %s follows none, or the end of the run', v_seq, v_run);
                END IF;
            END IF;

            IF cardinality(h_run) > 0 THEN
                INSERT INTO cano.history (run, at, started_at, due_at, epoch, counter, number, seq, visit, attempt,
                    split_first, split_last, kind, payload_type, state, path, worker, reason, detail, payload)
                SELECT * FROM unnest(h_run, h_at, h_started, h_due, h_epoch, h_counter, h_number, h_seq, h_visit,
                    h_attempt, h_first, h_last, h_kind, h_type, h_state, h_path, h_worker, h_reason, h_detail,
                    h_payload)
                    AS h (run, at, started_at, due_at, epoch, counter, number, seq, visit, attempt,
                    split_first, split_last, kind, payload_type, state, path, worker, reason, detail, payload)
                WHERE v_plain OR (cano.shard_of(run) = ANY (v_ok) AND run <> ALL (v_out));
            END IF;

            -- Cursors that newer ones replace.
            IF h_kind && '{14,15}'::smallint[] THEN
                DELETE FROM cano.history AS h USING unnest(h_run, h_first, h_kind) AS c (run, seq, kind)
                WHERE h.run = c.run AND h.seq = c.seq AND c.kind IN (14, 15) AND h.kind IN (14, 15)
                    AND (v_plain OR (cano.shard_of(c.run) = ANY (v_ok) AND c.run <> ALL (v_out)));
            END IF;

            IF cardinality(u_run) > 0 THEN
                UPDATE cano.run AS r SET status = u.status, wake_at = u.wake, note = u.note,
                    version = coalesce(u.version, r.version)
                FROM unnest(u_run, u_status, u_wake, u_note, u_version) AS u (run, status, wake, note, version)
                WHERE r.run = u.run
                    AND (v_plain OR (cano.shard_of(u.run) = ANY (v_ok) AND u.run <> ALL (v_out)));
                GET DIAGNOSTICS v_new = ROW_COUNT;
                PERFORM cano.check_all_there(u_run, v_new, v_plain, v_ok, v_out);
            END IF;

            IF cardinality(f_run) > 0 THEN
                WITH gone AS (
                    DELETE FROM cano.run AS r
                    USING unnest(f_run, f_status, f_at, f_note) AS f (run, status, at, note)
                    WHERE r.run = f.run
                        AND (v_plain OR (cano.shard_of(f.run) = ANY (v_ok) AND f.run <> ALL (v_out)))
                    RETURNING r.run, r.started_at, f.at, r.input_hash, r.version, f.status, r.workflow, r.key, f.note
                )
                INSERT INTO cano.run_finished (run, started_at, finished_at, input_hash, version, status, workflow, key,
                    note)
                SELECT * FROM gone;
                GET DIAGNOSTICS v_new = ROW_COUNT;
                PERFORM cano.check_all_there(f_run, v_new, v_plain, v_ok, v_out);
            END IF;

            IF cardinality(m_shard) > 0 THEN
                INSERT INTO cano.inbox (shard, kind, run, sender, payload)
                SELECT shard, kind, run, sender, payload
                FROM unnest(m_from, m_shard, m_kind, m_run, m_sender, m_payload)
                    AS m (from_shard, shard, kind, run, sender, payload)
                WHERE v_plain OR from_shard = ANY (v_ok);
            END IF;

            IF cardinality(c_id) > 0 THEN
                DELETE FROM cano.inbox AS i USING unnest(c_shard, c_id) AS c (shard, id)
                WHERE i.shard = c.shard AND i.id = c.id AND (v_plain OR c.shard = ANY (v_ok));
            END IF;

            IF cardinality(a_at) > 0 THEN
                INSERT INTO cano.audit (at, actor, via, action, target, before, after)
                SELECT at, actor, via, action, coalesce(k.run::text, target), before,
                    CASE WHEN k.run IS NULL THEN after ELSE '\(AuditEntry.foundByKey)' END
                FROM unnest(a_shard, a_at, a_actor, a_via, a_action, a_target, a_before, a_after)
                    AS a (shard, at, actor, via, action, target, before, after)
                -- Of a start that was left out, the run that was there is named.
                LEFT JOIN unnest(refused, refused_by) AS k (left_out, run) ON k.left_out::text = a.target
                WHERE v_plain OR shard = ANY (v_ok);
            END IF;
            now := cano.now();
        END $$;
        """
}
