// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import NIOCore
import NIOHTTP1
import NIOPosix

/// A server on a free port that gives one answer to everything and remembers what it was asked.
final class StubServer: Sendable {
    struct Request: Sendable {
        var method: String
        var uri: String
        var headers: HTTPHeaders
        var body: String
    }

    /// What it answers; `nil` for nothing at all, with the connection left open.
    struct Answer: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body = ""
    }

    private let channel: any Channel
    private let seen: Guarded<[Request]>

    private init(channel: any Channel, seen: Guarded<[Request]>) {
        self.channel = channel
        self.seen = seen
    }

    /// Runs `body` while the server answers.
    static func run<Value>(
        _ answer: Answer?,
        _ body: (StubServer) async throws -> Value
    ) async throws -> Value {
        let seen = Guarded<[Request]>([])
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Responder(answer: answer, seen: seen))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = StubServer(channel: channel, seen: seen)
        do {
            let value = try await body(server)
            try await channel.close().get()
            return value
        } catch {
            try? await channel.close().get()
            throw error
        }
    }

    var origin: String { "http://127.0.0.1:\(self.channel.localAddress?.port ?? 0)" }
    var requests: [Request] { self.seen.withLock { $0 } }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answer: Answer?
        private let seen: Guarded<[Request]>
        private var request: Request?

        init(answer: Answer?, seen: Guarded<[Request]>) {
            self.answer = answer
            self.seen = seen
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                self.request = Request(method: head.method.rawValue, uri: head.uri, headers: head.headers, body: "")
            case .body(let buffer): self.request?.body += String(buffer: buffer)
            case .end:
                if let request = self.request { self.seen.withLock { $0.append(request) } }
                self.respond(context)
            }
        }

        private func respond(_ context: ChannelHandlerContext) {
            guard let answer = self.answer else { return }
            var headers = HTTPHeaders(answer.headers)
            headers.replaceOrAdd(name: "Content-Length", value: String(answer.body.utf8.count))
            let status = HTTPResponseStatus(statusCode: answer.status)
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
