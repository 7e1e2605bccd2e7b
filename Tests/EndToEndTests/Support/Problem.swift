// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a scenario expected and did not find.
struct Problem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Throws what is missing unless the condition holds.
func require(_ condition: Bool, _ missing: @autoclosure () -> String) throws {
    if !condition { throw Problem(missing()) }
}

/// The value, or what is missing.
func require<Value>(_ value: Value?, _ missing: @autoclosure () -> String) throws -> Value {
    guard let value else { throw Problem(missing()) }
    return value
}
