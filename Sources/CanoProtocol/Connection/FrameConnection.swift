// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
import NIOCore

/// One connection of the wire: batches of frames in, a bounded outbox out.
///
/// It lives in the `body` that ``FrameServer`` or ``FrameClient`` runs: when that returns or throws, what still waits
/// in the outbox is written and the connection closes.
package struct FrameConnection<In: SessionFrame, Out: SessionFrame>: Sendable {
    /// The frames that arrive, in batches of those that arrived together; to be iterated once.
    ///
    /// It ends when the peer closes. It throws when the peer broke the protocol (the peer has then been told why), when
    /// the outbox overflowed and when the connection broke.
    package let inbound: FrameSequence<In, Out>
    /// Where the peer is, as `address:port`.
    package let peer: String

    private let outbox: Outbox<Out>

    /// Puts frames into the outbox, in order, and returns at once; all that waits goes out with one flush.
    ///
    /// `flushed`, if given, is called once from another thread: with true when the operating system has the frames, so
    /// that a crash of this process cannot unsay them, with false when the connection broke before.
    ///
    /// Returns false when the connection is closed already or the outbox overflowed, which closes it: ``inbound`` then
    /// ends with the reason. `flushed` is not called then.
    @discardableResult
    package func send(_ frames: [Out], flushed: (@Sendable (Bool) -> Void)? = nil) -> Bool {
        self.outbox.put(frames, flushed: flushed)
    }

    /// Closes when what waits in the outbox is written; ``inbound`` then ends.
    package func close() {
        self.outbox.finish()
    }

    /// Tells the peer why, behind what waits in the outbox, and closes; ``inbound`` then ends.
    package func refuse(_ error: CanoError) {
        self.outbox.finish(refusal: error)
    }

    // MARK: Running

    typealias NIOChannel = NIOAsyncChannel<Arrival<In>, Never>

    /// Wraps a channel; called on its event loop while it is set up.
    static func wrap(_ channel: any Channel, limits: Limits) throws -> NIOChannel {
        try channel.pipeline.syncOperations.addHandler(FrameReader<In>(limit: limits.frameBytes))
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel,
            // An element is what one read brought. A few are enough to keep both sides busy.
            configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 4))
        )
    }

    /// Runs `body` on a wrapped channel and closes it behind.
    static func run<Value: Sendable>(
        _ asyncChannel: NIOChannel,
        limits: Limits,
        outboxLimits: OutboxLimits,
        body: @Sendable (FrameConnection) async throws -> Value
    ) async throws -> Value {
        try await asyncChannel.executeThenClose { inbound in
            let channel = asyncChannel.channel
            let outbox = Outbox<Out>(channel: channel, limits: limits, outboxLimits: outboxLimits)
            let connection = FrameConnection(
                inbound: FrameSequence(inbound: inbound, outbox: outbox),
                peer: channel.remoteAddress.map(Self.text) ?? "unknown",
                outbox: outbox
            )
            let result: Result<Value, any Error>
            do {
                result = .success(try await body(connection))
            } catch {
                result = .failure(error)
            }
            outbox.finish()
            await withCheckedContinuation { continuation in
                channel.closeFuture.whenComplete { _ in continuation.resume() }
            }
            outbox.fail(CanoError(.unreachable, "the connection is closed"))
            return try result.get()
        }
    }

    private static func text(_ address: SocketAddress) -> String {
        "\(address.ipAddress ?? "?"):\(address.port ?? 0)"
    }
}

/// The frames that arrive at a ``FrameConnection``, in batches of those that arrived together.
package struct FrameSequence<In: SessionFrame, Out: SessionFrame>: AsyncSequence, Sendable {
    package typealias Element = [In]

    fileprivate let inbound: NIOAsyncChannelInboundStream<Arrival<In>>
    fileprivate let outbox: Outbox<Out>

    package func makeAsyncIterator() -> Iterator {
        Iterator(inbound: self.inbound.makeAsyncIterator(), outbox: self.outbox)
    }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate var inbound: NIOAsyncChannelInboundStream<Arrival<In>>.AsyncIterator
        fileprivate let outbox: Outbox<Out>

        package mutating func next() async throws -> [In]? {
            try await self.next(isolation: #isolation)
        }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws -> [In]? {
            let arrival: Arrival<In>?
            do {
                arrival = try await self.inbound.next(isolation: actor)
            } catch {
                throw self.outbox.failure ?? error
            }
            switch arrival {
            case .frames(let frames): return frames
            case .violation(let error):
                self.outbox.finish(refusal: error)
                throw error
            case nil:
                if let failure = self.outbox.failure { throw failure }
                return nil
            }
        }
    }
}
