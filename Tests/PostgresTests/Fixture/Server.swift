// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Foundation
import Testing

@testable import CanoPostgres

/// The server that the tests were given, and servers of their own.
enum Server {
    /// Where databases can be created: the environment variable `CANO_TEST_POSTGRES`.
    static let uri = ProcessInfo.processInfo.environment["CANO_TEST_POSTGRES"]

    /// Deadlines that a busy machine keeps; tests of deadlines have their own.
    static let patient = PostgresOptions {
        $0.queryTime = .seconds(60)
        $0.commitTime = .seconds(60)
        $0.takeTime = .seconds(25)
    }

    /// Makes a database, runs `body` with its URI and drops it again.
    static func withDatabase(on server: String? = Server.uri, _ body: (String) async throws -> Void) async throws {
        let server = try #require(server)
        let name = "cano_test_" + UUID().uuidString.lowercased().replacing("-", with: "")
        try await PostgresStore.administer(server, "CREATE DATABASE \(name) ENCODING 'UTF8' TEMPLATE template0")
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(Self.uri(server, database: name))) } catch { outcome = .failure(error) }
        try await PostgresStore.administer(server, "DROP DATABASE \(name) WITH (FORCE)")
        try outcome.get()
    }

    /// Makes a database, opens a store on it and runs `body` with it and an operator who can look in.
    static func withStore(
        _ options: PostgresOptions = Server.patient,
        _ body: (PostgresStore, Operator) async throws -> Void
    ) async throws {
        try await Self.withDatabase { uri in
            let store = try await PostgresStore.open(uri, options: options)
            let person = try Operator(uri)
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(store, person)) } catch { outcome = .failure(error) }
            await person.close()
            await store.close()
            try outcome.get()
        }
    }

    /// The same server with another database.
    static func uri(_ uri: String, database: String) -> String {
        var parts = URLComponents(string: uri) ?? URLComponents()
        parts.path = "/" + database
        return parts.string ?? uri
    }

    /// Runs the script that makes throw-away servers; gives what it prints.
    static func cluster(_ arguments: String...) async throws -> String {
        let scripts = URL(fileURLWithPath: #filePath).appending(path: "../../../../scripts").standardized
        return try await Program.run(scripts.appending(path: "postgres-cluster").path, arguments)
    }

    /// Makes a server of its own and takes it away again.
    static func withCluster(_ body: (_ folder: String, _ uri: String) async throws -> Void) async throws {
        let folder = "/tmp/cano-test-\(UUID().uuidString)"
        let uri = try await Self.cluster("start", folder)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(folder, uri)) } catch { outcome = .failure(error) }
        _ = try await Self.cluster("remove", folder)
        try outcome.get()
    }
}

/// Other programs.
enum Program {
    /// Runs a program to its end and gives the first line of what it prints; throws when it fails.
    static func run(_ path: String, _ arguments: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let output = FileManager.default.temporaryDirectory.appending(path: "cano-output-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: output) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        try await Patience.until("\(path) ends", within: .seconds(60)) { !process.isRunning }
        guard process.terminationStatus == 0 else { throw Failure("\(path) \(arguments) failed") }
        return try String(contentsOf: output, encoding: .utf8).split(separator: "\n").first.map(String.init) ?? ""
    }
}

/// Waiting for what must happen.
enum Patience {
    /// Asks again and again until it is so; throws when that takes far too long.
    static func until(
        _ what: String,
        within time: Duration = .seconds(30),
        _ holds: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now.advanced(by: time)
        while try await !holds() {
            guard ContinuousClock.now < deadline else { throw Failure("it never happened: \(what)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// A test that cannot go on.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
