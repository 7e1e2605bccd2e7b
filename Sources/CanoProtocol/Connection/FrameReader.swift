// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import NIOCore

/// What arrived at once.
enum Arrival<Frame: SessionFrame>: Sendable {
    /// Whole frames, in order; those that nobody here knows are left out.
    case frames([Frame])
    /// The other side broke the protocol; nothing more is read.
    case violation(CanoError)
}

/// Cuts the stream of bytes into frames, and hands on at once what arrived at once.
///
/// It keeps no more than one incomplete frame, whose length was checked before any of its body was kept.
final class FrameReader<Frame: SessionFrame>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Arrival<Frame>

    private let limit: Int
    private var buffer = ByteBuffer()
    private var isBroken = false

    init(limit: Int) {
        self.limit = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isBroken else { return }
        var arrived = self.unwrapInboundIn(data)
        if self.buffer.readableBytes == 0 {
            self.buffer = arrived
        } else {
            self.buffer.writeBuffer(&arrived)
        }
        var frames: [Frame] = []
        do {
            while let body = try FrameCodec.nextBody(from: &self.buffer, limit: self.limit) {
                if let frame = try Frame.parse(body) { frames.append(frame) }
            }
        } catch {
            self.isBroken = true
            self.buffer = ByteBuffer()
            if !frames.isEmpty { context.fireChannelRead(self.wrapInboundOut(.frames(frames))) }
            context.fireChannelRead(self.wrapInboundOut(.violation(error)))
            return
        }
        // A drained buffer is given up, so that a burst does not keep its memory for the life of the connection.
        if self.buffer.readableBytes == 0 { self.buffer = ByteBuffer() } else { self.buffer.discardReadBytes() }
        if !frames.isEmpty { context.fireChannelRead(self.wrapInboundOut(.frames(frames))) }
    }
}
