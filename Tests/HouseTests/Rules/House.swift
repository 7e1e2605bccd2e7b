// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The house: which room may use which, from the ground floor up.
///
/// A target uses only targets of earlier rows, and of those the ones it names and what they use themselves.
enum House {
    /// One target.
    struct Room {
        /// The target's name.
        var name: String
        /// Our targets that it builds on.
        var targets: [String]
        /// Modules of others.
        var modules: [String]
        /// The lines that a file may have.
        var lines = 400
    }

    private static let collections = ["Collections", "DequeModule", "HeapModule", "OrderedCollections"]
    private static let system = ["Glibc", "Musl", "Darwin"]
    private static let foundation = ["FoundationEssentials", "Foundation"] + Self.system
    private static let nio = ["NIO", "NIOCore", "NIOPosix", "NIOConcurrencyHelpers", "NIOSSL"]
    private static let telemetry = ["Logging", "Metrics", "CoreMetrics", "Tracing", "Instrumentation"]
    private static let command =
        ["ArgumentParser", "Configuration", "ServiceLifecycle", "UnixSignals", "Logging"] + Self.foundation

    /// The rooms, from the ground floor up.
    static let rooms: [Room] = [
        Room(name: "CLibPQ", targets: [], modules: []),
        Room(name: "CanoEngine", targets: [], modules: Self.collections),
        Room(name: "CanoSimulation", targets: ["CanoEngine"], modules: Self.collections),
        Room(
            name: "Cano",
            targets: ["CanoEngine"],
            modules: Self.collections + Self.telemetry + Self.foundation + ["ServiceContextModule", "Synchronization"]
        ),
        Room(name: "CanoTesting", targets: ["Cano", "CanoSimulation"], modules: Self.foundation),
        Room(
            name: "CanoSQLite",
            targets: ["CanoEngine"],
            modules: Self.foundation + ["GRDB", "GRDBSQLite", "Dispatch"]
        ),
        Room(name: "CanoPostgres", targets: ["CanoEngine", "CLibPQ"], modules: Self.foundation + ["Dispatch"]),
        Room(
            name: "CanoProtocol",
            targets: ["CanoEngine"],
            modules: Self.foundation + Self.nio + ["SwiftProtobuf"]
        ),
        Room(
            name: "CanoClient",
            targets: ["Cano"],
            modules: Self.foundation + Self.nio + ["AsyncHTTPClient", "NIOHTTP1", "NIOFoundationCompat"]
        ),
        Room(
            name: "CanoWorker",
            targets: ["Cano", "CanoProtocol"],
            modules: Self.foundation + Self.nio + Self.telemetry + Self.collections
                + ["AsyncHTTPClient", "NIOHTTP1", "Subprocess", "System", "SystemPackage", "Mustache"]
                + ["ServiceLifecycle", "UnixSignals"]
        ),
        Room(
            name: "CanoCoordinator",
            targets: ["Cano", "CanoProtocol", "CanoSQLite", "CanoPostgres"],
            modules: Self.foundation + Self.nio + Self.telemetry + Self.collections
                + ["Hummingbird", "HTTPTypes", "ServiceLifecycle", "UnixSignals", "Yams"]
        ),
        Room(name: "cano-coordinator", targets: ["CanoCoordinator"], modules: Self.command, lines: 100),
        Room(name: "cano-worker", targets: ["CanoWorker"], modules: Self.command, lines: 100),
        Room(
            name: "CanoCommand",
            targets: ["CanoClient", "CanoCoordinator", "CanoWorker"],
            modules: Self.command,
            lines: 100
        ),
    ]

    /// The room with this name.
    static func room(_ name: String) -> Room? {
        Self.rooms.first { $0.name == name }
    }

    /// Our targets that a room may import: those that it names, and theirs.
    static func reach(of room: Room) -> Set<String> {
        room.targets.reduce(into: Set(room.targets)) { reach, name in
            if let next = Self.room(name) { reach.formUnion(Self.reach(of: next)) }
        }
    }
}
