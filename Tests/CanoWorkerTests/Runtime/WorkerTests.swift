// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoProtocol
import CanoWorker
import Logging
import NIOCore
import NIOPosix
import Testing

@Suite("Worker", .timeLimit(.minutes(1)))
struct WorkerTests {
    @Test("leases never outnumber the slots, and every outcome is reported once")
    func credit() async throws {
        let busy = Guarded((now: 0, most: 0))
        let done = Signal()
        let handler = ClosureHandler { _ in
            busy.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            await Task.yield()
            busy.withLock { $0.now -= 1 }
            return .completed(.undone)
        }
        try await FakeCoordinator.run(slots: 3, handler: handler) { dialogue, _ in
            _ = try await dialogue.welcome()
            var (granted, credit) = (0, 0)
            var reported: Set<LeaseRef> = []
            while reported.count < 300 {
                switch try await dialogue.next() {
                case .credit(let count):
                    credit += count
                    #expect(credit + granted - reported.count <= 3)
                    let grants = (granted..<min(300, granted + credit)).map { FakeCoordinator.grant($0 + 1) }
                    granted += grants.count
                    credit -= grants.count
                    dialogue.connection.send([.leases(grants)])
                case .reports(let reports):
                    for report in reports { #expect(reported.insert(report.lease).inserted) }
                    dialogue.answer(reports)
                case .heartbeat(let number): dialogue.connection.send([.heartbeat(number)])
                case .hello, .started, .resume, .progress, .draining: continue
                case nil: throw CanoError(.protocolViolation, "the worker closed the connection")
                }
            }
            done.give()
            try await dialogue.serve()
        } body: { _ in
            await done.wait()
        }
        #expect(busy.withLock { $0.most } <= 3)
    }

    @Test("one frame says that all leases of a batch begin, before anything is heard of them")
    func started() async throws {
        let done = Signal()
        try await FakeCoordinator.run { dialogue, _ in
            _ = try await dialogue.welcome()
            _ = try await dialogue.credit()
            let grants = (1...4).map { FakeCoordinator.grant($0) }
            dialogue.connection.send([.leases(grants)])
            let frame = try await dialogue.first { frame -> WorkerFrame? in
                switch frame {
                case .started, .reports, .progress: frame
                case .hello, .credit, .heartbeat, .resume, .checkpoints, .draining: nil
                }
            }
            #expect(frame == .started(grants.map(\.lease)))
            done.give()
        } body: { _ in
            await done.wait()
        }
    }

    @Test("a lost lease cancels its task")
    func lost() async throws {
        let cancelled = Signal()
        let handler = ClosureHandler { _ in
            await Signal().wait()
            if Task.isCancelled { cancelled.give() }
            return .stopped(Failure(code: "cancelled", message: "x"))
        }
        try await FakeCoordinator.run(handler: handler) { dialogue, _ in
            _ = try await dialogue.welcome()
            let grant = FakeCoordinator.grant(1)
            dialogue.connection.send([.leases([grant])])
            _ = try await dialogue.started()
            dialogue.connection.send([.lost([grant.lease])])
            try await dialogue.serve()
        } body: { _ in
            await cancelled.wait()
        }
    }

    @Test("a report is repeated after a reconnect until it is answered")
    func repeated() async throws {
        let answered = Signal()
        try await FakeCoordinator.run { dialogue, session in
            let offered = try await dialogue.welcome()
            #expect(offered == [])
            if session == 1 { dialogue.connection.send([.leases([FakeCoordinator.grant(1)])]) }
            let reports = try await dialogue.reports()
            #expect(reports == [AttemptReport(lease: FakeCoordinator.grant(1).lease, result: .completed(.undone))])
            guard session == 3 else { return }
            dialogue.answer(reports)
            answered.give()
            try await dialogue.serve()
        } body: { worker in
            await answered.wait()
            // Everything is acknowledged, so it ends at once.
            worker.drain()
        }
    }

    @Test("leases that still run are offered to the next session, and run on")
    func resume() async throws {
        let (goOn, done) = (Signal(), Signal())
        let handler = ClosureHandler { _ in
            await goOn.wait()
            return Task.isCancelled ? .stopped(Failure(code: "cancelled", message: "x")) : .completed(.undone)
        }
        try await FakeCoordinator.run(handler: handler) { dialogue, session in
            let offered = try await dialogue.welcome()
            let lease = FakeCoordinator.grant(1).lease
            guard session == 2 else {
                dialogue.connection.send([.leases([FakeCoordinator.grant(1)])])
                #expect(try await dialogue.started() == [lease])
                return
            }
            #expect(offered == [lease])
            goOn.give()
            let reports = try await dialogue.reports()
            #expect(reports.map(\.result) == [.completed(.undone)])
            done.give()
            try await dialogue.serve()
        } body: { _ in
            await done.wait()
        }
    }

    @Test("a worker that is asked to stop finishes what runs and then ends")
    func drain() async throws {
        let (running, goOn, drained) = (Signal(), Signal(), Signal())
        let handler = ClosureHandler { _ in
            running.give()
            await goOn.wait()
            return .completed(.undone)
        }
        try await FakeCoordinator.run(handler: handler) { dialogue, _ in
            _ = try await dialogue.welcome()
            dialogue.connection.send([.leases([FakeCoordinator.grant(1)])])
            _ = try await dialogue.first { $0 == .draining ? true : nil }
            dialogue.connection.send([.leases([FakeCoordinator.grant(2)])])
            #expect(try await dialogue.reports().map(\.result) == [.released])
            dialogue.answer([AttemptReport(lease: FakeCoordinator.grant(2).lease, result: .released)])
            goOn.give()
            let reports = try await dialogue.reports()
            #expect(reports.map(\.result) == [.completed(.undone)])
            dialogue.answer(reports)
            #expect(try await dialogue.next() == nil, "it closes when all is answered")
            drained.give()
        } body: { worker in
            await running.wait()
            worker.drain()
            await drained.wait()
        }
    }

    @Test("a coordinator that falls silent loses the worker's trust: the task is cancelled")
    func distrust() async throws {
        let cancelled = Signal()
        let handler = ClosureHandler { _ in
            await Signal().wait()
            if Task.isCancelled { cancelled.give() }
            return .stopped(Failure(code: "cancelled", message: "x"))
        }
        try await FakeCoordinator.run(handler: handler) { dialogue, session in
            let offered = try await dialogue.welcome(ttl: Span(milliseconds: 300))
            #expect(offered == [], "a dropped lease is not offered")
            if session == 1 { dialogue.connection.send([.leases([FakeCoordinator.grant(1)])]) }
            while try await dialogue.next() != nil {}  // it hears heartbeats and does not answer
        } body: { _ in
            await cancelled.wait()
        }
    }

    @Test("an attempt that takes too long is cancelled and told as a timeout")
    func timeout() async throws {
        let done = Signal()
        let handler = ClosureHandler { _ in
            await Signal().wait()
            return .stopped(Failure(code: "cancelled", message: "x"))
        }
        try await FakeCoordinator.run(handler: handler) { dialogue, _ in
            _ = try await dialogue.welcome()
            dialogue.connection.send([.leases([FakeCoordinator.grant(1, timeout: Span(milliseconds: 30))])])
            guard case .stopped(let failure) = try await dialogue.reports().first?.result else {
                Issue.record("it was not stopped")
                return
            }
            #expect(failure.code == "timeout")
            done.give()
        } body: { _ in
            await done.wait()
        }
    }

    @Test("a task that does not heed its cancellation is reported for, but keeps its slot")
    func stubborn() async throws {
        let (goOn, done) = (Guarded(false), Signal())
        let handler = ClosureHandler { _ in
            while !goOn.withLock({ $0 }) { await Task.yield() }
            return .completed(.undone)
        }
        try await FakeCoordinator.run(slots: 1, handler: handler) { dialogue, _ in
            _ = try await dialogue.welcome()
            #expect(try await dialogue.credit() == 1)
            let grant = FakeCoordinator.grant(1)
            dialogue.connection.send([.leases([grant])])
            _ = try await dialogue.started()
            dialogue.connection.send([.cancel([grant.lease])])
            let frame = try await dialogue.first { frame -> WorkerFrame? in
                switch frame {
                case .credit, .reports: frame
                case .hello, .started, .heartbeat, .resume, .progress, .checkpoints, .draining: nil
                }
            }
            guard case .reports(let reports) = frame, case .stopped = reports.first?.result else {
                Issue.record("not reported: \(frame)")
                return
            }
            goOn.withLock { $0 = true }
            #expect(try await dialogue.credit() == 1)
            done.give()
        } body: { _ in
            await done.wait()
        }
    }

    @Test("work that this worker has no handler for fails by name, for good")
    func unknownHandler() async throws {
        let done = Signal()
        try await FakeCoordinator.run { dialogue, _ in
            _ = try await dialogue.welcome()
            dialogue.connection.send([.leases([FakeCoordinator.grant(1, handler: "exec")])])
            guard case .failed(let failure, nil) = try await dialogue.reports().first?.result else {
                Issue.record("it did not fail")
                return
            }
            #expect(failure.code == "unknownHandler")
            #expect(failure.message.contains("'exec'") && failure.message.contains("--allow-exec"))
            #expect(!failure.isRetryable)
            done.give()
        } body: { _ in
            await done.wait()
        }
    }

    @Test("progress reaches the coordinator")
    func progress() async throws {
        let done = Signal()
        try await FakeCoordinator.run(handler: Chatty()) { dialogue, _ in
            _ = try await dialogue.welcome()
            dialogue.connection.send([.leases([FakeCoordinator.grant(1)])])
            let line = try await dialogue.first { if case .progress(_, let line) = $0 { line } else { nil } }
            #expect(line == "half")
            done.give()
        } body: { _ in
            await done.wait()
        }
    }

    @Test("a wrong token ends the worker with the coordinator's reason")
    func unauthorized() async throws {
        let error = await #expect(throws: CanoError.self) {
            try await FakeCoordinator.run { dialogue, _ in
                dialogue.connection.refuse(CanoError(.unauthorized, "wrong token; set CANO_TOKEN"))
            } body: { _ in
                await Signal().wait()
            }
        }
        #expect(error?.code == .unauthorized)
        #expect(error?.message.contains("set CANO_TOKEN") == true)
    }

