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

let package = Package(
    name: "cano-benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "cano", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(
            name: "EngineCases",
            dependencies: [
                .product(name: "Cano", package: "cano"),
                .product(name: "CanoSQLite", package: "cano"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "cano-bench",
            dependencies: [
                "EngineCases",
                .product(name: "Cano", package: "cano"),
                .product(name: "CanoClient", package: "cano"),
                .product(name: "CanoWorker", package: "cano"),
                .product(name: "cano-coordinator", package: "cano"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
    ]
)
