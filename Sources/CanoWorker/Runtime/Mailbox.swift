// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoProtocol

/// A connection as the worker sees it.
typealias Connection = FrameConnection<CoordinatorFrame, WorkerFrame>

/// What the tasks of a worker tell its loop.
final class Mailbox: Sendable {
    enum Item: Sendable {
        case event(WorkerMachine.Event)
        /// A connection to this coordinator is open.
        case opened(WorkerMachine.Link, Connection)
        /// The connection has ended, or there was none.
        case closed(WorkerMachine.Link, reason: String)
        /// It was said that these begin.
        case started([LeaseGrant])
        /// The worker is cancelled.
        case cancelled
    }

    private struct State {
        var items: [Item] = []
        /// The newest line of each task that said one.
        var progress: [LeaseRef: String] = [:]
        var reader: CheckedContinuation<Void, Never>?
        /// Who waits until the items are taken.
        var senders: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
    }

    private let state = Guarded(State())

    /// Puts something in and returns at once.
    func put(_ item: Item) {
        self.change { $0.items.append(item) }
    }

    /// Puts something in and waits until it is taken, so that who sends much is slowed down.
    func handOver(_ item: Item) async {
        await withCheckedContinuation { continuation in
            let isClosed = self.change { state in
                state.items.append(item)
                if !state.isClosed { state.senders.append(continuation) }
            }
            if isClosed { continuation.resume() }
        }
    }

    /// Notes how far a task is; only the newest line counts.
    func putProgress(_ lease: LeaseRef, _ line: String) {
        // A sign of life alone leaves the line that is still to be told.
        self.change { if !line.isEmpty || $0.progress[lease] == nil { $0.progress[lease] = line } }
    }

    /// Waits for something, and takes all that is there.
    func take() async -> [Item] {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = self.state.withLock { state -> Bool in
                    guard state.items.isEmpty, state.progress.isEmpty else { return true }
                    invariant(state.reader == nil, "a mailbox has one reader")
                    state.reader = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            self.put(.cancelled)
        }
        let (items, senders) = self.state.withLock { state -> ([Item], [CheckedContinuation<Void, Never>]) in
            defer {
                state.items = []
                state.progress = [:]
                state.senders = []
            }
            let progress = state.progress.map { Item.event(.progress($0.key, $0.value)) }
            return (progress + state.items, state.senders)
        }
        for sender in senders { sender.resume() }
        return items
    }

    /// Nobody reads any more: whoever waits goes on.
    func close() {
        let senders = self.state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.isClosed = true
            state.items = []
            defer { state.senders = [] }
            return state.senders
        }
        for sender in senders { sender.resume() }
    }

    /// Changes the state, wakes the reader, and tells whether the mailbox is closed.
    @discardableResult
    private func change(_ body: (inout State) -> Void) -> Bool {
        let (reader, isClosed) = self.state.withLock { state -> (CheckedContinuation<Void, Never>?, Bool) in
            body(&state)
            defer { state.reader = nil }
            return (state.reader, state.isClosed)
        }
        reader?.resume()
        return isClosed
    }
}