    @Test("garbage from a coordinator costs its connection and nothing else")
    func garbage() async throws {
        let connections = AsyncStream<Void>.makeStream()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                connections.continuation.yield()
                return channel.eventLoop.makeCompletedFuture {
                    _ = channel.eventLoop.scheduleTask(in: .milliseconds(1)) {
                        channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"), promise: nil)
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let port = try #require(server.localAddress?.port)
        let worker = Worker(
            configuration: WorkerConfiguration { $0.coordinators = ["127.0.0.1:\(port)"] },
            catalogue: WorkCatalogue(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup { group in
            group.addTask { try await worker.run() }
            var count = 0
            for await _ in connections.stream {
                count += 1
                if count == 3 { break }  // it came back twice
            }
            worker.drain()
            try await group.waitForAll()
        }
        try await server.close().get()
    }

    @Test("a configuration that cannot be is refused by name", arguments: ["localhost", "x:0", ":7227", "x:99999"])
    func configuration(address: String) async throws {
        let worker = Worker(
            configuration: WorkerConfiguration { $0.coordinators = [address] },
            catalogue: WorkCatalogue(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let error = await #expect(throws: CanoError.self) { try await worker.run() }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("'\(address)'") == true)
    }
}

/// Says how far it is, and goes on until it is cancelled.
private struct Chatty: WorkHandler {
    func perform(_ grant: LeaseGrant, _ task: TaskContext) async -> AttemptReport.Result {
        task.progress("half")
        await Signal().wait()
        return .stopped(Failure(code: "cancelled", message: "x"))
    }
}
