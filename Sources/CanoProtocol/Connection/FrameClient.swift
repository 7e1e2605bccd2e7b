// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
package import NIOCore
import NIOPosix

/// Opens connections of the wire.
package struct FrameClient<In: SessionFrame, Out: SessionFrame>: Sendable {
    /// How long to wait for a connection (default: 5 s).
    package var connectTimeout = Span.seconds(5)
    /// How long frames may be.
    package var limits = Limits()
    /// How much may wait to be sent.
    package var outboxLimits = OutboxLimits()
    /// Who does the reading and writing.
    package var group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

    /// A client with the defaults.
    package init() {}

    /// Connects and runs `body`; the connection closes when that returns or throws.
    ///
    /// Throws `unreachable` when nobody answers there in time, and what `body` throws.
    package func connect<Value: Sendable>(
        host: String,
        port: Int,
        _ body: @Sendable (FrameConnection<In, Out>) async throws -> Value
    ) async throws -> Value {
        let limits = self.limits
        let channel: FrameConnection<In, Out>.NIOChannel
        do {
            channel = try await ClientBootstrap(group: self.group)
                .connectTimeout(.milliseconds(self.connectTimeout.milliseconds))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try FrameConnection<In, Out>.wrap(channel, limits: limits)
                    }
                }
        } catch {
            throw CanoError(.unreachable, "nobody answers at \(host):\(port): \(error)", cause: error)
        }
        return try await FrameConnection<In, Out>
            .run(
                channel,
                limits: limits,
                outboxLimits: self.outboxLimits,
                body: body
            )
    }
}
