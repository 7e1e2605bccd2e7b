// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoProtocol
import NIOCore
import NIOPosix
import Testing

@Suite("Frame connections", .timeLimit(.minutes(1)))
struct FrameConnectionTests {
    typealias Server = FrameServer<WorkerFrame, CoordinatorFrame>
    typealias Client = FrameClient<CoordinatorFrame, WorkerFrame>

    @Test("frames arrive in order, both ways")
    func bothWays() async throws {
        try await Self.withServer { connection in
            for try await frames in connection.inbound {
                for case .heartbeat(let number) in frames { connection.send([.heartbeat(number)]) }
            }
        } client: { port, _ in
            let heard = try await Client()
                .connect(host: "127.0.0.1", port: port) { connection in
                    connection.send((0..<1000).map { .heartbeat($0) })
                    var heard: [Int64] = []
                    for try await frames in connection.inbound {
                        for case .heartbeat(let number) in frames { heard.append(number) }
                        if heard.count == 1000 { break }
                    }
                    return heard
                }
            #expect(heard == Array(0..<1000))
        }
    }

    @Test("what was sent before closing arrives")
    func closing() async throws {
        try await Self.withServer { connection in
            connection.send((0..<500).map { .heartbeat($0) })
        } client: { port, _ in
            let count = try await Client()
                .connect(host: "127.0.0.1", port: port) { connection in
                    var count = 0
                    for try await frames in connection.inbound { count += frames.count }
                    return count
                }
            #expect(count == 500)
        }
    }

    @Test("a flush is confirmed, and a broken connection confirms nothing")
    func flushed() async throws {
        try await Self.withServer { connection in
            for try await _ in connection.inbound { return }
        } client: { port, _ in
            try await Client()
                .connect(host: "127.0.0.1", port: port) { connection in
                    let isFlushed = await withCheckedContinuation { continuation in
                        let isTaken = connection.send([.heartbeat(1)]) { continuation.resume(returning: $0) }
                        #expect(isTaken)
                    }
                    #expect(isFlushed)
                    for try await _ in connection.inbound {}
                    connection.close()
                    #expect(!connection.send([.heartbeat(2)]) { _ in Issue.record("nothing was taken") })
                }
        }
    }

