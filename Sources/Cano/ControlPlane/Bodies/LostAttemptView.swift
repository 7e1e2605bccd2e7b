// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// One of several attempts that were lost together.
public struct LostAttemptView: Hashable, Sendable {
    /// The work, such as `branch/17`.
    public var path: String
    /// The attempt's number, from 1.
    public var attempt: Int
    /// Who held the lease.
    public var worker: String?
    /// The lease's token, as epoch and counter with a point between.
    public var token: String?
    /// When the lease was granted.
    public var started: Instant?

    package init(_ lost: Record.LostAttempt) {
        self.path = lost.path.description
        self.attempt = lost.attempt.number
        self.worker = lost.attempt.worker?.rawValue
        self.token = lost.attempt.token?.description
        self.started = lost.attempt.startedAt
    }

    /// Reads what ``write(to:)`` wrote.
    package init(_ object: JSONMembers) throws(CanoError) {
        self.path = try object.required("path", object.string("path"))
        self.attempt = try object.required("attempt", object.integer("attempt"))
        self.worker = try object.string("worker")
        self.token = try object.string("token")
        self.started = try object.instant("started")
    }

    /// Writes the attempt.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("attempt", self.attempt)
            writer.member("path", self.path)
            writer.member("started", self.started)
            writer.member("token", self.token)
            writer.member("worker", self.worker)
        }
    }
}
