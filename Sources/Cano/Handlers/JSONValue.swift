// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A JSON value that keeps what it was read from: members stay in their order, numbers keep their digits.
///
/// Contexts pass through many hands. What nobody changed is written as it was read, so a large integer or a decimal
/// fraction never becomes another number on its way.
package indirect enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// What kind of value it is, as messages name it.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The text of a string; `nil` for every other kind.
    package var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}

/// A number as it was written, with its value where a machine type has it.
package struct JSONNumber: Hashable, Sendable {
    /// The digits, valid JSON.
    package let literal: String

    /// A number whose text is known to be valid JSON.
    init(validated literal: String) {
        self.literal = literal
    }

    package init(_ value: Int64) {
        self.literal = String(value)
    }

    /// A finite number; `nil` for infinities and "not a number", which JSON does not have.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        // A whole number is written without the fraction that Swift adds.
        if let whole = Int64(exactly: value) {
            self.literal = String(whole)
        } else {
            self.literal = "\(value)"
        }
    }

    /// The value as an integer; `nil` when it has a fraction, an exponent or too many digits.
    package var integer: Int64? { Int64(self.literal) }

    /// The nearest binary fraction; infinite when the number is too large.
    package var double: Double { Double(self.literal) ?? .infinity }

    /// How it compares with another number: exactly between integers, as binary fractions otherwise.
    package func isLess(than other: JSONNumber) -> Bool {
        if let left = self.integer, let right = other.integer { return left < right }
        return self.double < other.double
    }

    /// Whether both are the same number, however they are written.
    package func isEqual(to other: JSONNumber) -> Bool {
        if self.literal == other.literal { return true }
        if let left = self.integer, let right = other.integer { return left == right }
        return self.double == other.double
    }
}

extension JSONValue {
    /// Whether both are the same value: numbers by value, objects whatever the order of their members.
    package func isEqual(to other: JSONValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left.isEqual(to: right)
        case (.string(let left), .string(let right)): left == right
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isEqual(to: $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { key, value in right[key].map { value.isEqual(to: $0) } ?? false }
        case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _): false
        }
    }
}
