// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// A registered workflow as the HTTP API shows it.
public struct WorkflowView: Hashable, Sendable {
    /// The workflow's name.
    public var name: String
    /// Its version.
    public var version: Int
    /// What its content is known by, in hexadecimal: the same name and version always have the same digest.
    public var digest: String
    /// The state where runs begin.
    public var start: String
    /// The names of its states, in the order in which they were written.
    public var states: [String]
    /// Whether this request registered it; `nil` in lists.
    public var created: Bool?

    package init(_ definition: Definition, created: Bool? = nil) {
        self.name = definition.name
        self.version = definition.version
        self.digest = definition.digest
        self.start = definition.start
        self.states = definition.states.map(\.name)
        self.created = created
    }

    /// Reads what ``write(to:)`` wrote.
    package init(_ object: JSONMembers) throws(CanoError) {
        self.name = try object.required("name", object.string("name"))
        self.version = try object.required("version", object.integer("version"))
        self.digest = try object.required("digest", object.string("digest"))
        self.start = try object.required("start", object.string("start"))
        self.states = try object.strings("states")
        self.created = try object.bool("created")
    }

    /// Writes the workflow.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            if let created = self.created { writer.member("created", created) }
            writer.member("digest", self.digest)
            writer.member("name", self.name)
            writer.member("start", self.start)
            writer.member("states", self.states)
            writer.member("version", self.version)
        }
    }
}
