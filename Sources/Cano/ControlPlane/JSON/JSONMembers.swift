// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// The members of a JSON object, read by name; what has the wrong type is an error that names it.
package struct JSONMembers: Sendable {
    /// What the object is, for messages, such as `runs[3]`.
    package let subject: String
    private var members: [(name: String, value: JSONText)]

    /// Reads an object.
    ///
    /// - Throws: `invalidInput` when the text is not an object.
    package init(_ text: JSONText, subject: String) throws(CanoError) {
        guard let members = text.members else {
            throw CanoError(.invalidInput, "\(subject) must be a JSON object")
        }
        self.subject = subject
        self.members = members
    }

    /// Refuses members that nobody would read: mostly misspelt ones.
    package func allow(_ names: Set<String>) throws(CanoError) {
        guard let stranger = self.members.first(where: { !names.contains($0.name) })?.name else { return }
        let known = names.sorted().joined(separator: ", ")
        throw CanoError(.invalidInput, "\(self.subject) has an unknown member '\(stranger)'; known are: \(known)")
    }

    /// A member of any type; `nil` when it is absent or `null`.
    package func text(_ name: String) -> JSONText? {
        guard let value = self.members.first(where: { $0.name == name })?.value, !value.isNull else { return nil }
        return value
    }

    /// A string; `nil` when it is absent.
    package func string(_ name: String) throws(CanoError) -> String? {
        try self.read(name, "a string", \.string)
    }

    /// A whole number; `nil` when it is absent.
    package func integer(_ name: String) throws(CanoError) -> Int? {
        try self.read(name, "a whole number", \.integer)
    }

    /// A flag; `nil` when it is absent.
    package func bool(_ name: String) throws(CanoError) -> Bool? {
        try self.read(name, "true or false", \.bool)
    }

    /// A point in time; `nil` when it is absent.
    package func instant(_ name: String) throws(CanoError) -> Instant? {
        try self.read(name, "a time in ISO 8601") { $0.string.flatMap(Instant.init(iso8601:)) }
    }

    /// A run's id; `nil` when it is absent.
    package func run(_ name: String) throws(CanoError) -> RunID? {
        try self.read(name, "a run id (a UUID)") { $0.string.flatMap { RunID($0) } }
    }

    /// The elements of an array; none when it is absent.
    package func array(_ name: String) throws(CanoError) -> [JSONText] {
        try self.read(name, "an array", \.elements) ?? []
    }

    /// An object.
    package func object(_ name: String) throws(CanoError) -> JSONMembers {
        try JSONMembers(try self.required(name, self.text(name)), subject: "'\(name)' in \(self.subject)")
    }

    /// The strings of an array; none when it is absent.
    package func strings(_ name: String) throws(CanoError) -> [String] {
        try self.read(name, "an array of strings") { $0.elements.map { $0.compactMap(\.string) } } ?? []
    }

    /// What must be there.
    package func required<Value>(_ name: String, _ value: Value?) throws(CanoError) -> Value {
        guard let value else { throw CanoError(.invalidInput, "\(self.subject) lacks '\(name)'") }
        return value
    }

    private func read<Value>(
        _ name: String,
        _ type: String,
        _ convert: (JSONText) -> Value?
    ) throws(CanoError) -> Value? {
        guard let text = self.text(name) else { return nil }
        guard let value = convert(text) else {
            throw CanoError(.invalidInput, "'\(name)' in \(self.subject) must be \(type)")
        }
        return value
    }
}
