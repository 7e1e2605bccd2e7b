// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// Forgetting runs that ended long ago: whole weeks are dropped, which costs the same whatever is in them.
    ///
    /// A week is due when it is over and every run of it that ended did so before a moment. Runs of it that have not
    /// ended are moved to the default partition first, where they stay until they have ended and are due themselves.
    static let retention = """
        CREATE FUNCTION cano.week_end(week text) RETURNS timestamptz LANGUAGE sql STABLE STRICT PARALLEL SAFE
        RETURN to_date(week, 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' + interval '7 days';
        COMMENT ON FUNCTION cano.week_end(text) IS 'When a week is over that is named by its first day, YYYYMMDD.';

        CREATE FUNCTION cano.has_ended_since(p_week text, p_moment timestamptz) RETURNS boolean
        LANGUAGE sql STABLE AS $$
            SELECT EXISTS (
                SELECT FROM cano.run_finished
                WHERE run >= cano.uuid_at(cano.week_end(p_week) - interval '7 days')
                    AND run < cano.uuid_at(cano.week_end(p_week)) AND finished_at >= p_moment
            )
        $$;
        COMMENT ON FUNCTION cano.has_ended_since(text, timestamptz) IS
            'Whether a run of this week ended at that moment or later.';

        CREATE FUNCTION cano.due_weeks(p_before timestamptz) RETURNS TABLE (week text) LANGUAGE sql STABLE AS $$
            SELECT w.week FROM (
                SELECT DISTINCT right(c.relname, 8) AS week FROM pg_inherits AS i
                JOIN pg_class AS c ON c.oid = i.inhrelid
                WHERE i.inhparent IN ('cano.history'::regclass, 'cano.run_finished'::regclass)
                    AND c.relname ~ '_[0-9]{8}$'
            ) AS w
            WHERE cano.week_end(w.week) <= p_before AND NOT cano.has_ended_since(w.week, p_before)
            ORDER BY w.week
        $$;
        COMMENT ON FUNCTION cano.due_weeks(timestamptz) IS
            'Weeks, by their first day, that were over before a moment and whose runs that ended did so before it.';

        CREATE FUNCTION cano.forget_keys(p_week text, p_after uuid, p_limit int) RETURNS uuid
        LANGUAGE plpgsql VOLATILE
        SET lock_timeout = '3s' SET enable_hashjoin = off SET enable_mergejoin = off AS $$
        DECLARE
            v_last uuid;
        BEGIN
            IF to_regclass('cano.run_finished_' || p_week) IS NULL THEN RETURN NULL; END IF;
            EXECUTE format('
                WITH page AS MATERIALIZED (
                    SELECT run, workflow, key FROM cano.%I WHERE run > $1 ORDER BY run LIMIT $2
                ), gone AS (
                    DELETE FROM cano.run_key AS k USING page AS p
                    WHERE k.workflow = p.workflow AND k.key = p.key AND k.run = p.run
                )
                SELECT run FROM page ORDER BY run DESC LIMIT 1', 'run_finished_' || p_week)
            INTO v_last USING p_after, p_limit;
            RETURN v_last;
        END $$;
        COMMENT ON FUNCTION cano.forget_keys(text, uuid, int) IS
            'Frees the keys of a page of a week''s runs that ended; says where it ended, or NULL behind the last.';

        CREATE FUNCTION cano.drop_week(p_week text, p_before timestamptz, p_most int, OUT forgotten int, OUT moved int)
        LANGUAGE plpgsql VOLATILE
        SET lock_timeout = '1s' SET client_min_messages = 'warning' AS $$
        DECLARE
            v_history text := 'history_' || p_week;
            v_finished text := 'run_finished_' || p_week;
            v_first uuid := cano.uuid_at(cano.week_end(p_week) - interval '7 days');
            v_end uuid := cano.uuid_at(cano.week_end(p_week));
            v_rows int := 0;
            v_over int := 0;
        BEGIN
            forgotten := 0;
            moved := 0;
            IF to_regclass('cano.' || v_finished) IS NOT NULL THEN
                EXECUTE format('SELECT count(*) FROM cano.%I', v_finished) INTO v_over;
            END IF;
            IF NOT pg_try_advisory_xact_lock(hashtextextended('cano.partitions', 0)) THEN RETURN; END IF;
            -- Commits in flight end before the lock is granted and new ones wait for it, so what is moved stays whole.
            -- Waiting for it makes them wait as well: not for long, and otherwise the week is dropped the next time.
            BEGIN
                LOCK TABLE cano.history, cano.run_finished IN ACCESS EXCLUSIVE MODE;
            EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
                RETURN;
            END;
            IF cano.week_end(p_week) > p_before OR cano.has_ended_since(p_week, p_before) THEN RETURN; END IF;
            IF to_regclass('cano.' || v_history) IS NOT NULL THEN
                EXECUTE format('SELECT count(*) FROM (SELECT FROM cano.run AS r JOIN cano.%I AS h ON h.run = r.run
                    WHERE r.run >= $1 AND r.run < $2 LIMIT $3) AS l', v_history)
                INTO v_rows USING v_first, v_end, p_most + 1;
                IF v_rows > p_most THEN RETURN; END IF;
                SELECT count(*) INTO moved FROM cano.run WHERE run >= v_first AND run < v_end;
                EXECUTE format('ALTER TABLE cano.history DETACH PARTITION cano.%I', v_history);
                EXECUTE format('INSERT INTO cano.history_default SELECT h.* FROM cano.run AS r
                    JOIN cano.%I AS h ON h.run = r.run WHERE r.run >= $1 AND r.run < $2', v_history)
                USING v_first, v_end;
                EXECUTE format('DROP TABLE cano.%I', v_history);
            ELSE
                DELETE FROM cano.history_default AS h WHERE h.run >= v_first AND h.run < v_end
                    AND NOT EXISTS (SELECT FROM cano.run AS r WHERE r.run = h.run);
            END IF;
            EXECUTE format('DROP TABLE IF EXISTS cano.%I', v_finished);
            forgotten := v_over;
        END $$;
        COMMENT ON FUNCTION cano.drop_week(text, timestamptz, int) IS
            'Moves the unfinished runs of a due week to the default partition and drops the week, or does nothing.';

        CREATE FUNCTION cano.forget_strays(p_before timestamptz, p_limit int) RETURNS int
        LANGUAGE plpgsql VOLATILE
        SET lock_timeout = '3s' SET enable_hashjoin = off SET enable_mergejoin = off AS $$
        DECLARE
            v_runs uuid[];
        BEGIN
            v_runs := ARRAY(SELECT run FROM cano.run_finished_default
                WHERE run < cano.uuid_at(p_before) AND finished_at < p_before ORDER BY run LIMIT p_limit);
            DELETE FROM cano.run_key AS k USING cano.run_finished_default AS f
            WHERE f.run = ANY (v_runs) AND k.workflow = f.workflow AND k.key = f.key AND k.run = f.run;
            DELETE FROM cano.history_default WHERE run = ANY (v_runs);
            DELETE FROM cano.run_finished_default WHERE run = ANY (v_runs);
            RETURN cardinality(v_runs);
        END $$;
        COMMENT ON FUNCTION cano.forget_strays(timestamptz, int) IS
            'Deletes runs of the default partition that ended before a moment, up to a number of them.';
        """
}
