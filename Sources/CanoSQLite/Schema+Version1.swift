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
    static let version1 = """
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
}
