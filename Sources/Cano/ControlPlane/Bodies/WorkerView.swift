// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// A worker as the HTTP API shows it.
public struct WorkerView: Hashable, Sendable {
    /// Who it is.
    public var id: String
    /// The version of its program.
    public var build: String
    /// How many leases it can hold.
    public var slots: Int
    /// How many it holds.
    public var leases: Int
    /// The definitions whose code it has, as `name@version`.
    public var definitions: [String]
    /// The built-in handlers it runs.
    public var handlers: [String]
    /// Whether it is connected now.
    public var isConnected: Bool
    /// Whether it takes no more leases.
    public var isDraining: Bool

    package init(_ summary: WorkerSummary) {
        self.id = summary.worker.rawValue
        self.build = summary.build
        self.slots = summary.slots
        self.leases = summary.leases
        self.definitions = summary.definitions.map(\.description)
        self.handlers = summary.handlers
        self.isConnected = summary.isConnected
        self.isDraining = summary.isDraining
    }

    /// Reads what ``write(to:)`` wrote.
    package init(_ object: JSONMembers) throws(CanoError) {
        self.id = try object.required("id", object.string("id"))
        self.build = try object.string("build") ?? ""
        self.slots = try object.required("slots", object.integer("slots"))
        self.leases = try object.required("leases", object.integer("leases"))
        self.definitions = try object.strings("definitions")
        self.handlers = try object.strings("handlers")
        self.isConnected = try object.bool("connected") ?? true
        self.isDraining = try object.bool("draining") ?? false
    }

    /// Writes the worker.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("build", self.build)
            writer.member("connected", self.isConnected)
            writer.member("definitions", self.definitions)
            writer.member("draining", self.isDraining)
            writer.member("handlers", self.handlers)
            writer.member("id", self.id)
            writer.member("leases", self.leases)
            writer.member("slots", self.slots)
        }
    }
}
