// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Frames on their way out of one connection: bounded, filled from anywhere, drained by one writer.
final class Outbox<Frame: SessionFrame>: Sendable {
    /// What the writer has to do next.
    enum Drain: Sendable {
        /// Write these frames.
        case frames([Frame])
        /// Everything was written and nothing more will come; end with this refusal if there is one.
        case finished(refusal: CanoError?)
    }

    private enum Phase {
        case open
        /// No more frames are taken; those that wait are still written.
        case closing(refusal: CanoError?)
        /// Nothing is written any more.
        case failed(CanoError)
    }

    private struct State {
        var phase = Phase.open
        var frames: [Frame] = []
        var bytes = 0
        var writer: CheckedContinuation<Void, Never>?
    }

    private let limits: OutboxLimits
    private let state = Guarded(State())

    init(limits: OutboxLimits) {
        self.limits = limits
    }

    /// Why the outbox failed, if it did.
    var failure: CanoError? {
        self.state.withLock { state in
            if case .failed(let error) = state.phase { error } else { nil }
        }
    }

    /// Takes frames in.
    ///
    /// Returns false when that made the outbox overflow, or when it is closed already.
    func put(_ frames: [Frame]) -> Bool {
        let bytes = frames.reduce(0) { $0 + $1.estimatedBytes }
        let (isTaken, writer) = self.state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard case .open = state.phase else { return (false, nil) }
            state.frames.append(contentsOf: frames)
            state.bytes += bytes
            let writer = state.writer
            state.writer = nil
            guard state.frames.count <= self.limits.frames, state.bytes <= self.limits.bytes else {
                let error = CanoError(
                    .limitExceeded,
                    "\(state.frames.count) frames (\(state.bytes) bytes) wait for a peer that does not read; "
                        + "the connection closes"
                )
                state.phase = .failed(error)
                state.frames = []
                return (false, writer)
            }
            return (true, writer)
        }
        writer?.resume()
        return isTaken
    }

    /// Takes no more frames; what waits is still written, then the refusal.
    func finish(refusal: CanoError? = nil) {
        let writer = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .open = state.phase else { return nil }
            state.phase = .closing(refusal: refusal)
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume()
    }

    /// Gives up: nothing more is written.
    func fail(_ error: CanoError) {
        let writer = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            if case .failed = state.phase { return nil }
            state.phase = .failed(error)
            state.frames = []
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume()
    }

    /// Waits until there is something to write, and takes all of it.
    ///
    /// Throws when the outbox failed.
    func drain() async throws(CanoError) -> Drain {
        while true {
            if let drain = try self.take() { return drain }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = self.state.withLock { state -> Bool in
                        guard case .open = state.phase, state.frames.isEmpty else { return true }
                        invariant(state.writer == nil, "an outbox has one writer")
                        state.writer = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                self.fail(CanoError(.cancelled, "the connection was closed"))
            }
        }
    }

    private func take() throws(CanoError) -> Drain? {
        try self.state.withLock { state throws(CanoError) -> Drain? in
            if case .failed(let error) = state.phase { throw error }
            if !state.frames.isEmpty {
                let frames = state.frames
                state.frames = []
                state.bytes = 0
                return .frames(frames)
            }
            if case .closing(let refusal) = state.phase { return .finished(refusal: refusal) }
            return nil
        }
    }
}

/// How much may wait in the outbox of one connection.
package struct OutboxLimits: Hashable, Sendable {
    /// How many frames (default: 16,384).
    package var frames = 16 * 1024
    /// How many bytes, roughly (default: 64 MiB).
    package var bytes = 64 * 1024 * 1024

    /// The defaults.
    package init() {}

    /// The defaults, adjusted.
    package init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }
}
