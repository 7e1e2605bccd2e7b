// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import NIOCore

/// Frames on their way out of one connection: bounded, filled from anywhere, written by the channel's event loop.
///
/// One write is under way at a time. What comes meanwhile waits here and goes out together with the next one.
final class Outbox<Frame: SessionFrame>: Sendable {
    /// Told whether the frames it came with are in the hands of the operating system.
    typealias Flushed = @Sendable (Bool) -> Void

    private enum Phase {
        case open
        /// No more frames are taken; those that wait are still written, then the refusal, then the channel closes.
        case closing(refusal: CanoError?)
        /// Nothing is written any more, for this reason.
        case failed(CanoError)
    }

    private struct State {
        var phase = Phase.open
        var frames: [Frame] = []
        var bytes = 0
        var flushed: [Flushed] = []
        var isWriting = false
    }

    private enum Answer { case taken, mustWrite, refused, overflow }

    /// What the event loop does next.
    private enum Step {
        case write([Frame], [Flushed])
        case rest
        case end(refusal: CanoError?)
    }

    private let channel: any Channel
    private let limits: OutboxLimits
    private let frameBytes: Int
    private let messageCharacters: Int
    private let state = Guarded(State())

    init(channel: any Channel, limits: Limits, outboxLimits: OutboxLimits) {
        self.channel = channel
        self.limits = outboxLimits
        self.frameBytes = limits.frameBytes
        self.messageCharacters = limits.messageCharacters
    }

    /// Why the outbox failed, if it did.
    var failure: CanoError? {
        self.state.withLock { state in
            if case .failed(let error) = state.phase { error } else { nil }
        }
    }

    /// Takes frames in.
    ///
    /// Returns false when that made the outbox overflow, or when it is closed already; `flushed` is then not called.
    func put(_ frames: [Frame], flushed: Flushed?) -> Bool {
        let bytes = frames.reduce(0) { $0 + $1.estimatedBytes }
        let answer = self.state.withLock { state -> Answer in
            guard case .open = state.phase else { return .refused }
            let count = state.frames.count + frames.count
            guard count <= self.limits.frames, state.bytes + bytes <= self.limits.bytes else { return .overflow }
            state.frames.append(contentsOf: frames)
            state.bytes += bytes
            if let flushed { state.flushed.append(flushed) }
            defer { state.isWriting = true }
            return state.isWriting ? .taken : .mustWrite
        }
        switch answer {
        case .taken: return true
        case .mustWrite:
            self.channel.eventLoop.execute { self.writeNext() }
            return true
        case .refused: return false
        case .overflow:
            let error = CanoError(
                .limitExceeded,
                "the outbox of \(self.limits.frames) frames or \(self.limits.bytes) bytes is full: "
                    + "the peer does not read; the connection closes"
            )
            self.fail(error)
            return false
        }
    }

    /// Takes no more frames; what waits is still written, then the refusal, then the channel closes.
    func finish(refusal: CanoError? = nil) {
        let mustWrite = self.state.withLock { state -> Bool in
            guard case .open = state.phase else { return false }
            state.phase = .closing(refusal: refusal)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustWrite { self.channel.eventLoop.execute { self.writeNext() } }
        // What is left is written, but a peer that does not read cannot hold us.
        let channel = self.channel
        channel.eventLoop.scheduleTask(in: Self.closingTime) { channel.close(promise: nil) }
    }

    private static var closingTime: TimeAmount { .seconds(5) }

    /// Gives up: nothing more is written, and the channel closes.
    func fail(_ error: CanoError) {
        let flushed = self.state.withLock { state -> [Flushed] in
            if case .failed = state.phase { return [] }
            state.phase = .failed(error)
            state.frames = []
            defer { state.flushed = [] }
            return state.flushed
        }
        for each in flushed { each(false) }
        self.channel.close(promise: nil)
    }

    // MARK: On the event loop

    private func writeNext() {
        switch self.nextStep() {
        case .rest: return
        case .end(let refusal):
            guard let refusal else { return self.channel.close(promise: nil) }
            let frame = FrameCodec.refusal(refusal, messageCharacters: self.messageCharacters)
            self.channel.writeAndFlush(frame).whenComplete { _ in self.channel.close(promise: nil) }
        case .write(let frames, let flushed):
            var buffer = self.channel.allocator.buffer(capacity: 1024)
            do {
                for frame in frames { try FrameCodec.append(frame, to: &buffer, limit: self.frameBytes) }
            } catch {
                for each in flushed { each(false) }
                return self.fail(error)
            }
            self.channel.writeAndFlush(buffer)
                .whenComplete { result in
                    switch result {
                    case .success:
                        for each in flushed { each(true) }
                        self.writeNext()
                    case .failure(let error):
                        for each in flushed { each(false) }
                        self.fail(CanoError(.unreachable, "the connection is broken: \(error)", cause: error))
                    }
                }
        }
    }

    private func nextStep() -> Step {
        self.state.withLock { state -> Step in
            invariant(state.isWriting, "only the writer takes frames")
            if case .failed = state.phase { return .rest }
            if !state.frames.isEmpty {
                defer {
                    state.frames = []
                    state.bytes = 0
                    state.flushed = []
                }
                return .write(state.frames, state.flushed)
            }
            if case .closing(let refusal) = state.phase { return .end(refusal: refusal) }
            state.isWriting = false
            return .rest
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
