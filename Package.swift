// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0 OR MIT

import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let ordered: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let metricsKit: Target.Dependency = .product(name: "MetricsTestKit", package: "swift-metrics")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "cano",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "Cano", targets: ["Cano"]),
        .library(name: "CanoTesting", targets: ["CanoTesting"]),
        .library(name: "CanoSQLite", targets: ["CanoSQLite"]),
        .library(name: "CanoPostgres", targets: ["CanoPostgres"]),
        .library(name: "CanoClient", targets: ["CanoClient"]),
        .library(name: "CanoWorker", targets: ["CanoWorker"]),
        .executable(name: "cano-coordinator", targets: ["cano-coordinator"]),
        .executable(name: "cano-worker", targets: ["cano-worker"]),
        .executable(name: "cano", targets: ["CanoCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "CanoEngine", dependencies: [deque, heap], swiftSettings: settings),
        .target(name: "CanoSimulation", dependencies: ["CanoEngine", heap], swiftSettings: settings),
        .target(
            name: "Cano",
            dependencies: ["CanoEngine", deque, heap, ordered, logging, metrics, tracing],
            swiftSettings: settings
        ),
        .target(name: "CanoTesting", dependencies: ["Cano", "CanoSimulation"], swiftSettings: settings),
        .target(
            name: "CanoSQLite",
            dependencies: ["CanoEngine", grdb, sqlite],
            swiftSettings: settings
        ),
        .target(name: "CanoPostgres", dependencies: ["CanoEngine", "CLibPQ"], swiftSettings: settings),
        .target(
            name: "CanoProtocol",
            dependencies: ["CanoEngine", nioCore, nioPosix, protobuf],
            exclude: ["cano.proto"],
            swiftSettings: settings
        ),
        .target(
            name: "CanoClient",
            dependencies: ["Cano", httpClient, nioCore, .product(name: "NIOHTTP1", package: "swift-nio")],
            swiftSettings: settings
        ),
        .target(
            name: "CanoWorker",
            dependencies: [
                "Cano", "CanoProtocol", logging, nioCore, nioPosix, nioHTTP, httpClient, lifecycle,
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "CanoCoordinator",
            dependencies: [
                "Cano", "CanoProtocol", "CanoSQLite", "CanoPostgres", logging, nioCore, lifecycle, signals,
                yams,
                deque,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "cano-coordinator",
            dependencies: ["CanoCoordinator", "CanoEngine", arguments, lifecycle, logging],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "cano-worker",
            dependencies: ["Cano", "CanoEngine", "CanoWorker", arguments, lifecycle, signals, logging],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "CanoCommand",
            dependencies: ["CanoClient", "CanoCoordinator", "CanoWorker", arguments, lifecycle, signals, logging],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "LicenceAudit",
            dependencies: ["Cano", "CanoSQLite", "CanoWorker", arguments, lifecycle, signals, logging],
            path: "Examples/licence-audit/Swift",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "OrderSagaExample",
            dependencies: ["Cano", "CanoSQLite", arguments],
            path: "Examples/order-saga/Swift",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "WebShop",
            dependencies: ["Cano", "CanoSQLite", logging, .product(name: "Hummingbird", package: "hummingbird")],
            path: "Examples/web-shop/Swift",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "GracefulShutdown",
            dependencies: ["Cano", "CanoSQLite", signals],
            path: "Examples/graceful-shutdown/Swift",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Gallery",
            dependencies: ["Cano", "CanoSQLite", logging],
            path: "Examples/gallery",
            swiftSettings: settings
        ),
        .testTarget(name: "HouseTests", swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["Cano", "CanoClient", "CanoEngine", "CanoWorker", logging],
            swiftSettings: settings
        ),
        .testTarget(name: "CanoEngineTests", dependencies: ["CanoEngine", "CanoSimulation"], swiftSettings: settings),
        .testTarget(
            name: "CanoSimulationTests",
            dependencies: ["CanoEngine", "CanoSimulation"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CanoTests",
            dependencies: ["Cano", "CanoEngine", "CanoSQLite", "CanoTesting", grdb, logging],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CanoTestingTests",
            dependencies: ["Cano", "CanoEngine", "CanoTesting", "CanoSQLite", logging, metrics, metricsKit, tracing],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CanoProtocolTests",
            dependencies: ["CanoEngine", "CanoProtocol", nioCore, nioEmbedded, nioPosix],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CanoWorkerTests",
            dependencies: [
                "Cano", "CanoEngine", "CanoProtocol", "CanoWorker", logging, lifecycle, nioCore, nioPosix, nioHTTP,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CanoCoordinatorTests",
            dependencies: [
                "Cano", "CanoCoordinator", "CanoClient", "CanoEngine", "CanoWorker", logging, lifecycle, nioCore,
                nioHTTP,
                httpClient,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CanoCommandTests",
            dependencies: ["CanoCommand", "CanoClient", arguments],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StoreTests",
            dependencies: ["CanoEngine", "CanoSQLite", "CanoPostgres", grdb],
            swiftSettings: settings
        ),
        .testTarget(name: "PostgresTests", dependencies: ["CanoEngine", "CanoPostgres"], swiftSettings: settings),
    ]
)
