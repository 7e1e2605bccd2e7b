// SPDX-License-Identifier: Apache-2.0 OR MIT

import Testing

/// The stores that a scenario runs on.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite = "SQLite"
    case postgres = "Postgres"

    /// Those that are there: Postgres only when `CANO_TEST_POSTGRES` names a server.
    static var available: [StoreKind] { Postgres.server == nil ? [.sqlite] : Self.allCases }

    var testDescription: String { self.rawValue }

    /// Runs a scenario in a folder of its own on an empty store.
    func run<Value>(_ body: (_ store: String, _ scratch: Scratch) throws -> Value) throws -> Value {
        try Scratch.with { scratch in
            switch self {
            case .sqlite: try body("sqlite:\(scratch.file("cano.sqlite"))", scratch)
            case .postgres: try Postgres.withDatabase(in: scratch) { try body($0, scratch) }
            }
        }
    }

    /// Makes an empty store; ``drop(_:in:)`` ends it.
    func make(in scratch: Scratch) throws -> String {
        switch self {
        case .sqlite: "sqlite:\(scratch.file("cano.sqlite"))"
        case .postgres: try Postgres.create(in: scratch)
        }
    }

    /// Ends a store, as far as it is not in the folder.
    func drop(_ store: String, in scratch: Scratch) {
        switch self {
        case .sqlite: break
        case .postgres: Postgres.drop(store, in: scratch)
        }
    }
}
