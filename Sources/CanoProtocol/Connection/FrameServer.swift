// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
package import NIOCore
import NIOPosix

/// Listens for connections of the wire and gives each a child task.
package struct FrameServer<In: SessionFrame, Out: SessionFrame>: Sendable {
    /// Where to listen: a host name or address.
    package var host: String
    /// The port; 0 takes one that is free.
    package var port: Int
    /// How long frames may be.
    package var limits = Limits()
    /// How much may wait to be sent on one connection.
    package var outboxLimits = OutboxLimits()
    /// How many connections there may be at once (default: 4,096); a further one is refused.
    package var maximumConnections = 4096
    /// Who does the reading and writing.
    package var group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

    /// A server that will listen there.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Listens until the task is cancelled, then cancels the connections and waits for them.
    ///
    /// An error of one connection never ends the others.
    ///
    /// - Parameters:
    ///   - onBound: told once where the server listens, with the real port.
    ///   - onFailure: told why a connection ended, when that was an error; for logs.
    ///   - handle: runs for each connection; the connection closes when it returns or throws. A `CanoError` is told
    ///     to the peer as the refusal.
    /// - Throws: `unreachable` when the address cannot be listened on.
    package func run(
        onBound: @Sendable (_ host: String, _ port: Int) async -> Void,
        onFailure: @escaping @Sendable (_ peer: String, any Error) -> Void,
        handle: @escaping @Sendable (FrameConnection<In, Out>) async throws -> Void
    ) async throws {
        let limits = self.limits
        let server: NIOAsyncChannel<FrameConnection<In, Out>.NIOChannel, Never>
        do {
            server = try await ServerBootstrap(group: self.group)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptPatience())
                    }
                }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: self.host, port: self.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try FrameConnection<In, Out>.wrap(channel, limits: limits)
                    }
                }
        } catch {
            throw CanoError(
                .unreachable,
                "cannot listen on \(self.host):\(self.port): \(error); choose another address or stop who has it",
                cause: error
            )
        }
        try await server.executeThenClose { connections in
            await onBound(self.host, server.channel.localAddress?.port ?? self.port)
            try await self.serve(connections, onFailure: onFailure, handle: handle)
        }
    }

    private func serve(
        _ connections: NIOAsyncChannelInboundStream<FrameConnection<In, Out>.NIOChannel>,
        onFailure: @escaping @Sendable (String, any Error) -> Void,
        handle: @escaping @Sendable (FrameConnection<In, Out>) async throws -> Void
    ) async throws {
        let open = Guarded(0)
        try await withThrowingDiscardingTaskGroup { group in
            for try await channel in connections {
                let isWelcome = open.withLock { open -> Bool in
                    open += 1
                    return open <= self.maximumConnections
                }
                group.addTask {
                    defer { open.withLock { $0 -= 1 } }
                    let peer = channel.channel.remoteAddress?.description ?? "unknown"
                    do {
                        try await self.serve(channel, isWelcome: isWelcome, handle: handle)
                    } catch is CancellationError {
                        return
                    } catch {
                        onFailure(peer, error)
                    }
                }
            }
        }
    }

    private func serve(
        _ channel: FrameConnection<In, Out>.NIOChannel,
        isWelcome: Bool,
        handle: @escaping @Sendable (FrameConnection<In, Out>) async throws -> Void
    ) async throws {
        let maximum = self.maximumConnections
        typealias Connection = FrameConnection<In, Out>
        try await Connection.run(channel, limits: self.limits, outboxLimits: self.outboxLimits) { connection in
            do {
                guard isWelcome else {
                    let message = "all \(maximum) connections are taken; try another coordinator"
                    throw CanoError(.limitExceeded, message)
                }
                try await handle(connection)
            } catch let error as CanoError {
                connection.refuse(error)
                throw error
            }
        }
    }
}
