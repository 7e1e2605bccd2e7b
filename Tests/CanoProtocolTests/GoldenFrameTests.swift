// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoProtocol
import FoundationEssentials
import NIOCore
import Testing

/// The bytes on the wire never change for a frame that an older program may send or expect.
///
/// `Tests/Fixtures/frames` is only ever added to. With `CANO_RECORD=1` in the environment, files that are missing are
/// written; a file that is there is never written again.
@Suite("Golden frames")
struct GoldenFrameTests {
    @Test("a worker's frames have the bytes they always had", arguments: Samples.worker.map(\.name))
    func worker(name: String) throws {
        let sample = try #require(Samples.worker.first { $0.name == name })
        try Self.check(sample.frame, name)
    }

    @Test("a coordinator's frames have the bytes they always had", arguments: Samples.coordinator.map(\.name))
    func coordinator(name: String) throws {
        let sample = try #require(Samples.coordinator.first { $0.name == name })
        try Self.check(sample.frame, name)
    }

    private static func check<Frame: SessionFrame>(_ frame: Frame, _ name: String) throws {
        let file = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent()
            .deletingLastPathComponent()
            .appending(path: "Fixtures/frames/\(name).bin")
        var buffer = ByteBuffer()
        try FrameCodec.append(frame, to: &buffer, limit: 1 << 20)
        let bytes = [UInt8](buffer.readableBytesView)
        let isMissing = !FileManager.default.fileExists(atPath: file.path)
        if isMissing, ProcessInfo.processInfo.environment["CANO_RECORD"] == "1" { try Data(bytes).write(to: file) }

        let golden = [UInt8](try Data(contentsOf: file))
        #expect(bytes == golden, "\(name) is encoded as \(bytes)")
        var stored = ByteBuffer(bytes: golden)
        let body = try #require(try FrameCodec.nextBody(from: &stored, limit: 1 << 20))
        #expect(try Frame.parse(body) == frame)
        #expect(stored.readableBytes == 0)
    }
}
