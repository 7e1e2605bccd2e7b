// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// A lease that runs now, as the HTTP API shows it.
public struct LeaseView: Hashable, Sendable {
    /// The state it belongs to.
    public var state: String
    /// The number of the visit.
    public var visit: Int
    /// The work within the visit, such as `step` or `branch/17`.
    public var path: String
    /// The attempt's number, from 1.
    public var attempt: Int
    /// The fence, as epoch and counter with a point between.
    public var token: String
    /// Who holds it.
    public var worker: String
    /// Since when.
    public var since: Instant

    package init(_ lease: LiveLease) {
        self.state = lease.state
        self.visit = lease.lease.key.visit
        self.path = lease.lease.key.path.description
        self.attempt = lease.lease.attempt
        self.token = lease.lease.token.description
        self.worker = lease.worker.rawValue
        self.since = lease.since
    }

    /// Reads what ``write(to:)`` wrote.
    package init(_ object: JSONMembers) throws(CanoError) {
        self.state = try object.required("state", object.string("state"))
        self.visit = try object.required("visit", object.integer("visit"))
        self.path = try object.required("path", object.string("path"))
        self.attempt = try object.required("attempt", object.integer("attempt"))
        self.token = try object.required("token", object.string("token"))
        self.worker = try object.required("worker", object.string("worker"))
        self.since = try object.required("since", object.instant("since"))
    }

    /// Writes the lease.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("attempt", self.attempt)
            writer.member("path", self.path)
            writer.member("since", self.since)
            writer.member("state", self.state)
            writer.member("token", self.token)
            writer.member("visit", self.visit)
            writer.member("worker", self.worker)
        }
    }
}
