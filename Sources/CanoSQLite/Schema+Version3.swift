// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schema {
    /// The third version: schedules, and the ledger of their ticks.
    ///
    /// A row of `tick` covers the nominal times from `first` to `last`, `count` of them; every nominal time of a
    /// schedule is covered by one row that decides about it.
    static let version3 = """
        CREATE TABLE schedule (
          name TEXT PRIMARY KEY, state TEXT NOT NULL, saved_at INTEGER NOT NULL) WITHOUT ROWID;

        CREATE TABLE tick (
          id INTEGER PRIMARY KEY AUTOINCREMENT, schedule TEXT NOT NULL, kind TEXT NOT NULL, first INTEGER NOT NULL,
          last INTEGER NOT NULL, count INTEGER NOT NULL, outcome TEXT NOT NULL, at INTEGER NOT NULL,
          revision INTEGER NOT NULL, editions TEXT NOT NULL);
        CREATE INDEX tick_schedule ON tick (schedule, id);

        CREATE VIEW cano_schedules AS
        SELECT name, \(Self.iso("saved_at")) AS saved, json_extract(state, '$.runs') AS runs,
          json_extract(state, '$.streak') AS streak, json_extract(state, '$.lastFailure') AS last_failure,
          json_extract(state, '$.pause.note') AS pause_note, json_extract(state, '$.trip.message') AS tripped,
          json_array_length(state, '$.live') AS live, json_array_length(state, '$.buffer') AS buffered
        FROM schedule;

        CREATE VIEW cano_ticks AS
        SELECT id, schedule, kind, \(Self.iso("first")) AS first, \(Self.iso("last")) AS last, count, outcome,
          \(Self.iso("at")) AS decided, revision, editions
        FROM tick;
        """
}
