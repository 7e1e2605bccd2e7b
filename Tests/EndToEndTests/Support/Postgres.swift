// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// Databases of the server that `CANO_TEST_POSTGRES` names.
enum Postgres {
    static var server: String? { ProcessInfo.processInfo.environment["CANO_TEST_POSTGRES"] }

    /// Runs a scenario on a database of its own, which is dropped afterwards.
    static func withDatabase<Value>(in scratch: Scratch, _ body: (_ uri: String) throws -> Value) throws -> Value {
        let uri = try Self.create(in: scratch)
        defer { Self.drop(uri, in: scratch) }
        return try body(uri)
    }

    /// Makes an empty database; returns its URI.
    static func create(in scratch: Scratch) throws -> String {
        let server = try require(Self.server, "CANO_TEST_POSTGRES names no server")
        let slash = try require(server.lastIndex(of: "/"), "CANO_TEST_POSTGRES is no URI with a database")
        let name = "e2e_\(getpid())_\(UInt32.random(in: 0 ... .max))"
        try Self.execute("CREATE DATABASE \(name)", at: server, in: scratch)
        return String(server[...slash]) + name
    }

    /// Drops a database that ``create(in:)`` made; says so when it stays.
    static func drop(_ uri: String, in scratch: Scratch) {
        guard let server = Self.server, let name = uri.split(separator: "/").last else { return }
        do { try Self.execute("DROP DATABASE \(name) WITH (FORCE)", at: server, in: scratch) } catch {
            FileHandle.standardError.write(Data("database \(name) stays: \(error)\n".utf8))
        }
    }

    /// Runs a statement with `psql`; returns what it prints.
    @discardableResult
    static func execute(_ statement: String, at uri: String, in scratch: Scratch) throws -> String {
        let arguments = ["psql", uri, "-v", "ON_ERROR_STOP=1", "-qAtXc", statement]
        let child = try Child("/usr/bin/env", arguments, name: "psql", in: scratch)
        let status = try child.waitForExit()
        try require(status == 0, "psql: \(text(of: child.errors).suffix(300))")
        return text(of: child.output).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
