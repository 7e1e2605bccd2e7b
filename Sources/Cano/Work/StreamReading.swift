// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One attempt at a stream: reads, works, flushes windows, and makes their cursors durable.
struct StreamReading<T: StreamTask>: Sendable {
    let task: T
    let rules: StreamRules
    let attempt: TaskContext

    /// How the attempt ended.
    enum End: Sendable {
        case ended(StreamEnd)
        /// It was asked to stop: the next attempt goes on from here (`nil`: from where this one began or the last
        /// durable window ended).
        case interrupted(Payload?)
    }

    private enum Signal: Sendable {
        case item(T.Source.Element)
        case windowIsOver
        case exhausted
        case failed(any Error)
        case interrupted
    }

    /// The items that were worked on since the last flush.
    private struct Window {
        var outputs: [T.ItemOutput] = []
        var cursor: T.Cursor?
    }

    func run(_ source: T.Source) async throws -> End {
        let inbox = Mailbox<Signal>()
        let turns = Mailbox<Void>()
        return try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { await Self.read(source, into: inbox, turns) }
                if case .time(let pause) = self.rules.window {
                    group.addTask { await Self.tick(every: pause, into: inbox) }
                }
                return try await self.consume(inbox, turns)
            }
        } onCancel: {
            inbox.post(.interrupted)
        }
    }

    /// Hands over one item at a time, so that a fast source waits for slow work.
    private static func read(_ source: T.Source, into inbox: Mailbox<Signal>, _ turns: Mailbox<Void>) async {
        do {
            for try await item in source {
                inbox.post(.item(item))
                guard await turns.next() != nil else { return }
            }
            inbox.post(.exhausted)
        } catch {
            inbox.post(.failed(error))
        }
    }

    private static func tick(every pause: Duration, into inbox: Mailbox<Signal>) async {
        let pause = max(pause, .milliseconds(1))
        while true {
            do { try await Task.sleep(for: pause) } catch { return }
            inbox.post(.windowIsOver)
        }
    }

    private func consume(_ inbox: Mailbox<Signal>, _ turns: Mailbox<Void>) async throws -> End {
        var window = Window()
        var failures = 0
        do {
            while let signals = await inbox.next() {
                // An interruption goes before everything else that has come.
                if signals.contains(where: { if case .interrupted = $0 { true } else { false } }) { break }
                for signal in signals {
                    if let end = try await self.hear(signal, &window, &failures) { return .ended(end) }
                    if case .item = signal { turns.post(()) }
                }
            }
        } catch  where Task.isCancelled {
            // Whatever was under way was stopped; the window is flushed with what is in it.
        }
        return try await self.drain(window)
    }

    private func hear(
        _ signal: Signal,
        _ window: inout Window,
        _ failures: inout Int
    ) async throws -> StreamEnd? {
        switch signal {
        case .item(let item):
            do {
                try await self.work(on: item, &window)
                failures = 0
            } catch {
                failures += 1
                if Task.isCancelled || !self.rules.errors.tolerates(failures) { throw error }
            }
            return self.isFull(window) ? try await self.flush(&window) : nil
        case .windowIsOver: return try await self.flush(&window)
        case .exhausted: return try await self.flush(&window) ?? .exhausted
        case .failed(let error): throw error
        case .interrupted: return nil
        }
    }

    private func work(on item: T.Source.Element, _ window: inout Window) async throws {
        let (output, cursor) = try await self.process(item)
        window.outputs.append(output)
        window.cursor = cursor
    }

    private func process(_ item: T.Source.Element) async throws -> (T.ItemOutput, T.Cursor) {
        guard let limit = self.rules.itemTimeout else { return try await self.task.process(item, self.attempt) }
        let (task, attempt) = (self.task, self.attempt)
        return try await withThrowingTaskGroup(of: (T.ItemOutput, T.Cursor)?.self) { group in
            group.addTask { try await task.process(item, attempt) }
            group.addTask {
                try await attempt.bound(by: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let done = try await group.next() ?? nil else {
                throw TaskFailure("the work on an item took longer than \(limit)", code: "timeout")
            }
            return done
        }
    }

    private func isFull(_ window: Window) -> Bool {
        guard case .count(let count) = self.rules.window else { return false }
        return window.outputs.count >= max(1, count)
    }

    /// Flushes a window that has anything in it, then makes its cursor durable.
    private func flush(_ window: inout Window) async throws -> StreamEnd? {
        guard !window.outputs.isEmpty else { return nil }
        let outputs = window.outputs
        // Flushed once: should the attempt end behind it, its report carries the cursor. A flush that heeds its
        // cancellation is not begun again by the drain: the next attempt repeats the window.
        window.outputs = []
        let cursor = window.cursor
        window.cursor = nil
        let answer = try await self.task.flush(outputs, self.attempt)
        window.cursor = cursor
        if let cursor = window.cursor {
            try await self.attempt.checkpoint(try Payload(encoding: cursor, what: "the cursor"))
        }
        window.cursor = nil
        return answer == .stop ? .stopped : nil
    }

    /// Flushes what was worked on; the report of the attempt carries its cursor.
    private func drain(_ window: Window) async throws -> End {
        let (task, attempt) = (self.task, self.attempt)
        let (outputs, cursor) = (window.outputs, window.cursor)
        // Unstructured: a new task is not cancelled with this one, and what it does is awaited.
        let drained = Task<Payload?, any Error> {
            do {
                if !outputs.isEmpty { _ = try await task.flush(outputs, attempt) }
            } catch {
                await task.interrupted(attempt)
                throw error
            }
            await task.interrupted(attempt)
            return try cursor.map { try Payload(encoding: $0, what: "the cursor") }
        }
        // Unstructured: ended with the drain; one that hangs must not hold up the end of the process.
        let limit = Task {
            try await attempt.bound(by: attempt.settleTime)
            drained.cancel()
        }
        defer { limit.cancel() }
        return .interrupted(try await drained.value)
    }
}
