// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoProtocol
import CanoWorker
import Logging

/// A coordinator that follows a script, and a worker that talks to it.
enum FakeCoordinator {
    typealias Script = @Sendable (inout Dialogue, _ session: Int) async throws -> Void

    /// Runs a worker against a server whose sessions, counted from 1, follow `script`; then `body`.
    ///
    /// Everything ends when `body` returns.
    static func run(
        slots: Int = 4,
        handler: some WorkHandler = ClosureHandler { _ in .completed(.undone) },
        script: @escaping Script,
        body: @escaping @Sendable (Worker) async throws -> Void
    ) async throws {
        let sessions = Guarded(0)
        let bound = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await FrameServer<WorkerFrame, CoordinatorFrame>(host: "127.0.0.1", port: 0)
                    .run(
                        onBound: { _, port in bound.continuation.yield(port) },
                        onFailure: { _, _ in },
                        handle: { connection in
                            let number = sessions.withLock { count -> Int in
                                count += 1
                                return count
                            }
                            var dialogue = Dialogue(connection)
                            try await script(&dialogue, number)
                        }
                    )
            }
            for await port in bound.stream {
                try await self.work(port, slots, handler, body)
                break
            }
            group.cancelAll()
        }
    }

    private static func work(
        _ port: Int,
        _ slots: Int,
        _ handler: some WorkHandler,
        _ body: @escaping @Sendable (Worker) async throws -> Void
    ) async throws {
        var catalogue = WorkCatalogue()
        catalogue.add(builtIn: "test", handler: handler)
        let configuration = WorkerConfiguration {
            $0.coordinators = ["127.0.0.1:\(port)"]
            $0.slots = slots
            $0.name = "worker"
            $0.drainTimeout = .seconds(20)
        }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let worker = Worker(configuration: configuration, catalogue: catalogue, logger: logger)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                do { try await worker.run() } catch is CancellationError {}
                return false
            }
            group.addTask {
                try await body(worker)
                return true
            }
            // A worker that fails ends the test; one that has finished leaves that to the body.
            while try await group.next() == false {}
            group.cancelAll()
        }
    }

    static func grant(_ number: Int, handler: String = "test", timeout: Span? = nil) -> LeaseGrant {
        let run = RunID(at: Instant(microseconds: 0), shard: ShardID(rawValue: 5), random: (1, 1))
        let lease = LeaseRef(
            key: WorkKey(run: run, visit: number, path: .step),
            attempt: 1,
            token: Token(epoch: Epoch(rawValue: 1), counter: Int64(number))
        )
        return LeaseGrant(
            lease: lease,
            definition: DefinitionKey(name: "demo", version: 1),
            digest: "",
            state: "work",
            handler: handler,
            arguments: nil,
            next: ["done"],
            timeout: timeout,
            input: .task(context: .emptyObject, branches: nil)
        )
    }
}

/// One session as the coordinator sees it.
struct Dialogue {
    let connection: FrameConnection<WorkerFrame, CoordinatorFrame>
    private var iterator: FrameSequence<WorkerFrame, CoordinatorFrame>.Iterator
    private var waiting: ArraySlice<WorkerFrame> = []

    init(_ connection: FrameConnection<WorkerFrame, CoordinatorFrame>) {
        self.connection = connection
        self.iterator = connection.inbound.makeAsyncIterator()
    }

    /// The next frame; `nil` when the worker has closed.
    mutating func next() async throws -> WorkerFrame? {
        while self.waiting.isEmpty {
            guard let frames = try await self.iterator.next() else { return nil }
            self.waiting = frames[...]
        }
        return self.waiting.popFirst()
    }

    /// The next frame that `match` gives something for; heartbeats are answered meanwhile, the rest is passed over.
    mutating func first<Value>(_ match: (WorkerFrame) -> Value?) async throws -> Value {
        while let frame = try await self.next() {
            if case .heartbeat(let number) = frame { self.connection.send([.heartbeat(number)]) }
            if let value = match(frame) { return value }
        }
        throw CanoError(.protocolViolation, "the worker closed the connection")
    }

    /// Hears the greeting, answers it, and hears what is offered.
    mutating func welcome(ttl: Span = .seconds(10)) async throws -> [LeaseRef] {
        _ = try await self.first { if case .hello(let hello) = $0 { hello } else { nil } }
        self.connection.send([.welcome(.init(ttl: ttl, frameBytes: 1 << 20, payloadBytes: 1 << 16))])
        return try await self.first { if case .resume(let leases) = $0 { leases } else { nil } }
    }

    mutating func credit() async throws -> Int {
        try await self.first { if case .credit(let count) = $0 { count } else { nil } }
    }

    mutating func started() async throws -> [LeaseRef] {
        try await self.first { if case .started(let leases) = $0 { leases } else { nil } }
    }

    mutating func reports() async throws -> [AttemptReport] {
        try await self.first { if case .reports(let reports) = $0 { reports } else { nil } }
    }

    func answer(_ reports: [AttemptReport], _ answer: ReportAnswer = .accepted) {
        self.connection.send([.answers(reports.map { LeaseAnswer(lease: $0.lease, answer: answer) })])
    }

    /// Answers heartbeats until the worker closes.
    mutating func serve() async throws {
        while let frame = try await self.next() {
            if case .heartbeat(let number) = frame { self.connection.send([.heartbeat(number)]) }
            if case .reports(let reports) = frame { self.answer(reports) }
        }
    }
}

/// A handler made of a closure.
struct ClosureHandler: WorkHandler {
    let body: @Sendable (LeaseGrant) async -> AttemptReport.Result

    init(_ body: @escaping @Sendable (LeaseGrant) async -> AttemptReport.Result) {
        self.body = body
    }

    func perform(_ grant: LeaseGrant, _ task: TaskContext) async -> AttemptReport.Result {
        await self.body(grant)
    }
}

/// Something that happens once and is waited for.
final class Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (self.stream, self.continuation) = AsyncStream.makeStream()
    }

    func give() {
        self.continuation.finish()
    }

    /// Waits; a cancelled task goes on at once.
    func wait() async {
        for await _ in self.stream {}
    }
}
