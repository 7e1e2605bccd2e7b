// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Something that can do leased work: the code of a typed workflow, `exec`, `http`.
///
/// Embedded runner and worker drive the same handlers. A handler never throws: what went wrong is the result. The
/// task it runs in is cancelled when the lease should stop; it then answers `stopped` as soon as it can.
package protocol WorkHandler: Sendable {
    /// Does one attempt.
    func perform(_ grant: LeaseGrant, _ task: TaskContext) async -> AttemptReport.Result
}

/// The handlers of one process.
package struct WorkCatalogue: Sendable {
    /// The definitions whose code this process has, each with the handler of its states.
    package private(set) var compiled: [String: any WorkHandler] = [:]
    /// The definitions themselves, in the order in which they were added.
    package private(set) var definitions: [Definition] = []
    /// The built-in handlers by their names.
    package private(set) var builtIn: [String: any WorkHandler] = [:]

    package init() {}

    /// Adds the code of a definition.
    package mutating func add(_ definition: Definition, digest: String, handler: some WorkHandler) {
        if self.compiled.updateValue(handler, forKey: digest) == nil { self.definitions.append(definition) }
    }

    /// Adds a built-in handler, such as `exec`.
    package mutating func add(builtIn name: String, handler: some WorkHandler) {
        self.builtIn[name] = handler
    }

    /// Who does this work; `nil` when this process cannot.
    package func handler(for grant: LeaseGrant) -> (any WorkHandler)? {
        grant.handler == TaskDefinition.compiledHandler ? self.compiled[grant.digest] : self.builtIn[grant.handler]
    }
}
