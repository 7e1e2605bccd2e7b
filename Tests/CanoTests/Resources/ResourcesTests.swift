// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Testing

@Suite("Resources")
struct ResourcesTests {
    struct Broken: Error {}

    /// What happened, in order.
    final class Diary: Sendable {
        private let lines = Guarded<[String]>([])
        func note(_ line: String) { self.lines.withLock { $0.append(line) } }
        var all: [String] { self.lines.withLock { $0 } }
    }

    struct Part: Resource {
        let name: String
        let diary: Diary
        var failsUp = false
        var failsDown = false
        var state: Health = .healthy

        func setUp() async throws {
            self.diary.note("+\(self.name)")
            if self.failsUp { throw Broken() }
        }

        func tearDown() async throws {
            try Task.checkCancellation()
            self.diary.note("-\(self.name)")
            if self.failsDown { throw Broken() }
        }

        func health() async throws -> Health { self.state }
    }

    @Test("set up in order, torn down in reverse, whether the scope returns, throws or is cancelled")
    func order() async throws {
        for ending in 0..<3 {
            let diary = Diary()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try? await Resources.with { resources in
                        let first = try await resources.open(Part(name: "a", diary: diary), named: "a")
                        try await resources.open(Part(name: "b", diary: first.diary), named: "b")
                        let text = try await resources.open("c", "value") { diary.note("-\($0)") }
                        #expect(text == "value")
                        if ending == 1 { throw Broken() }
                        if ending == 2 { try await Task.sleep(for: .seconds(3600)) }
                    }
                }
                if ending == 2 {
                    while diary.all.count < 2 { await Task.yield() }
                    group.cancelAll()
                }
            }
            #expect(diary.all == ["+a", "+b", "-value", "-b", "-a"], "ending \(ending)")
        }
    }

    @Test("one that cannot be set up is not torn down; those before it are, and every failure is told")
    func failedSetUp() async throws {
        let diary = Diary()
        let error = await #expect(throws: ResourceError.self) {
            try await Resources.with { resources in
                try await resources.open(Part(name: "a", diary: diary, failsDown: true), named: "a")
                try await resources.open(Part(name: "b", diary: diary), named: "b")
                try await resources.open(Part(name: "c", diary: diary, failsUp: true), named: "c")
            }
        }
        #expect(diary.all == ["+a", "+b", "+c", "-b", "-a"])
        #expect(error?.resource == "c")
        #expect(error?.cause is Broken)
        #expect(error?.tearDownFailures.map(\.resource) == ["a"])
        #expect(error?.description.contains("'c' cannot be set up") ?? false)
        #expect(error?.description.contains("'a'") ?? false)
    }

    @Test("a resource that cannot be torn down stops neither the others nor what the scope returns")
    func failedTearDown() async throws {
        let diary = Diary()
        let value = try await Resources.with { resources in
            try await resources.open(Part(name: "a", diary: diary), named: "a")
            try await resources.open(Part(name: "b", diary: diary, failsDown: true), named: "b")
            return 7
        }
        #expect(value == 7)
        #expect(diary.all == ["+a", "+b", "-b", "-a"])
    }

    @Test("a name is given once, and not behind the end of the scope")
    func names() async throws {
        let diary = Diary()
        let leaked = try await Resources.with { resources in
            try await resources.open(Part(name: "a", diary: diary))
            await #expect(throws: ResourceError.self) { try await resources.open(Part(name: "b", diary: diary)) }
            return resources
        }
        await #expect(throws: ResourceError.self) { try await leaked.open(Part(name: "c", diary: diary), named: "c") }
        #expect(diary.all == ["+a", "-a"])
    }

    @Test("tearing down that takes too long is cancelled and told, and the others go on")
    func slowTearDown() async throws {
        let clock = ManualClock()
        let diary = Diary()
        let configuration = Resources.Configuration { $0.clock = ResilienceClock(clock) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await Resources.with(configuration: configuration) { resources in
                    try await resources.open(Part(name: "a", diary: diary), named: "a")
                    _ = try await resources.open("b", 1) { _ in
                        do { try await Task.sleep(for: .seconds(3600)) } catch { diary.note("b was cancelled") }
                    }
                }
            }
            await clock.whenSleeping()
            clock.advance(by: .seconds(30))
            try await group.waitForAll()
        }
        #expect(diary.all == ["+a", "b was cancelled", "-a"])
    }

    @Test("the worst health counts, with its culprits; nothing is healthy")
    func health() async throws {
        let diary = Diary()
        try await Resources.with { resources in
            #expect(await resources.health().overall == .healthy)
            try await resources.open(Part(name: "a", diary: diary), named: "a")
            #expect(await resources.health().overall == .healthy)
            try await resources.open(Part(name: "b", diary: diary, state: .degraded("slow")), named: "b")
            #expect(await resources.health().overall == .degraded("b: slow"))
            try await resources.open(Part(name: "c", diary: diary, state: .unhealthy("gone")), named: "c")
            _ = try await resources.open("d", 1, tearDown: { _ in }, health: { _ in throw Broken() })
            let report = await resources.health()
            #expect(report.overall == .unhealthy("c: gone; d: Broken()"))
            #expect(report.entries.map(\.resource) == ["a", "b", "c", "d"])
        }
    }

    @Test("a check that hangs makes its resource unhealthy, holds up nobody, and is not begun twice")
    func hangingCheck() async throws {
        let clock = ManualClock()
        let begun = Guarded(0)
        let configuration = Resources.Configuration { $0.clock = ResilienceClock(clock) }
        try await Resources.with(configuration: configuration) { resources in
            let gate = Mailbox<Void>()
            _ = try await resources.open("slow", 1, tearDown: { _ in }) { _ in
                begun.withLock { $0 += 1 }
                // Deaf to cancellation.
                await Uncancelled.run { _ = await gate.next() }
                return .healthy
            }
            let report = try await withThrowingTaskGroup(of: HealthReport.self) { group in
                group.addTask { await resources.health() }
                await clock.whenSleeping()
                clock.advance(by: .seconds(2))
                return try await group.next()
            }
            #expect(report?.overall == .unhealthy("slow: no answer within 2.0 seconds"))
            #expect(await resources.health().overall == .unhealthy("slow: its last check has not ended yet"))
            #expect(begun.withLock { $0 } == 1)
            gate.post(())
        }
    }

    @Test("a service runs beside the scope, is stopped in its turn, and is missed when it ends")
    func services() async throws {
        let diary = Diary()
        try await Resources.with { resources in
            try await resources.open(Part(name: "a", diary: diary), named: "a")
            try await resources.run("loop") {
                diary.note("runs")
                do { try await Task.sleep(for: .seconds(3600)) } catch { diary.note("stops") }
            }
            try await resources.open(Part(name: "b", diary: diary), named: "b")
            while !diary.all.contains("runs") { await Task.yield() }
            #expect(await resources.health().overall == .healthy)
            try await resources.run("short") { throw Broken() }
            while await resources.health().overall == .healthy { await Task.yield() }
            #expect(await resources.health().overall == .unhealthy("short: the service has failed: Broken()"))
        }
        #expect(diary.all.filter { $0 != "runs" } == ["+a", "+b", "-b", "stops", "-a"])
    }
}
