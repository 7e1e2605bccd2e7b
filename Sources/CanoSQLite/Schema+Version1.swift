// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// The first version.
    ///
    /// Times are microseconds since 1970 UTC, run ids their sixteen bytes; the views spell both out.
    ///
    /// History rows lie in the order in which they came, with an index of run and number beside them: clustering them
    /// by that key was up to five times slower, because large payloads then split the tree's inner pages. A run's last
    /// records are read backwards through that index, so nothing else is written for finding them; only what was pushed
    /// for undo has an index of its own, and it is rare.
    static let version1 = Self.tables1 + Self.views1

    private static let tables1 = """
        CREATE TABLE shard (
          shard INTEGER PRIMARY KEY, epoch INTEGER NOT NULL DEFAULT 0, holder TEXT,
          expires_at INTEGER NOT NULL DEFAULT 0);
        WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 63)
        INSERT INTO shard (shard) SELECT n FROM n;

        CREATE TABLE definition (
          name TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, json TEXT NOT NULL,
          saved_at INTEGER NOT NULL, PRIMARY KEY (name, version)) WITHOUT ROWID;

        CREATE TABLE run (
          id BLOB PRIMARY KEY, shard INTEGER NOT NULL, workflow TEXT NOT NULL, version INTEGER NOT NULL, key TEXT,
          input_hash INTEGER NOT NULL, seed INTEGER NOT NULL, started_at INTEGER NOT NULL, deadline INTEGER,
          status INTEGER NOT NULL, wake_at INTEGER, note TEXT) WITHOUT ROWID;
        CREATE INDEX run_ready ON run (shard, id) WHERE status IN (1, 3);
        CREATE INDEX run_wake ON run (shard, wake_at) WHERE status = 2;

        CREATE TABLE run_finished (
          id BLOB PRIMARY KEY, workflow TEXT NOT NULL, version INTEGER NOT NULL, key TEXT, status INTEGER NOT NULL,
          started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL, note TEXT) WITHOUT ROWID;
        CREATE INDEX run_unsuccessful ON run_finished (status, id) WHERE status > 10;

        CREATE TABLE run_key (
          workflow TEXT NOT NULL, key TEXT NOT NULL, run BLOB NOT NULL, input_hash INTEGER NOT NULL,
          PRIMARY KEY (workflow, key)) WITHOUT ROWID;

        CREATE TABLE history (
          run BLOB NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, at INTEGER NOT NULL, state TEXT,
          visit INTEGER NOT NULL, path TEXT, attempt INTEGER NOT NULL, epoch INTEGER, counter INTEGER, worker TEXT,
          started_at INTEGER, due INTEGER, reason TEXT, detail TEXT, number INTEGER, split_first INTEGER,
          split_last INTEGER, payload_type INTEGER, payload BLOB, PRIMARY KEY (run, seq));
        CREATE INDEX history_pushed ON history (run, seq) WHERE kind = 9;

        CREATE TABLE inbox (
          id INTEGER PRIMARY KEY AUTOINCREMENT, shard INTEGER NOT NULL, kind INTEGER NOT NULL, run BLOB, actor TEXT);
        CREATE INDEX inbox_shard ON inbox (shard, id);

        CREATE TABLE audit (
          id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL,
          action TEXT NOT NULL, target TEXT NOT NULL, before TEXT, after TEXT);

        """

    /// The timeline is cut up by the spelled-out id, and its join is crossed, so that SQLite applies a person's
    /// `run = '…'` to the runs first and reads the history of that run alone.
    private static let views1 = """
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
            count(*) FILTER (WHERE kind IN (1, 2)) OVER (PARTITION BY name ORDER BY seq) AS entry
          FROM named CROSS JOIN history ON history.run = named.id
        ), placed AS (
          SELECT *, first_value(state) OVER place AS entered_state, first_value(visit) OVER place AS entered_visit
          FROM numbered WINDOW place AS (PARTITION BY name, entry ORDER BY seq)
        ), moved AS (
          SELECT *, lag(entered_state) OVER (PARTITION BY name ORDER BY seq) AS last_state FROM placed
        )
        SELECT name AS run, seq, \(Self.iso("at")) AS at, \(Self.kindName) AS event,
          coalesce(state, entered_state) AS state, nullif(coalesce(nullif(visit, 0), entered_visit), 0) AS visit,
          CASE WHEN kind = 2 THEN last_state END AS left_state, path, nullif(attempt, 0) AS attempt, worker,
          epoch || '.' || counter AS token, epoch, \(Self.iso("started_at")) AS started,
          CASE WHEN attempt > 0 AND kind <> 8 THEN \(Self.iso("at")) END AS ended, \(Self.iso("due")) AS due,
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

    private static func iso(_ column: String) -> String {
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
          WHEN 12 THEN 'cancelRequested' WHEN 13 THEN 'finished' END
        """
}
