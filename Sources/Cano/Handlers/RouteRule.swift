// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One line of a `route`: when the value at a place of the context compares so, the run goes to that state.
package struct RouteRule: Hashable, Sendable, Codable {
    /// How the value is compared.
    package enum Comparison: String, Hashable, Sendable, Codable, CaseIterable {
        case equal = "=="
        case notEqual = "!="
        case greater = ">"
        case greaterOrEqual = ">="
        case less = "<"
        case lessOrEqual = "<="
        /// Whether there is a value at all; the rule's own value is `true` or `false`.
        case exists
    }

    /// Where the value is, as a JSON pointer.
    package var pointer: String
    /// How it is compared.
    package var comparison: Comparison
    /// With what it is compared.
    package var value: JSONValue
    /// The state that follows.
    package var next: String

    package init(pointer: String, comparison: Comparison, value: JSONValue, next: String) {
        self.pointer = pointer
        self.comparison = comparison
        self.value = value
        self.next = next
    }

    /// Whether the rule applies to a context.
    ///
    /// Where there is no value, nothing but `exists: false` applies. Numbers are ordered by value and strings by their
    /// code points; values of different kinds have no order and are never equal.
    package func matches(_ context: JSONValue) -> Bool {
        guard let pointer = JSONPointer(self.pointer) else { return false }
        let found = context.value(at: pointer)
        if self.comparison == .exists { return (found != nil) == (self.value != .bool(false)) }
        guard let found else { return false }
        switch self.comparison {
        case .equal: return found.isEqual(to: self.value)
        case .notEqual: return !found.isEqual(to: self.value)
        case .greater: return Self.isLess(self.value, found)
        case .less: return Self.isLess(found, self.value)
        case .greaterOrEqual: return Self.isLess(self.value, found) || Self.isSameOrdered(found, self.value)
        case .lessOrEqual: return Self.isLess(found, self.value) || Self.isSameOrdered(found, self.value)
        case .exists: return true
        }
    }

    private static func isLess(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.number(let left), .number(let right)): left.isLess(than: right)
        case (.string(let left), .string(let right)):
            left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
        case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _): false
        }
    }

    private static func isSameOrdered(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch left {
        case .number, .string: left.isEqual(to: right)
        case .null, .bool, .array, .object: false
        }
    }
}

extension [RouteRule] {
    /// The state of the first rule that applies; `nil` when none does.
    package func next(for context: JSONValue) -> String? {
        self.first { $0.matches(context) }?.next
    }
}