    @Test(
        "bytes that are no frame get a reason, and the server lives on",
        arguments: [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), [0, 0, 0, 0], [0, 0, 0, 3, 0xFF, 0xFF, 0xFF],
            [0xFF, 0xFF, 0xFF, 0xFF],
        ]
    )
    func garbage(bytes: [UInt8]) async throws {
        try await Self.withServer { connection in
            for try await _ in connection.inbound {}
        } client: { port, failures in
            let answer = try await Self.exchange([bytes], port: port)
            var buffer = ByteBuffer(bytes: answer)
            let body = try #require(try FrameCodec.nextBody(from: &buffer, limit: 1 << 20))
            guard case .refused(let code, _) = try CoordinatorFrame.parse(body) else {
                Issue.record("no refusal in \(answer)")
                return
            }
            #expect(code == "protocolViolation")
            try await failures.wait { $0.count == 1 }
            // The server still answers.
            try await Client().connect(host: "127.0.0.1", port: port) { #expect($0.send([.draining])) }
        }
    }

    @Test("a frame that comes byte by byte is read")
    func slow() async throws {
        try await Self.withServer { connection in
            for try await frames in connection.inbound {
                if frames == [.heartbeat(7)] { connection.send([.heartbeat(7)]) }
                return
            }
        } client: { port, _ in
            var buffer = ByteBuffer()
            try FrameCodec.append(WorkerFrame.heartbeat(7), to: &buffer, limit: 100)
            let answer = try await Self.exchange(buffer.readableBytesView.map { [$0] }, port: port)
            #expect(answer == [UInt8](buffer.readableBytesView))
        }
    }

    @Test("an outbox that overflows closes the connection and says why")
    func overflow() async throws {
        let reason = Guarded<CanoError?>(nil)
        try await Self.withServer(outbox: OutboxLimits { $0.frames = 100 }) { connection in
            while connection.send([.refused(code: "x", message: String(repeating: "x", count: 100_000))]) {
                // The peer does not read, so the kernel's buffers fill up and then the outbox does.
                await Task.yield()
            }
            do {
                for try await _ in connection.inbound {}
            } catch let error as CanoError {
                reason.withLock { $0 = error }
            }
        } client: { port, _ in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.autoRead, value: false)
                .connect(host: "127.0.0.1", port: port)
                .get()
            try await Self.poll { reason.withLock { $0?.code } == .limitExceeded }
            try await channel.close().get()
        }
    }

    @Test("one connection too many is refused")
    func tooMany() async throws {
        try await Self.withServer(maximumConnections: 1) { connection in
            connection.send([.heartbeat(1)])
            for try await _ in connection.inbound {}
        } client: { port, _ in
            try await Self.connect(port) { first in
                // Connections may be taken in another order than they were made.
                for try await _ in first.inbound { break }
                let frames = try await Self.heard(from: port)
                guard case .refused(let code, _) = frames.first else {
                    Issue.record("not refused: \(frames)")
                    return
                }
                #expect(code == "limitExceeded")
                #expect(first.send([.draining]))
            }
        }
    }

    @Test("what the server's side throws is told to the peer")
    func thrown() async throws {
        try await Self.withServer { _ in
            throw CanoError(.unauthorized, "who are you?")
        } client: { port, _ in
            let frames = try await Self.heard(from: port)
            #expect(frames == [.refused(code: "unauthorized", message: "who are you?")])
        }
    }

    @Test("nobody there is an error with the address in it")
    func unreachable() async throws {
        let error = await #expect(throws: CanoError.self) {
            try await Client().connect(host: "127.0.0.1", port: 1) { _ in }
        }
        #expect(error?.code == .unreachable)
        #expect(error?.message.contains("127.0.0.1:1") == true)
    }

    // MARK: Tools

    private static func connect(
        _ port: Int,
        _ body: @Sendable (FrameConnection<CoordinatorFrame, WorkerFrame>) async throws -> Void
    ) async throws {
        try await Client().connect(host: "127.0.0.1", port: port, body)
    }

    /// All that the server says until it closes.
    private static func heard(from port: Int) async throws -> [CoordinatorFrame] {
        let heard = Guarded<[CoordinatorFrame]>([])
        try await Self.connect(port) { connection in
            for try await batch in connection.inbound { heard.withLock { $0 += batch } }
        }
        return heard.withLock { $0 }
    }

    /// Runs a server for as long as `client` runs.
    private static func withServer(
        outbox: OutboxLimits = OutboxLimits(),
        maximumConnections: Int = 100,
        handle: @escaping @Sendable (FrameConnection<WorkerFrame, CoordinatorFrame>) async throws -> Void,
        client: @escaping @Sendable (_ port: Int, _ failures: Failures) async throws -> Void
    ) async throws {
        var server = Server(host: "127.0.0.1", port: 0)
        server.limits = Limits { $0.frameBytes = 1 << 20 }
        server.outboxLimits = outbox
        server.maximumConnections = maximumConnections
        let failures = Failures()
        let bound = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup { group in
            group.addTask { [server] in
                try await server.run(
                    onBound: { _, port in bound.continuation.yield(port) },
                    onFailure: { _, error in failures.add(error) },
                    handle: handle
                )
            }
            for await port in bound.stream {
                try await client(port, failures)
                break
            }
            group.cancelAll()
        }
    }

    /// Sends pieces one by one and returns all that comes back until the peer closes.
    private static func exchange(_ pieces: [[UInt8]], port: Int) async throws -> [UInt8] {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            for piece in pieces { try await outbound.write(ByteBuffer(bytes: piece)) }
            var answer: [UInt8] = []
            for try await part in inbound { answer += part.readableBytesView }
            return answer
        }
    }

    private static func poll(_ condition: @Sendable () -> Bool) async throws {
        while !condition() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}

/// What a server said about its connections.
final class Failures: Sendable {
    private let errors = Guarded<[String]>([])

    func add(_ error: any Error) {
        self.errors.withLock { $0.append("\(error)") }
    }

    /// Waits until the errors are as wanted; the suite's time limit ends it otherwise.
    func wait(_ condition: @Sendable ([String]) -> Bool) async throws {
        while !condition(self.errors.withLock { $0 }) {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
