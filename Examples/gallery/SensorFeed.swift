// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// Reads a feed in windows; behind each window its cursor is durable, so a crash repeats the open window only.
struct SensorFeed: Example, Workflow {
    static let name = "sensor-feed"
    static let version = 1
    static let summary = "a stream in windows of four, one bad reading left out"

    enum State: String, WorkflowState { case follow, done }
    struct Context: Codable, Sendable {
        var readings: [Int]
        var isComplete = false
    }

    func step(in state: State) -> Step<Self> {
        switch state {
        case .follow: .stream(Follow(), window: .count(4), errors: .skip, to: .done)
        case .done: .exit
        }
    }

    struct Reading: Sendable {
        var offset: Int
        var value: Int
    }

    struct Follow: StreamTask {
        func open(_ context: Context, after cursor: Int?, _ task: TaskContext) async throws -> AsyncStream<Reading> {
            let first = cursor.map { $0 + 1 } ?? 0
            let readings = context.readings.enumerated().dropFirst(first)
            return AsyncStream { feed in
                for (offset, value) in readings { feed.yield(Reading(offset: offset, value: value)) }
                feed.finish()
            }
        }

        func process(_ reading: Reading, _ task: TaskContext) async throws -> (Int, Int) {
            guard reading.value >= 0 else { throw TaskFailure("reading \(reading.offset) makes no sense") }
            return (reading.value, reading.offset)
        }

        func flush(_ values: [Int], _ task: TaskContext) async throws -> WindowAnswer {
            print("  a window of \(values.count), mean \(values.reduce(0, +) / values.count)")
            return .more
        }

        func close(_ context: inout Context, _ end: StreamEnd, _ task: TaskContext) async throws {
            context.isComplete = end == .exhausted
        }
    }

    static func run() async throws {
        try await EmbeddedRunner.run(Self(), on: MemoryStore()) { runner in
            let readings = [20, 21, 19, -273, 22, 23, 21, 20, 24]
            let result = try await runner.start(Self.self, context: .init(readings: readings)).outcome()
            print("  complete: \(result.context.isComplete)")
        }
    }
}
