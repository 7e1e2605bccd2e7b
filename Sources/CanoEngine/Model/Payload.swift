// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Bytes that users own: a context, an item, an output.
///
/// Cano stores and carries them and never looks inside.
public struct Payload: Hashable, Sendable {
    /// What the bytes are, for whoever reads them.
    public enum ContentType: UInt8, Hashable, Sendable {
        /// Anything.
        case binary = 0
        /// JSON text in UTF-8.
        case json = 1
        /// Plain text in UTF-8.
        case text = 2
    }

    /// The bytes; their number is bounded by ``Limits/payloadBytes``.
    public var bytes: [UInt8]
    /// What the bytes are.
    public var type: ContentType

    /// A payload of some bytes.
    public init(bytes: [UInt8], type: ContentType) {
        self.bytes = bytes
        self.type = type
    }

    /// A payload of JSON text.
    public static func json(_ text: String) -> Payload {
        Payload(bytes: Array(text.utf8), type: .json)
    }

    /// The JSON value `{}`, the context of a run that was started without one.
    public static let emptyObject = Payload.json("{}")

    /// How many bytes it has.
    public var count: Int { self.bytes.count }
}

extension Payload: Codable {
    private enum CodingKeys: String, CodingKey { case json, text, bytes }

    /// Reads the coded form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let json = try container.decodeIfPresent(String.self, forKey: .json) {
            self = .json(json)
        } else if let text = try container.decodeIfPresent(String.self, forKey: .text) {
            self.init(bytes: Array(text.utf8), type: .text)
        } else {
            self.init(bytes: try container.decode([UInt8].self, forKey: .bytes), type: .binary)
        }
    }

    /// Text is written as text, so that a person can read a stored definition.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self.type {
        case .json: try container.encode(String(decoding: self.bytes, as: UTF8.self), forKey: .json)
        case .text: try container.encode(String(decoding: self.bytes, as: UTF8.self), forKey: .text)
        case .binary: try container.encode(self.bytes, forKey: .bytes)
        }
    }
}
