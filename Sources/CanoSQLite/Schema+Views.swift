// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// What people read with `sqlite3`.
    ///
    /// Views hold no data: they are made anew whenever the tables change. The timeline is cut up by the spelled-out
    /// id, and its join is crossed, so that SQLite applies a person's `run = '…'` to the runs first and reads the
    /// history of that run alone.
    static let views = """
        DROP VIEW IF EXISTS cano_runs;
        DROP VIEW IF EXISTS cano_timeline;
        DROP VIEW IF EXISTS cano_audit;

        CREATE VIEW cano_runs AS
        SELECT \(Self.uuid("id")) AS run, workflow, version, key, \(Self.statusName) AS status,
          \(Self.iso("started_at")) AS started, \(Self.iso("finished_at")) AS finished,
          \(Self.iso("wake_at")) AS wake, note
        FROM (
          SELECT id, workflow, version, key, status, started_at, NULL AS finished_at, wake_at, note FROM run
          UNION ALL
          SELECT id, workflow, version, key, status, started_at, finished_at, NULL, note FROM run_finished);

        CREATE VIEW cano_timeline AS
        WITH named AS (
          SELECT id, \(Self.uuid("id")) AS name FROM run UNION ALL SELECT id, \(Self.uuid("id")) FROM run_finished
        ), numbered AS (
          SELECT named.name, history.*,
            count(*) FILTER (WHERE kind IN (1, 2, 24)) OVER (PARTITION BY name ORDER BY seq) AS entry
          FROM named CROSS JOIN history ON history.run = named.id
        ), placed AS (
          SELECT *, first_value(state) OVER place AS entered_state, first_value(visit) OVER place AS entered_visit
          FROM numbered WINDOW place AS (PARTITION BY name, entry ORDER BY seq)
        ), moved AS (
          SELECT *, lag(entered_state) OVER (PARTITION BY name ORDER BY seq) AS last_state FROM placed
        )
        SELECT name AS run, seq, \(Self.iso("at")) AS at, \(Self.kindName) AS event,
          coalesce(state, entered_state) AS state, nullif(coalesce(nullif(visit, 0), entered_visit), 0) AS visit,
          CASE WHEN kind IN (2, 24) THEN last_state END AS left_state, path, nullif(attempt, 0) AS attempt, worker,
          epoch || '.' || counter AS token, epoch, \(Self.iso("started_at")) AS started,
          CASE WHEN attempt > 0 AND kind NOT IN (8, 15) THEN \(Self.iso("at")) END AS ended, \(Self.iso("due")) AS due,
          reason, detail, number, split_first, split_last, length(payload) AS bytes,
          CASE payload_type WHEN 0 THEN 'binary' WHEN 1 THEN 'json' WHEN 2 THEN 'text' END AS content,
          CASE WHEN payload_type IN (1, 2) THEN CAST(payload AS TEXT) END AS payload
        FROM moved;

        CREATE VIEW cano_audit AS
        SELECT id, \(Self.iso("at")) AS at, actor, via, action, target, before, after FROM audit;
        """

    private static func uuid(_ column: String) -> String {
        let parts = [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)].map { "substr(hex(\(column)), \($0.0), \($0.1))" }
        return "lower(" + parts.joined(separator: " || '-' || ") + ")"
    }

    static func iso(_ column: String) -> String {
        "strftime('%Y-%m-%dT%H:%M:%S', \(column) / 1000000, 'unixepoch') || printf('.%06dZ', \(column) % 1000000)"
    }

    private static let statusName = """
        CASE status WHEN 1 THEN 'active' WHEN 2 THEN 'waiting' WHEN 3 THEN 'compensating' WHEN 4 THEN 'blocked'
          WHEN 10 THEN 'succeeded' WHEN 11 THEN 'failed' WHEN 12 THEN 'cancelled' WHEN 13 THEN 'timedOut' END
        """

    private static let kindName = """
        CASE kind WHEN 1 THEN 'started' WHEN 2 THEN 'entered' WHEN 3 THEN 'expanded' WHEN 4 THEN 'branchDone'
          WHEN 5 THEN 'joined' WHEN 6 THEN 'attemptFailed' WHEN 7 THEN 'attemptLost' WHEN 8 THEN 'attemptHeld'
          WHEN 9 THEN 'sagaPushed' WHEN 10 THEN 'compensating' WHEN 11 THEN 'compensated'
          WHEN 12 THEN 'cancelRequested' WHEN 13 THEN 'finished' WHEN 20 THEN 'signalled' WHEN 21 THEN 'childStarted'
          WHEN 22 THEN 'childEnded' WHEN 23 THEN 'intervened' WHEN 24 THEN 'migrated'
          WHEN 14 THEN 'stepCursor' WHEN 15 THEN 'checkpoint' END
        """
}
