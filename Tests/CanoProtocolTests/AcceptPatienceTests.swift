// SPDX-License-Identifier: Apache-2.0 OR MIT

import NIOCore
import NIOEmbedded
import Testing

@testable import CanoProtocol

@Suite("A port that cannot accept for a moment")
struct AcceptPatienceTests {
    private final class Reads: ChannelOutboundHandler {
        typealias OutboundIn = Never
        var count = 0

        func read(context: ChannelHandlerContext) {
            self.count += 1
            context.read()
        }
    }

    @Test("stays open, and asks again after a pause")
    func staysOpen() throws {
        let reads = Reads()
        let channel = EmbeddedChannel(handlers: [reads, AcceptPatience()])
        let before = reads.count
        channel.pipeline.fireErrorCaught(IOError(errnoCode: 24, reason: "accept"))
        try channel.throwIfErrorCaught()
        channel.read()
        channel.read()
        #expect(reads.count == before, "nothing is accepted while there is no room")
        channel.embeddedEventLoop.advanceTime(by: AcceptPatience.pause)
        #expect(reads.count == before + 1)
        channel.read()
        #expect(reads.count == before + 2)
        _ = try channel.finish()
    }
}
