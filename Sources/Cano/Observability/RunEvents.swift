// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule

/// The events of a runner as a sequence, with a bounded buffer between.
///
/// ```swift
/// let events = RunEvents(capacity: 1024)
/// configuration.observers.append(events)
/// …
/// for await event in events { print(event) }
/// ```
///
/// A reader that is too slow loses the oldest events, never holds up a run; ``dropped`` counts them. It has one
/// reader; the sequence ends when the runner has closed and everything was read, or the reader's task is cancelled.
public final class RunEvents: RunObserver, AsyncSequence {
    private struct State {
        var events = Deque<RunEvent>()
        var dropped = 0
        var isClosed = false
    }

    /// How many events wait at most.
    public let capacity: Int
    private let state = Guarded(State())
    private let bell = Mailbox<Void>()

    /// An empty buffer.
    ///
    /// - Parameter capacity: how many events wait at most (default: 1,024); at least 1.
    public init(capacity: Int = 1024) {
        self.capacity = Swift.max(1, capacity)
    }

    /// How many events were lost because the reader was too slow.
    public var dropped: Int { self.state.withLock { $0.dropped } }

    /// Takes an event in.
    public func observe(_ event: RunEvent) {
        let wasEmpty = self.state.withLock { state in
            let wasEmpty = state.events.isEmpty
            if state.events.count >= self.capacity {
                state.events.removeFirst()
                state.dropped += 1
            }
            state.events.append(event)
            return wasEmpty
        }
        if wasEmpty { self.bell.post(()) }
    }

    /// Nothing follows; what is here is still handed out.
    public func closed() {
        self.state.withLock { $0.isClosed = true }
        self.bell.close()
    }

    /// The reader.
    public func makeAsyncIterator() -> Iterator {
        Iterator(events: self)
    }

    /// Reads the events.
    public struct Iterator: AsyncIteratorProtocol {
        let events: RunEvents

        /// The next event; `nil` when there will be none.
        public mutating func next() async -> RunEvent? {
            while true {
                let (event, isClosed) = self.events.state.withLock { ($0.events.popFirst(), $0.isClosed) }
                if let event { return event }
                if isClosed || Task.isCancelled { return nil }
                _ = await self.events.bell.next()
            }
        }
    }
}
