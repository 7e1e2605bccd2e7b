// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
package import NIOCore
import SwiftProtobuf

/// Frames to bytes and back: a length of four bytes, big-endian, then one `CanoFrame`.
package enum FrameCodec {
    /// The bytes of the length in front of a frame.
    package static let lengthBytes = 4

    /// Writes a frame behind what the buffer holds.
    ///
    /// A list that would be longer than `limit` bytes is cut into several frames. Throws `limitExceeded` when what
    /// cannot be cut is too long; the buffer is then as it was before, apart from parts of the list that did fit.
    package static func append(
        _ frame: some SessionFrame,
        to buffer: inout ByteBuffer,
        limit: Int
    ) throws(CanoError) {
        // Encoding something hopeless only to measure it would cost its size in memory again.
        if frame.estimatedBytes > limit, let (first, second) = frame.halves {
            try self.append(first, to: &buffer, limit: limit)
            try self.append(second, to: &buffer, limit: limit)
            return
        }
        let body = try frame.serialized()
        if body.count > limit {
            guard let (first, second) = frame.halves else {
                throw CanoError(
                    .limitExceeded,
                    "a frame '\(frame.name)' of \(body.count) bytes is over the limit of \(limit); "
                        + "send less at once or raise the limit on both sides"
                )
            }
            try self.append(first, to: &buffer, limit: limit)
            try self.append(second, to: &buffer, limit: limit)
            return
        }
        buffer.writeInteger(UInt32(body.count))
        buffer.writeBytes(body)
    }

    /// The frame that tells the other side why the connection ends; both sides may send it.
    package static func refusal(_ error: CanoError, messageCharacters: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        let message = String(error.message.prefix(messageCharacters))
        let frame = CoordinatorFrame.refused(code: error.code.name, message: message)
        guard let body = try? frame.serialized() else { return buffer }  // no reason is better than no end
        buffer.writeInteger(UInt32(body.count))
        buffer.writeBytes(body)
        return buffer
    }

    /// Takes the next whole frame out of the buffer: `nil` when there is none yet.
    ///
    /// The length is checked as soon as it is there, so that a frame over `limit` is never collected. Throws
    /// `protocolViolation`.
    package static func nextBody(from buffer: inout ByteBuffer, limit: Int) throws(CanoError) -> ByteBuffer? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length > 0 else {
            throw CanoError(.protocolViolation, "a frame of length 0; is this the right port for a Cano worker?")
        }
        guard length <= limit else {
            throw CanoError(
                .protocolViolation,
                "a frame of \(length) bytes is over the limit of \(limit); is this the right port for a Cano worker?"
            )
        }
        guard buffer.readableBytes >= self.lengthBytes + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: self.lengthBytes)
        return buffer.readSlice(length: Int(length))
    }

    static func serialize(_ message: WireCanoFrame.OneOf_Message) throws(CanoError) -> [UInt8] {
        var frame = WireCanoFrame()
        frame.message = message
        do {
            return try frame.serializedBytes()
        } catch {
            throw CanoError(.limitExceeded, "a frame cannot be encoded: \(error)", cause: error)
        }
    }

    static func message(in body: ByteBuffer) throws(CanoError) -> WireCanoFrame.OneOf_Message? {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        options.messageDepthLimit = 16
        do {
            return try WireCanoFrame(serializedBytes: BufferBytes(buffer: body), options: options).message
        } catch {
            throw CanoError(
                .protocolViolation,
                "a frame of \(body.readableBytes) bytes is not a CanoFrame",
                cause: error
            )
        }
    }
}

/// Lets the decoder read a buffer in place.
private struct BufferBytes: SwiftProtobufContiguousBytes {
    private var buffer: ByteBuffer

    init(buffer: ByteBuffer) { self.buffer = buffer }
    init(repeating byte: UInt8, count: Int) { self.buffer = ByteBuffer(repeating: byte, count: count) }
    init<Bytes: Sequence>(_ bytes: Bytes) where Bytes.Element == UInt8 { self.buffer = ByteBuffer(bytes: bytes) }

    var count: Int { self.buffer.readableBytes }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try self.buffer.withUnsafeReadableBytes(body)
    }

    mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try self.buffer.withUnsafeMutableReadableBytes(body)
    }
}
