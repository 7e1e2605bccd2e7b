// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// The history of a run as people read it.
    ///
    /// Attempts that were lost together are one row of the history, in a compact form; here each has a row of its own.
    static let timeline = """
        CREATE OR REPLACE FUNCTION cano.lost_attempts(form bytea)
        RETURNS TABLE (path text, attempt int, worker text, epoch bigint, counter bigint, started_at timestamptz)
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
        DECLARE
            v_place int := 1;
            v_kind int;
            v_flags int;
            v_number bigint[];  -- first index, how many, attempt; then what the flags announce
            v_wanted int;
            v_part bigint;
            v_shift int;
            v_byte int;
        BEGIN
            IF octet_length(form) = 0 OR get_byte(form, 0) <> 1 THEN RETURN; END IF;
            WHILE v_place < octet_length(form) LOOP
                v_kind := get_byte(form, v_place);
                v_place := v_place + 1;
                v_flags := NULL;
                v_number := '{}';
                v_wanted := 3;
                worker := NULL;
                LOOP
                    IF cardinality(v_number) = v_wanted THEN
                        EXIT WHEN v_flags IS NOT NULL;
                        v_flags := get_byte(form, v_place);
                        v_place := v_place + 1;
                        v_wanted := 3 + (v_flags & 1) * 2 + (v_flags >> 1 & 1) + (v_flags >> 2 & 1);
                        CONTINUE;
                    END IF;
                    v_part := 0;
                    v_shift := 0;
                    LOOP
                        v_byte := get_byte(form, v_place);
                        v_place := v_place + 1;
                        v_part := v_part | ((v_byte & 127)::bigint << v_shift);
                        v_shift := v_shift + 7;
                        EXIT WHEN v_byte < 128;
                    END LOOP;
                    v_part := ((v_part >> 1) & 9223372036854775807) # -(v_part & 1);
                    v_number := v_number || v_part;
                    IF v_flags & 2 <> 0 AND cardinality(v_number) = 4 + (v_flags & 1) * 2 THEN
                        worker := convert_from(substring(form FROM v_place + 1 FOR v_part::int), 'UTF8');
                        v_place := v_place + v_part::int;
                    END IF;
                END LOOP;
                attempt := v_number[3];
                epoch := CASE WHEN v_flags & 1 <> 0 THEN v_number[4] END;
                counter := CASE WHEN v_flags & 1 <> 0 THEN v_number[5] END;
                started_at := CASE WHEN v_flags & 4 <> 0
                    THEN timestamptz 'epoch' + v_number[v_wanted] * interval '1 microsecond' END;
                FOR v_index IN v_number[1] .. v_number[1] + v_number[2] - 1 LOOP
                    path := CASE v_kind WHEN 0 THEN 'step' WHEN 1 THEN 'expand' WHEN 2 THEN 'branch/' || v_index
                        ELSE 'undo/' || v_index END;
                    RETURN NEXT;
                END LOOP;
            END LOOP;
        END $$;
        COMMENT ON FUNCTION cano.lost_attempts(bytea) IS
            'Reads the compact form of many lost attempts in the payload of an attemptLost row of cano.history.';

        CREATE OR REPLACE VIEW cano.timeline AS
        WITH numbered AS (
            SELECT h.*, count(*) FILTER (WHERE kind IN (1, 2, 24)) OVER (PARTITION BY run ORDER BY seq) AS entry
            FROM cano.history AS h
        ), placed AS (
            SELECT n.*, first_value(n.state) OVER w AS entered_state, first_value(n.visit) OVER w AS entered_visit
            FROM numbered AS n WINDOW w AS (PARTITION BY run, entry ORDER BY seq)
        ), moved AS (
            SELECT p.*, lag(entered_state) OVER (PARTITION BY run ORDER BY seq) AS left_state FROM placed AS p
        )
        SELECT m.run, m.seq, m.at, cano.kind_name(m.kind) AS event, coalesce(m.state, m.entered_state) AS state,
            nullif(coalesce(nullif(m.visit, 0), m.entered_visit), 0) AS visit,
            CASE WHEN m.kind IN (2, 24) THEN m.left_state END AS left_state,
            coalesce(l.path, m.path) AS path, nullif(coalesce(l.attempt, m.attempt), 0) AS attempt,
            coalesce(l.worker, m.worker) AS worker,
            coalesce(l.epoch, m.epoch) || '.' || coalesce(l.counter, m.counter) AS token,
            coalesce(l.epoch, m.epoch) AS epoch, coalesce(l.started_at, m.started_at) AS started,
            CASE WHEN coalesce(l.attempt, m.attempt) > 0 AND m.kind NOT IN (8, 15) THEN m.at END AS ended,
            m.due_at AS due,
            m.reason, m.detail, m.number, m.split_first, m.split_last, octet_length(m.payload) AS bytes,
            CASE m.payload_type WHEN 0 THEN 'binary' WHEN 1 THEN 'json' WHEN 2 THEN 'text' END AS content, m.payload
        FROM moved AS m
        LEFT JOIN LATERAL cano.lost_attempts(CASE WHEN m.kind = 7 THEN m.payload END) AS l ON true;
        COMMENT ON VIEW cano.timeline IS
            'What happened to a run: one row for each attempt and event. Name the run, and order by seq.';
        COMMENT ON COLUMN cano.timeline.run IS 'The run.';
        COMMENT ON COLUMN cano.timeline.seq IS
            'The number of the record within the run, from 1; attempts that were lost together share it.';
        COMMENT ON COLUMN cano.timeline.at IS 'When it was decided.';
        COMMENT ON COLUMN cano.timeline.event IS
            'What happened: started, entered, expanded, branchDone, joined, attemptFailed, attemptLost, attemptHeld, '
            'sagaPushed, compensating, compensated, cancelRequested, finished, signalled, childStarted, childEnded, '
            'intervened, migrated, stepCursor, checkpoint.';
        COMMENT ON COLUMN cano.timeline.state IS 'The state it is about: for entered, the one that was entered.';
        COMMENT ON COLUMN cano.timeline.visit IS 'Which visit of the run: rises with every state entered.';
        COMMENT ON COLUMN cano.timeline.left_state IS 'For entered: the state whose attempt ended and that was left.';
        COMMENT ON COLUMN cano.timeline.path IS 'The work within the visit: step, expand, branch/N, undo/SEQ.';
        COMMENT ON COLUMN cano.timeline.attempt IS
            'The attempt that this row ends (or holds, for attemptHeld), from 1; for entered, that of left_state.';
        COMMENT ON COLUMN cano.timeline.worker IS 'The worker that held the attempt''s lease.';
        COMMENT ON COLUMN cano.timeline.token IS 'The lease''s token: epoch and counter.';
        COMMENT ON COLUMN cano.timeline.epoch IS 'The epoch of the owner that granted the lease.';
        COMMENT ON COLUMN cano.timeline.started IS 'When the attempt''s lease was granted.';
        COMMENT ON COLUMN cano.timeline.ended IS 'When the attempt ended; empty for events and for attemptHeld.';
        COMMENT ON COLUMN cano.timeline.due IS 'What this row set a time for: a retry, a timer, a join, a deadline.';
        COMMENT ON COLUMN cano.timeline.reason IS 'A failure''s code, an outcome, or why an attempt was lost.';
        COMMENT ON COLUMN cano.timeline.detail IS 'One line about the reason.';
        COMMENT ON COLUMN cano.timeline.number IS 'A number whose meaning the event gives, such as an undo entry.';
        COMMENT ON COLUMN cano.timeline.split_first IS 'The first row of the split that led here.';
        COMMENT ON COLUMN cano.timeline.split_last IS 'The last row of the split that led here.';
        COMMENT ON COLUMN cano.timeline.bytes IS 'The size of the payload.';
        COMMENT ON COLUMN cano.timeline.content IS 'What the payload is: binary, json or text.';
        COMMENT ON COLUMN cano.timeline.payload IS
            'The user''s bytes: a context, an item, an output. For people: convert_from(payload, ''UTF8'').';
        """
}
