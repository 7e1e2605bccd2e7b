// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
import NIOCore

/// One connection of the wire: batches of frames in, a bounded outbox out.
///
/// It lives in the `body` that ``FrameServer`` or ``FrameClient`` runs: when that returns or throws, what still waits in
/// the outbox is written and the connection closes.
package struct FrameConnection<In: SessionFrame, Out: SessionFrame>: Sendable {
    /// The frames that arrive, in batches of those that arrived together; to be iterated once.
    ///
    /// It ends when the peer closes. It throws when the peer broke the protocol (the peer has then been told why), when
    /// the outbox overflowed and when the connection broke.
    package let inbound: FrameSequence<In, Out>
    /// Where the peer is, as `address:port`.
    package let peer: String

    private let outbox: Outbox<Out>
    private let channel: any Channel

    /// Puts frames into the outbox, in order, and returns at once; a writer sends all that waits with one flush.
    ///
    /// Returns false when the connection is closed already or the outbox overflowed, which closes it: ``inbound`` then
    /// ends with the reason.
    @discardableResult
    package func send(_ frames: [Out]) -> Bool {
        guard !frames.isEmpty else { return true }
        if self.outbox.put(frames) { return true }
        // A writer that waits for the peer to read would never notice.
        if self.outbox.failure != nil { self.channel.close(promise: nil) }
        return false
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

    typealias NIOChannel = NIOAsyncChannel<Arrival<In>, ByteBuffer>

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
        _ channel: NIOChannel,
        limits: Limits,
        outboxLimits: OutboxLimits,
        body: @Sendable (FrameConnection) async throws -> Value
    ) async throws -> Value {
        try await channel.executeThenClose { inbound, outbound in
            let outbox = Outbox<Out>(limits: outboxLimits)
            let connection = FrameConnection(
                inbound: FrameSequence(inbound: inbound, outbox: outbox),
                peer: channel.channel.remoteAddress.map(Self.text) ?? "unknown",
                outbox: outbox,
                channel: channel.channel
            )
            async let writing: Void = Self.write(from: outbox, to: outbound, of: channel.channel, limits: limits)
            let result: Result<Value, any Error>
            do {
                result = .success(try await body(connection))
            } catch {
                result = .failure(error)
            }
            // What is left is written, but a peer that does not read cannot hold us.
            outbox.finish()
            let deadline = channel.channel.eventLoop.scheduleTask(in: Self.closingTime) {
                channel.channel.close(promise: nil)
            }
            await writing
            deadline.cancel()
            return try result.get()
        }
    }

    private static var closingTime: TimeAmount { .seconds(5) }

    private static func write(
        from outbox: Outbox<Out>,
        to outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        of channel: any Channel,
        limits: Limits
    ) async {
        do {
            while true {
                switch try await outbox.drain() {
                case .frames(let frames):
                    var buffer = channel.allocator.buffer(capacity: 1024)
                    for frame in frames {
                        try FrameCodec.append(frame, to: &buffer, limit: limits.frameBytes)
                    }
                    try await outbound.write(buffer)
                case .finished(let refusal):
                    if let refusal { try await outbound.write(FrameCodec.refusal(refusal, limits: limits)) }
                    channel.close(promise: nil)
                    return
                }
            }
        } catch {
            let reason =
                error as? CanoError ?? CanoError(.shuttingDown, "the connection is broken: \(error)", cause: error)
            outbox.fail(reason)
            channel.close(promise: nil)
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
