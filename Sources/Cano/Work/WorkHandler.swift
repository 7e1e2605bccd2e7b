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

/// What one process can do: the code of its workflows and the handlers that it has built in.
public struct WorkCatalogue: Sendable {
    /// The definitions whose code this process has, each with the handler of its states.
    package private(set) var compiled: [String: any WorkHandler] = [:]
    /// The definitions themselves, in the order in which they were added.
    package private(set) var definitions: [Definition] = []
    /// The built-in handlers by their names.
    package private(set) var builtIn: [String: any WorkHandler] = [:]

    /// A catalogue with nothing in it.
    public init() {}

    /// A catalogue of the code of these workflows.
    ///
    /// - Parameters:
    ///   - workflow: a workflow, together with what its tasks need.
    ///   - more: further ones.
    ///   - limits: the bounds that their definitions and payloads keep.
    /// - Throws: like ``add(_:limits:)``.
    public init<First: Workflow, each More: Workflow>(
        _ workflow: First,
        _ more: repeat each More,
        limits: Limits = Limits()
    ) throws(CanoError) {
        try self.add(workflow, limits: limits)
        for workflow in repeat each more { try self.add(workflow, limits: limits) }
    }

    /// Adds the code of a definition.
    package mutating func add(_ definition: Definition, digest: String, handler: some WorkHandler) {
        if self.compiled.updateValue(handler, forKey: digest) == nil { self.definitions.append(definition) }
    }

    /// Adds the code of a workflow, together with what its tasks need.
    ///
    /// - Parameters:
    ///   - workflow: the workflow.
    ///   - limits: the bounds that its definition and its payloads keep.
    /// - Throws: `invalidDefinition` with every problem of the workflow in one line, also those of types that the
    ///   compiler cannot see, such as branches that return something else than the task behind the join expects;
    ///   `definitionChanged` when another definition with the same name and version was added before.
    public mutating func add(_ workflow: some Workflow, limits: Limits = Limits()) throws(CanoError) {
        let registration = try WorkflowRegistration(workflow, limits: limits)
        let definition = registration.definition
        let digest = definition.digest
        for other in self.definitions where other.key == definition.key && other.digest != digest {
            throw CanoError(
                .definitionChanged,
                "workflow '\(definition.name)' version \(definition.version) was added before with another definition "
                    + "(digest \(other.digest), now \(digest)): raise its version"
            )
        }
        self.add(definition, digest: digest, handler: registration.handler)
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
