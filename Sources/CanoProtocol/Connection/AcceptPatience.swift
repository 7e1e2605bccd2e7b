// SPDX-License-Identifier: Apache-2.0 OR MIT

import NIOCore

/// Keeps a port open when a connection cannot be accepted: no descriptor or memory was left, or the peer went away.
///
/// Whatever closes the port for good closes its channel. What only passes by as an error would end the stream of
/// connections, and with it a coordinator that has all its work still to do; here it costs a pause.
final class AcceptPatience: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    static let pause = TimeAmount.milliseconds(100)

    private var isPausing = false
    private var isReadWanted = false

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !self.isPausing else { return }
        self.isPausing = true
        context.eventLoop.assumeIsolated()
            .scheduleTask(in: Self.pause) {
                self.isPausing = false
                if self.isReadWanted { context.read() }
                self.isReadWanted = false
            }
    }

    func read(context: ChannelHandlerContext) {
        if self.isPausing { self.isReadWanted = true } else { context.read() }
    }
}
