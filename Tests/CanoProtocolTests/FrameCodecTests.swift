// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoProtocol
import NIOCore
import Testing

@Suite("Frame codec")
struct FrameCodecTests {
    @Test("any frame of either side comes back as it was", arguments: UInt64(0)..<100)
    func roundTrip(seed: UInt64) throws {
        var frames = RandomFrames(seed: seed)
        for _ in 0..<10 {
            let worker = frames.workerFrame()
            #expect(try Self.encodedAndParsed(worker, limit: 1 << 24) == [worker], "seed \(seed)")
            let coordinator = frames.coordinatorFrame()
            #expect(try Self.encodedAndParsed(coordinator, limit: 1 << 24) == [coordinator], "seed \(seed)")
        }
    }

    @Test("a list too long for one frame arrives in several")
    func cutLists() throws {
        var frames = RandomFrames(seed: 1)
        let leases = (0..<100).map { _ in frames.lease() }
        let parts = try Self.encodedAndParsed(WorkerFrame.resume(leases), limit: 500)
        #expect(parts.count > 5)
        let joined = parts.flatMap { frame -> [LeaseRef] in
            if case .resume(let part) = frame { part } else { [] }
        }
        #expect(joined == leases)
    }

    @Test("what cannot be cut and is too long is refused by name")
    func tooLong() throws {
        var buffer = ByteBuffer()
        let payload = Payload(bytes: [UInt8](repeating: 0, count: 1000), type: .binary)
        let frame = CoordinatorFrame.context(run: Samples.run, visit: 1, payload)
        let error = #expect(throws: CanoError.self) { try FrameCodec.append(frame, to: &buffer, limit: 500) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.contains("'context'") == true)
    }

    @Test("a length of zero or over the limit is refused before anything else arrives", arguments: [0, 501, .max])
    func lengths(length: UInt32) {
        var buffer = ByteBuffer()
        buffer.writeInteger(length)
        let error = #expect(throws: CanoError.self) { try FrameCodec.nextBody(from: &buffer, limit: 500) }
        #expect(error?.code == .protocolViolation)
    }

    @Test("an incomplete frame is waited for")
    func incomplete() throws {
        var whole = ByteBuffer()
        try FrameCodec.append(WorkerFrame.heartbeat(7), to: &whole, limit: 500)
        let bytes = [UInt8](whole.readableBytesView)
        for count in 0..<bytes.count {
            var part = ByteBuffer(bytes: bytes.prefix(count))
            #expect(try FrameCodec.nextBody(from: &part, limit: 500) == nil)
            #expect(part.readableBytes == count)
        }
    }

    @Test("a message that this version does not know is skipped")
    func unknownMessage() throws {
        // Field 99, two bytes long: what a later version could say.
        let body = ByteBuffer(bytes: [0x9A, 0x06, 0x02, 0x08, 0x01])
        #expect(try WorkerFrame.parse(body) == nil)
        #expect(try CoordinatorFrame.parse(body) == nil)
    }

    @Test("what the other side says is no frame of this side")
    func otherSide() throws {
        for sample in Samples.coordinator where sample.name != "coordinator-heartbeat" {
            #expect(try WorkerFrame.parse(Self.body(of: sample.frame)) == nil, "\(sample.name)")
        }
        for sample in Samples.worker where sample.name != "worker-heartbeat" {
            #expect(try CoordinatorFrame.parse(Self.body(of: sample.frame)) == nil, "\(sample.name)")
        }
    }

    @Test("bytes that are no message are refused")
    func garbage() {
        let error = #expect(throws: CanoError.self) {
            try WorkerFrame.parse(ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFF]))
        }
        #expect(error?.code == .protocolViolation)
    }

    @Test("random bytes never do more than throw", arguments: UInt64(0)..<200)
    func randomBytes(seed: UInt64) throws {
        var random = RandomFrames(seed: seed)
        var bytes = random.list(60) { UInt8($0.below(256)) }
        if random.coin() {
            // A valid frame with one byte changed reaches deeper.
            bytes = [UInt8](try Self.body(of: random.coordinatorFrame()).readableBytesView)
            if !bytes.isEmpty { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
        }
        do {
            _ = try CoordinatorFrame.parse(ByteBuffer(bytes: bytes))
            _ = try WorkerFrame.parse(ByteBuffer(bytes: bytes))
        } catch {
            #expect(error.code == .protocolViolation, "seed \(seed)")
        }
    }

    @Test("a field that cannot be is named")
    func namedField() throws {
        // started { leases { run: 3 bytes } }
        let body = ByteBuffer(bytes: [0x32, 0x07, 0x0A, 0x05, 0x0A, 0x03, 1, 2, 3])
        let error = #expect(throws: CanoError.self) { try WorkerFrame.parse(body) }
        #expect(error?.message.contains("started.leases.run") == true, "\(error?.message ?? "")")
    }

    @Test("a run of a shard that cannot be is refused")
    func shard() throws {
        var run = [UInt8](repeating: 0, count: 16)
        run[15] = 64
        let body = ByteBuffer(bytes: [0x32, 0x14, 0x0A, 0x12, 0x0A, 0x10] + run)
        let error = #expect(throws: CanoError.self) { try WorkerFrame.parse(body) }
        #expect(error?.message.contains("shard 64") == true, "\(error?.message ?? "")")
    }

    private static func body(of frame: some SessionFrame) throws -> ByteBuffer {
        ByteBuffer(bytes: try frame.serialized())
    }

    private static func encodedAndParsed<Frame: SessionFrame>(_ frame: Frame, limit: Int) throws -> [Frame] {
        var buffer = ByteBuffer()
        try FrameCodec.append(frame, to: &buffer, limit: limit)
        var frames: [Frame] = []
        while let body = try FrameCodec.nextBody(from: &buffer, limit: limit) {
            frames.append(try #require(try Frame.parse(body)))
        }
        return frames
    }
}
