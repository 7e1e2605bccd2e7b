// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import CanoTesting
import Testing

@Suite("Streams at their edges")
struct StreamEdgeTests {
    private static func memory() -> any RunStore { MemoryStore(clock: { TestClock.now() }) }

    /// The history of a run, and how its stream ended; `nil` when the run failed.
    private static func run(_ drip: Drip) async throws -> ([HistoryRow], String?) {
        let store = Self.memory()
        return try await EmbeddedRunner.run(drip, on: store) { runner in
            let run = try await runner.start(Drip.self, context: .init())
            let result = try? await run.outcome()
            return (try await store.history(of: run.id, after: 0, limit: 1_000), result?.context.ended)
        }
    }

    private static func cursors(_ rows: [HistoryRow]) -> [Payload] {
        rows.filter { $0.kind == .checkpoint }.compactMap { $0.payload }
    }

    private static let context = LeaseGrant.Input.task(context: .json(#"{"ended":""}"#), branches: nil)

    /// What an attempt reports that is asked to stop behind its second number.
    private static func stopped(
        limits: Limits = Limits(),
        flushes: @escaping @Sendable ([Int]) async throws -> WindowAnswer
    ) async throws -> (AttemptReport.Result, [String]) {
        let worked = Ledger()
        let drip = Drip(
            numbers: 2,
            isEndless: true,
            window: .count(3),
            works: { number, _ in worked.add("\(number)") },
            flushes: flushes
        )
        let result = try await withThrowingTaskGroup(of: AttemptReport.Result.self) { group in
            group.addTask { try await Bench(drip, limits: limits).perform("drip", Self.context) }
            while worked.all.count < 2 { try await Task.sleep(for: .milliseconds(1)) }
            group.cancelAll()
            return try #require(try await group.next())
        }
        return (result, drip.ledger.all)
    }

    // MARK: Ends

    @Test("a source of whole windows is flushed once for each, an empty one never; both are closed", arguments: [0, 4])
    func wholeWindows(numbers: Int) async throws {
        let drip = Drip(numbers: numbers)
        let (rows, ended) = try await Self.run(drip)
        let flushes: [String] = numbers == 0 ? [] : ["flush [1, 2]", "flush [3, 4]"]
        let cursors: [Payload] = numbers == 0 ? [] : [.json("2"), .json("4")]
        #expect(ended == "exhausted")
        #expect(drip.ledger.all == ["open 0"] + flushes)
        #expect(Self.cursors(rows) == cursors)
    }

    @Test("the last window may stop the stream, and so may a window of time")
    func stop() async throws {
        let last = Drip(numbers: 3, flushes: { $0 == [3] ? .stop : .more })
        #expect(try await Self.run(last).1 == "stopped")
        let timed = Drip(numbers: 1, isEndless: true, window: .time(.milliseconds(2)), flushes: { _ in .stop })
        #expect(try await Self.run(timed).1 == "stopped")
    }

    @Test("what closing throws fails the attempt; the windows before stay")
    func closing() async throws {
        let drip = Drip(numbers: 2, closes: { if $0.attempt == 1 { throw TaskFailure("not yet") } })
        let (rows, ended) = try await Self.run(drip)
        #expect(ended == "exhausted")
        #expect(drip.ledger.all == ["open 0", "flush [1, 2]", "open 2"])
        #expect(rows.filter { $0.kind == .attemptFailed }.count == 1)
    }

    // MARK: Windows of time

    @Test("a window of no time is one of a millisecond")
    func noTime() async throws {
        let drip = Drip(numbers: 3, window: .time(.zero))
        #expect(try await Self.run(drip).1 == "exhausted")
        #expect(drip.ledger.all.dropFirst().joined().contains("3"))
    }

    @Test("a window of time without items is not flushed, nor is it when the attempt stops")
    func idle() async throws {
        let drip = Drip(isEndless: true, window: .time(.milliseconds(2)))
        try await EmbeddedRunner.run(drip, on: Self.memory()) { runner in
            let run = try await runner.start(Drip.self, context: .init())
            while drip.ledger.all.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            try await Task.sleep(for: .milliseconds(20))
            try await run.cancel()
            while !drip.ledger.all.contains("interrupted") { try await Task.sleep(for: .milliseconds(1)) }
        }
        #expect(drip.ledger.all == ["open 0", "interrupted"])
    }

    // MARK: Items that fail

    @Test("an item that fails gives its window up, and the next attempt takes it again behind the last durable one")
    func fail() async throws {
        let drip = Drip(
            numbers: 4,
            works: { number, task in if number == 4, task.attempt == 1 { throw TaskFailure("no fours") } }
        )
        let (rows, ended) = try await Self.run(drip)
        #expect(ended == "exhausted")
        #expect(drip.ledger.all == ["open 0", "flush [1, 2]", "open 2", "flush [3, 4]"])
        #expect(Self.cursors(rows) == [.json("2"), .json("4")])
    }

    @Test("items that are left out leave no cursor")
    func skip() async throws {
        let drip = Drip(
            numbers: 4,
            errors: .skip,
            works: { number, _ in if number == 4 { throw TaskFailure("no fours") } }
        )
        let (rows, ended) = try await Self.run(drip)
        #expect(ended == "exhausted")
        #expect(Self.cursors(rows) == [.json("2"), .json("3")])
    }

    @Test("so many failures in a row are put up with, and a success begins the count anew; none is no tolerance")
    func consecutive() async throws {
        let evens = Drip(
            numbers: 7,
            errors: .consecutive(1),
            works: { number, _ in if number.isMultiple(of: 2) { throw TaskFailure("odd ones only") } }
        )
        #expect(try await Self.run(evens).1 == "exhausted")
        #expect(evens.ledger.all == ["open 0", "flush [1, 3]", "flush [5, 7]"])
        let two = Drip(
            numbers: 5,
            errors: .consecutive(1),
            works: { number, _ in if number == 2 || number == 3 { throw TaskFailure("two in a row") } }
        )
        #expect(try await Self.run(two).1 == nil)
        #expect(two.ledger.all == ["open 0", "open 0", "open 0"], "its window is given up each time")
        #expect(StreamErrors.consecutive(0) == .fail)
    }

    @Test("an item that hangs is ended by the heartbeat of its attempt; the windows before it stay")
    func hangingItem() async throws {
        let drip = Drip(
            numbers: 4,
            heartbeat: .seconds(60),
            works: { number, task in
                if number == 3, task.attempt == 1 { try await task.clock.sleep(for: .seconds(3_600)) }
            }
        )
        let rows = try await Self.virtually(drip)
        #expect(rows.filter { $0.kind == .attemptLost }.map(\.reason) == ["heartbeatMissed"])
        #expect(drip.ledger.all == ["open 0", "flush [1, 2]", "interrupted", "open 2", "flush [3, 4]"])
    }

    @Test("an item that takes longer than its time cannot be worked on: it is left out, or fails the attempt")
    func lateItem() async throws {
        for (errors, expected) in [
            (StreamErrors.skip, ["open 0", "flush [1, 2]", "flush [4]"]),
            (.fail, ["open 0", "flush [1, 2]", "open 2", "flush [3, 4]"]),
        ] {
            let drip = Drip(
                numbers: 4,
                errors: errors,
                itemTimeout: .seconds(60),
                works: { number, task in
                    if number == 3, task.attempt == 1 { try await task.clock.sleep(for: .seconds(3_600)) }
                }
            )
            let rows = try await Self.virtually(drip)
            #expect(drip.ledger.all == expected)
            #expect(rows.filter { $0.kind == .attemptFailed }.map(\.reason) == (errors == .fail ? ["timeout"] : []))
        }
    }

    /// Runs a stream to its end in a time that costs none; returns its history.
    private static func virtually(_ drip: Drip) async throws -> [HistoryRow] {
        let clock = VirtualClock()
        var configuration = EmbeddedRunner.Configuration()
        configuration.clock = clock
        let store = MemoryStore(clock: clock.storeTime)
        return try await EmbeddedRunner.run(drip, on: store, configuration: configuration) { runner in
            let run = try await runner.start(Drip.self, context: .init())
            _ = try await run.outcome()
            return await store.history(of: run.id, after: 0, limit: 1_000)
        }
    }

    // MARK: Stops

    @Test("an attempt that is asked to stop flushes its window, whatever that answers, and reports the cursor")
    func interrupted() async throws {
        let (result, ledger) = try await Self.stopped { _ in .stop }
        #expect(result == .completed(.again(cursor: .json("2"), after: nil)))
        #expect(ledger == ["open 0", "flush [1, 2]", "interrupted"])
    }

    @Test("a window that cannot be flushed when the attempt stops fails it, and leaves no cursor")
    func failedDrain() async throws {
        let (result, ledger) = try await Self.stopped { _ in throw TaskFailure("the disk is full") }
        #expect(result == .failed(Failure(code: "taskFailed", message: "the disk is full"), retryAfter: nil))
        #expect(ledger == ["open 0", "flush [1, 2]", "interrupted"])
    }

    @Test("a last flush that hangs is cancelled when the time to settle is up, and leaves no cursor")
    func hangingDrain() async throws {
        let limits = Limits { $0.settleTime = Span(milliseconds: 20) }
        let (result, ledger) = try await Self.stopped(limits: limits) { _ in
            try await Task.sleep(for: .seconds(3_600))
            return .more
        }
        guard case .stopped = result else {
            Issue.record("\(result)")
            return
        }
        #expect(ledger == ["open 0", "flush [1, 2]", "interrupted"])
    }

    @Test("a cancel while the source is being opened ends the attempt, with nothing to flush")
    func cancelledWhileOpening() async throws {
        let gate = Gate()
        let drip = Drip(numbers: 2, opens: { _ in try await gate.pass() })
        try await EmbeddedRunner.run(drip, on: Self.memory()) { runner in
            let run = try await runner.start(Drip.self, context: .init())
            await gate.reached()
            try await run.cancel()
            let error = await #expect(throws: CanoError.self) { try await run.outcome() }
            #expect(error?.code == .cancelled)
        }
        #expect(drip.ledger.all == ["open 0"])
    }

    // MARK: Cursors

    @Test("a cursor that is too large fails the stream by name, and is not tried again")
    func largeCursor() async throws {
        var configuration = EmbeddedRunner.Configuration()
        configuration.limits.payloadBytes = 12
        let drip = Drip(numbers: 2, cursorScale: 1_000_000_000_000)
        let error = try await EmbeddedRunner.run(drip, on: Self.memory(), configuration: configuration) { runner in
            let run = try await runner.start(Drip.self, context: .init(ended: ""))
            return await #expect(throws: CanoError.self) { try await run.outcome() }
        }
        #expect(error?.message.contains("limitExceeded: the cursor of state 'drip' has 13 bytes") == true)
        #expect(drip.ledger.all == ["open 0", "flush [1, 2]"])
    }

    @Test("a cursor that does not fit its type fails by name and is not tried again, in a stream and in steps")
    func cursorMisfit() async throws {
        let cursor = Payload.json(#"{"a":1}"#)
        let rows = LeaseGrant.Input.task(context: .json(#"{"rows":4,"imported":[]}"#), branches: nil)
        let results = [
            try await Bench(Drip()).perform("drip", Self.context, cursor: cursor),
            try await Bench(Import(ledger: Ledger())).perform("rows", rows, cursor: cursor),
        ]
        for result in results {
            guard case .failed(let failure, nil) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(failure.code == "invalidInput" && !failure.isRetryable)
            #expect(failure.message.hasPrefix("the cursor cannot be read as"))
        }
    }
}
