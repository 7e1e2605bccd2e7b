// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// A run as the HTTP API shows it.
public struct RunView: Hashable, Sendable {
    /// The run.
    public var id: RunID
    /// Its workflow's name.
    public var workflow: String
    /// The version of the workflow that it stays with.
    public var version: Int
    /// The user's key.
    public var key: String?
    /// What it is doing, or how it ended.
    public var status: RunStatus
    /// The state where it is or where it ended; `nil` in lists.
    public var state: String?
    /// The number of the visit of that state; 0 in lists.
    public var visit: Int
    /// When it was started.
    public var startedAt: Instant
    /// When it ended.
    public var finishedAt: Instant?
    /// When it will be looked at again, while it waits.
    public var wakeAt: Instant?
    /// Why it is blocked, what it waits for, or why it failed.
    public var note: String?
    /// Its context, the final one when it has ended; `nil` in lists.
    public var context: Payload?

    /// A view of a summary; `position` is left out in lists.
    package init(_ summary: RunSummary, position: RunPosition? = nil) {
        self.id = summary.run
        self.workflow = summary.definition.name
        self.version = summary.definition.version
        self.key = summary.key
        self.status = summary.status
        self.state = position?.state
        self.visit = position?.visit ?? 0
        self.startedAt = summary.startedAt
        self.finishedAt = summary.finishedAt
        self.wakeAt = summary.wakeAt
        self.note = summary.note
        self.context = position?.context
    }

    /// Reads a view that ``write(to:)`` wrote.
    package init(_ object: JSONMembers) throws(CanoError) {
        self.id = try object.required("id", object.run("id"))
        self.workflow = try object.required("workflow", object.string("workflow"))
        self.version = try object.required("version", object.integer("version"))
        self.key = try object.string("key")
        self.status = try object.required("status", object.string("status").flatMap(RunStatus.init(name:)))
        self.state = try object.string("state")
        self.visit = try object.integer("visit") ?? 0
        self.startedAt = try object.required("startedAt", object.instant("startedAt"))
        self.finishedAt = try object.instant("finishedAt")
        self.wakeAt = try object.instant("wakeAt")
        self.note = try object.string("note")
        self.context = object.text("context")?.payload
    }

    /// Writes the view.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            if let context = self.context {
                writer.name("context")
                writer.payload(context)
            }
            writer.member("finishedAt", self.finishedAt)
            writer.member("id", self.id.description)
            writer.member("key", self.key)
            writer.member("note", self.note)
            writer.member("startedAt", self.startedAt)
            writer.member("state", self.state)
            writer.member("status", self.status.name)
            writer.member("version", self.version)
            if self.visit > 0 { writer.member("visit", self.visit) }
            writer.member("wakeAt", self.wakeAt)
            writer.member("workflow", self.workflow)
        }
    }
}
