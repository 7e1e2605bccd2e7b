// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// One record of a run as the HTTP API shows it.
///
/// Payloads are left out.
public struct TimelineEntry: Hashable, Sendable {
    /// The record's number within the run, from 1, without gaps but for cursors that were replaced.
    public var seq: Int
    /// When it was decided, by the database's clock.
    public var at: Instant
    /// The kind of record, such as `entered` or `attemptLost`.
    ///
    /// New ones may appear.
    public var kind: String
    /// The state it is about.
    public var state: String?
    /// The visit it is about.
    public var visit: Int?
    /// The work it is about, such as `branch/17`; several are separated by commas.
    public var path: String?
    /// The attempt's number, from 1.
    public var attempt: Int?
    /// Who held the lease.
    public var worker: String?
    /// The lease's token, as epoch and counter with a point between.
    public var token: String?
    /// The epoch of the owner that granted the lease.
    public var epoch: Int?
    /// When the lease was granted.
    public var started: Instant?
    /// When the attempt ended; `nil` for records that end none.
    public var ended: Instant?
    /// When something is due that this record set: a retry, a timer, a join, a deadline.
    public var due: Instant?
    /// A short reason: a failure's code, an outcome, a loss.
    public var reason: String?
    /// One line about the reason, for people.
    public var detail: String?
    /// How many branches the split has; only in `expanded`.
    public var branches: Int?
    /// The attempts that a loss ended, one by one; only in an `attemptLost` that ended several.
    public var lost: [LostAttemptView]

    /// An entry that shows a row.
    package init(_ row: HistoryRow) {
        self.seq = row.seq
        self.at = row.at
        self.kind = row.kind.name
        self.state = row.state
        self.visit = row.visit > 0 ? row.visit : nil
        self.path = row.path
        self.attempt = row.attempt > 0 ? row.attempt : nil
        self.worker = row.worker
        self.token = row.token?.description
        self.epoch = (row.token?.epoch.rawValue).map(Int.init)
        self.started = row.startedAt
        // A held attempt goes on, as one with a checkpoint does; every other record about an attempt ends it.
        let goesOn = row.kind == .attemptHeld || row.kind == .checkpoint
        self.ended = row.startedAt == nil || goesOn ? nil : row.at
        self.due = row.due
        self.reason = row.reason
        self.detail = row.detail
        self.branches = row.kind == .expanded ? PayloadList.decode(row.payload?.bytes ?? [])?.count : nil
        self.lost = Self.lost(in: row)
    }

    private static func lost(in row: HistoryRow) -> [LostAttemptView] {
        // A single one has the columns to itself; a row that cannot be read shows what its columns say.
        guard row.kind == .attemptLost, row.payload != nil, case .attemptsLost(let lost, _, _)? = try? row.record()
        else { return [] }
        return lost.map(LostAttemptView.init)
    }

    /// Reads what ``write(to:)`` wrote.
    package init(_ object: JSONMembers) throws(CanoError) {
        self.seq = try object.required("seq", object.integer("seq"))
        self.at = try object.required("at", object.instant("at"))
        self.kind = try object.required("kind", object.string("kind"))
        self.state = try object.string("state")
        self.visit = try object.integer("visit")
        self.path = try object.string("path")
        self.attempt = try object.integer("attempt")
        self.worker = try object.string("worker")
        self.token = try object.string("token")
        self.epoch = try object.integer("epoch")
        self.started = try object.instant("started")
        self.ended = try object.instant("ended")
        self.due = try object.instant("due")
        self.reason = try object.string("reason")
        self.detail = try object.string("detail")
        self.branches = try object.integer("branches")
        self.lost = []
        for (index, lost) in try object.array("lost").enumerated() {
            self.lost.append(try LostAttemptView(JSONMembers(lost, subject: "lost[\(index)]")))
        }
    }

    /// Writes the entry.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("at", self.at)
            writer.member("attempt", self.attempt)
            writer.member("branches", self.branches)
            writer.member("detail", self.detail)
            writer.member("due", self.due)
            writer.member("ended", self.ended)
            writer.member("epoch", self.epoch)
            writer.member("kind", self.kind)
            if !self.lost.isEmpty {
                writer.name("lost")
                writer.array { writer in
                    for lost in self.lost { lost.write(to: &writer) }
                }
            }
            writer.member("path", self.path)
            writer.member("reason", self.reason)
            writer.member("seq", self.seq)
            writer.member("started", self.started)
            writer.member("state", self.state)
            writer.member("token", self.token)
            writer.member("visit", self.visit)
            writer.member("worker", self.worker)
        }
    }
}
