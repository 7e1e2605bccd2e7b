// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// A run with a page of its timeline and what runs now.
public struct RunDetail: Hashable, Sendable {
    /// The run.
    public var run: RunView
    /// A page of its records, in order.
    public var timeline: [TimelineEntry]
    /// Behind which sequence number the next page begins; `nil` when this page reaches the end.
    public var next: Int?
    /// The leases that run now, as far as the answering coordinator knows.
    public var leases: [LeaseView]
    /// The work that declared limits hold up now, as far as the answering coordinator knows.
    public var waits: [WaitView]

    package init(
        run: RunView,
        timeline: [TimelineEntry],
        next: Int?,
        leases: [LeaseView],
        waits: [WaitView] = []
    ) {
        self.run = run
        self.timeline = timeline
        self.next = next
        self.leases = leases
        self.waits = waits
    }

    /// Reads what ``write(to:)`` wrote.
    package init(_ object: JSONMembers) throws(CanoError) {
        self.run = try RunView(object.object("run"))
        self.timeline = []
        for (index, entry) in try object.array("timeline").enumerated() {
            self.timeline.append(try TimelineEntry(JSONMembers(entry, subject: "timeline[\(index)]")))
        }
        self.next = try object.integer("next")
        self.leases = []
        for (index, lease) in try object.array("leases").enumerated() {
            self.leases.append(try LeaseView(JSONMembers(lease, subject: "leases[\(index)]")))
        }
        self.waits = []
        for (index, wait) in try object.array("waits").enumerated() {
            self.waits.append(try WaitView(JSONMembers(wait, subject: "waits[\(index)]")))
        }
    }

    /// Writes run, timeline and leases.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("leases")
            writer.array { writer in
                for lease in self.leases { lease.write(to: &writer) }
            }
            writer.member("next", self.next)
            writer.name("run")
            self.run.write(to: &writer)
            writer.name("timeline")
            writer.array { writer in
                for entry in self.timeline { entry.write(to: &writer) }
            }
            writer.name("waits")
            writer.array { writer in
                for wait in self.waits { wait.write(to: &writer) }
            }
        }
    }
}
