// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What went wrong with the resources of a process.
public struct ResourceError: Error, Sendable {
    /// One resource that could not be torn down.
    public struct Failure: Sendable {
        /// Its name.
        public let resource: String
        /// Why.
        public let error: any Error
    }

    /// The resource that could not be set up; `nil` when something else failed.
    public let resource: String?
    /// Why it could not be set up, or what else failed.
    public let cause: any Error
    /// What could not be torn down after that, in the order in which it was tried.
    public internal(set) var tearDownFailures: [Failure] = []

    init(resource: String?, cause: any Error) {
        self.resource = resource
        self.cause = cause
    }
}

extension ResourceError: CustomStringConvertible {
    /// One line for people.
    public var description: String {
        let what = self.resource.map { "the resource '\($0)' cannot be set up: \(self.cause)" } ?? "\(self.cause)"
        guard !self.tearDownFailures.isEmpty else { return what }
        let rest = self.tearDownFailures.map { "'\($0.resource)' (\($0.error))" }.joined(separator: ", ")
        return "\(what); besides, these could not be torn down: \(rest)"
    }
}
