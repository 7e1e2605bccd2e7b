// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Logging
import Testing

/// A worker in the test's hand: it keeps what it is told, or has lost its connection without the host knowing.
final class FakeSession: LeaseSession {
    let id: SessionID
    let worker: WorkerID
    private let isGone: Bool
    private let box = Mailbox<Delivery>()

    init(_ number: Int64, isGone: Bool = false) {
        self.id = SessionID(rawValue: number)
        self.worker = WorkerID(rawValue: "worker-\(number)")
        self.isGone = isGone
    }

    func deliver(_ deliveries: [Delivery]) -> [Delivery] {
        if self.isGone { return deliveries }
        for delivery in deliveries { self.box.post(delivery) }
        return []
    }

    /// The next lease that reaches it.
    func lease() async throws -> LeaseGrant {
        while let deliveries = await self.box.next() {
            for case .lease(let grant) in deliveries { return grant }
        }
        throw CancellationError()
    }
}

/// A host on a store that a test can hold up.
struct HostFixture {
    let store = GatedStore()
    let host: EngineHost

    static let definition = Definition(
        name: "one",
        version: 1,
        start: "work",
        states: [
            StateDefinition(
                name: "work",
                step: .task(run: TaskDefinition(handler: "work", name: "work"), to: ["done"])
            ),
            StateDefinition(name: "done", step: .exit(.success)),
        ]
    )

    init(shardTTL: Span = .seconds(10)) async throws {
        var configuration = HostConfiguration(me: HostID(rawValue: "host"))
        configuration.shardTTL = shardTTL
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.host = try await EngineHost(store: self.store, configuration: configuration, logger: logger)
        _ = try await self.host.register(Self.definition)
    }

    func connect(_ session: FakeSession, credit: Int = 1) {
        self.host.connect(session, capabilities: [.handler("work")])
        self.host.credit(session.id, credit)
    }

    func start(key: String? = nil) async throws -> RunID {
        let caller = Caller(name: "test", via: "library")
        let answers = try await self.host.start([StartRequest(workflow: "one", key: key, context: nil)], caller: caller)
        switch answers.first {
        case .created(let run), .existing(let run): return run
        case .refused, nil: throw CanoError(.invalidInput, "\(answers)")
        }
    }

    /// The same until it succeeds: whoever starts asks again when the shard changed hands meanwhile.
    func startPatiently(key: String) async throws -> RunID {
        while true {
            if let run = try? await self.start(key: key) { return run }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Runs the host while `body` runs.
    func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let host = self.host
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                await host.run()
                return false
            }
            group.addTask {
                try await host.waitUntilOwner()
                try await body()
                return true
            }
            defer { group.cancelAll() }
            while let isDone = try await group.next(), !isDone {}
        }
    }
}
