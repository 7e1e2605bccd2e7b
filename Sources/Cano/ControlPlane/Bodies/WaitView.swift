// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// Work that a declared limit holds up now, as the HTTP API shows it.
public struct WaitView: Hashable, Sendable {
    /// The number of the visit.
    public var visit: Int
    /// The work within the visit, such as `step` or `branch/17`.
    public var path: String
    /// The attempt that waits to begin, from 1.
    public var attempt: Int
    /// The kind of the limit: `concurrency`, `rate` or `breaker`.
    public var kind: String
    /// The name of the limit.
    public var limit: String
    /// When the limit allows something again by itself; `nil` when only an end of other work can tell.
    public var until: Instant?

    package init(_ wait: LimitWait) {
        self.visit = wait.key.visit
        self.path = wait.key.path.description
        self.attempt = wait.attempt
        self.kind = wait.limit.kind.rawValue
        self.limit = wait.limit.name
        self.until = wait.until
    }

    /// Reads what ``write(to:)`` wrote.
    package init(_ object: JSONMembers) throws(CanoError) {
        self.visit = try object.required("visit", object.integer("visit"))
        self.path = try object.required("path", object.string("path"))
        self.attempt = try object.required("attempt", object.integer("attempt"))
        self.kind = try object.required("kind", object.string("kind"))
        self.limit = try object.required("limit", object.string("limit"))
        self.until = try object.instant("until")
    }

    /// Writes the wait.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("attempt", self.attempt)
            writer.member("kind", self.kind)
            writer.member("limit", self.limit)
            writer.member("path", self.path)
            writer.member("until", self.until)
            writer.member("visit", self.visit)
        }
    }

    /// What a run waits for, in a line for people: `waits for rate 'github'`; `nil` when nothing holds it up.
    package static func note(_ waits: [LimitWait]) -> String? {
        guard !waits.isEmpty else { return nil }
        var limits: [LimitID] = []
        for wait in waits where !limits.contains(wait.limit) { limits.append(wait.limit) }
        return "waits for " + limits.map(\.description).joined(separator: ", ")
    }
}
