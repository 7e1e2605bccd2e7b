// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// A stream of the numbers from 1 on, with which a test does what it wants.
struct Drip: Workflow {
    static let name = "drip"
    static let version = 1
    enum State: String, WorkflowState { case drip, done }
    struct Context: Codable, Sendable, Equatable {
        var ended = ""
    }

    /// How many numbers there are.
    var numbers = 0
    /// Whether the source stays open behind the last number.
    var isEndless = false
    var window = StreamWindow.count(2)
    var errors = StreamErrors.fail
    var heartbeat: Duration?
    var itemTimeout: Duration?
    var opens: @Sendable (TaskContext) async throws -> Void = { _ in }
    var works: @Sendable (Int, TaskContext) async throws -> Void = { _, _ in }
    var flushes: @Sendable ([Int]) async throws -> WindowAnswer = { _ in .more }
    var closes: @Sendable (TaskContext) async throws -> Void = { _ in }
    let ledger = Ledger()

    func step(in state: State) -> Step<Self> {
        switch state {
        case .drip: self.stream
        case .done: .exit
        }
    }

    private var stream: Step<Self> {
        let stream = Step<Self>
            .stream(
                Drops(drip: self),
                window: self.window,
                errors: self.errors,
                itemTimeout: self.itemTimeout,
                retry: Trip.quick,
                to: .done
            )
        guard let heartbeat = self.heartbeat else { return stream }
        return stream.heartbeat(within: heartbeat)
    }

    struct Drops: StreamTask {
        let drip: Drip

        func open(_ context: Context, after cursor: Int?, _ task: TaskContext) async throws -> AsyncStream<Int> {
            self.drip.ledger.add("open \(cursor ?? 0)")
            try await self.drip.opens(task)
            let (first, last) = ((cursor ?? 0) + 1, self.drip.numbers)
            let isEndless = self.drip.isEndless
            return AsyncStream { continuation in
                for number in stride(from: first, through: last, by: 1) { continuation.yield(number) }
                if !isEndless { continuation.finish() }
            }
        }

        func process(_ number: Int, _ task: TaskContext) async throws -> (Int, Int) {
            try await self.drip.works(number, task)
            return (number, number)
        }

        func flush(_ numbers: [Int], _ task: TaskContext) async throws -> WindowAnswer {
            self.drip.ledger.add("flush \(numbers)")
            return try await self.drip.flushes(numbers)
        }

        func close(_ context: inout Context, _ end: StreamEnd, _ task: TaskContext) async throws {
            try await self.drip.closes(task)
            context.ended = "\(end)"
        }

        func interrupted(_ task: TaskContext) async { self.drip.ledger.add("interrupted") }
    }
}
