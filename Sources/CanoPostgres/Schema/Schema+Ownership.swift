// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// Taking, keeping and giving up shards.
    ///
    /// The lock decides who may raise an epoch, the epoch decides who may write, the lease only prevents churn. Rows
    /// are locked in the order of their shards everywhere, so that a taker and a holder never wait for each other in a
    /// ring.
    static let ownership = """
        CREATE FUNCTION cano.check_isolation() RETURNS void LANGUAGE plpgsql STABLE AS $$
        BEGIN
            IF current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE invalid_transaction_state USING MESSAGE = 'the fence needs read committed; '
                    || 'reset default_transaction_isolation for this role and database';
            END IF;
        END $$;

        CREATE FUNCTION cano.take_shards(
            p_shards smallint[], p_seen bigint[], p_host text, p_ttl bigint, p_patience int)
        RETURNS TABLE (shard smallint, epoch bigint) LANGUAGE plpgsql VOLATILE
        SET lock_timeout = '3s' AS $$
        #variable_conflict use_column
        DECLARE
            v_until timestamptz := clock_timestamp() + p_patience * interval '1 millisecond';
            v_locked smallint[] := '{}';
            v_shard smallint;
            v_left int;
        BEGIN
            PERFORM cano.check_isolation();
            FOR v_shard IN SELECT DISTINCT s FROM unnest(p_shards) AS s ORDER BY s LOOP
                IF pg_try_advisory_xact_lock(cano.shard_lock(v_shard)) THEN
                    v_locked := v_locked || v_shard;
                    CONTINUE;
                END IF;
                -- Commits try and yield, so whoever waits here comes next.
                v_left := (extract(epoch FROM v_until - clock_timestamp()) * 1000)::int;
                CONTINUE WHEN v_left < 1;
                BEGIN
                    PERFORM set_config('lock_timeout', v_left || 'ms', true);
                    PERFORM pg_advisory_xact_lock(cano.shard_lock(v_shard));
                    v_locked := v_locked || v_shard;
                EXCEPTION WHEN lock_not_available THEN
                    NULL;  -- one shard that is held fails no other
                END;
            END LOOP;
            PERFORM set_config('lock_timeout', '3s', true);  -- the last wait may have left a shorter one
            PERFORM FROM cano.shard AS s WHERE s.shard = ANY (v_locked) ORDER BY s.shard FOR UPDATE;
            FOR v_claim IN 1 .. cardinality(p_shards) LOOP
                UPDATE cano.shard AS s
                SET epoch = s.epoch + 1, holder = p_host, expires_at = cano.now() + p_ttl * interval '1 millisecond'
                WHERE s.shard = p_shards[v_claim] AND s.epoch = p_seen[v_claim] AND s.shard = ANY (v_locked)
                RETURNING s.shard, s.epoch INTO shard, epoch;
                IF FOUND THEN RETURN NEXT; END IF;
            END LOOP;
        END $$;
        COMMENT ON FUNCTION cano.take_shards(smallint[], bigint[], text, bigint, int) IS
            'Waits for commits in flight, then raises the epoch of each shard whose epoch is still the one seen.';

        CREATE FUNCTION cano.renew_shards(p_shards smallint[], p_epochs bigint[], p_host text, p_ttl bigint)
        RETURNS TABLE (shard smallint) LANGUAGE plpgsql VOLATILE
        SET lock_timeout = '3s' AS $$
        #variable_conflict use_column
        BEGIN
            PERFORM FROM cano.shard AS s WHERE s.shard = ANY (p_shards) ORDER BY s.shard FOR UPDATE;
            RETURN QUERY
                UPDATE cano.shard AS s SET expires_at = cano.now() + p_ttl * interval '1 millisecond'
                FROM unnest(p_shards, p_epochs) AS h (shard, epoch)
                WHERE s.shard = h.shard AND s.epoch = h.epoch AND s.holder = p_host AND s.expires_at >= cano.now()
                RETURNING s.shard;
        END $$;
        COMMENT ON FUNCTION cano.renew_shards(smallint[], bigint[], text, bigint) IS
            'Prolongs leases that the host still holds and that have not run out; epochs stay.';

        CREATE FUNCTION cano.release_shards(p_shards smallint[], p_epochs bigint[], p_host text)
        RETURNS void LANGUAGE plpgsql VOLATILE
        SET lock_timeout = '3s' AS $$
        BEGIN
            PERFORM FROM cano.shard AS s WHERE s.shard = ANY (p_shards) ORDER BY s.shard FOR UPDATE;
            UPDATE cano.shard AS s SET holder = NULL, expires_at = NULL
            FROM unnest(p_shards, p_epochs) AS h (shard, epoch)
            WHERE s.shard = h.shard AND s.epoch = h.epoch AND s.holder = p_host;
        END $$;
        COMMENT ON FUNCTION cano.release_shards(smallint[], bigint[], text) IS
            'Gives shards up, so that another host can take them at once; epochs stay.';
        """
}
