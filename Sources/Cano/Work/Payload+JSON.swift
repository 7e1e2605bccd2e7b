// SPDX-License-Identifier: Apache-2.0 OR MIT

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Payload {
    /// They are made once: neither is ever changed, and making one costs as much as coding a small value.
    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()
    private static let decoder = JSONDecoder()

    /// JSON text of a value, the same for equal values: keys are sorted.
    ///
    /// `what` names the value in the error when it has no JSON form, such as a number that is not finite.
    package init(encoding value: some Encodable, what: String) throws(CanoError) {
        do {
            self.init(bytes: try Self.encoder.encode(value).withUnsafeBytes { Array($0) }, type: .json)
        } catch {
            throw CanoError(
                .invalidInput,
                "\(what) (\(Swift.type(of: value))) cannot be written as JSON: \(error)",
                cause: error
            )
        }
    }

    /// The value that this JSON text stands for; `what` names it in the error when it does not fit the type.
    package func decoded<Value: Decodable>(as type: Value.Type, what: String) throws(CanoError) -> Value {
        do {
            return try Self.decoder.decode(type, from: Data(self.bytes))
        } catch {
            throw CanoError(.invalidInput, "\(what) cannot be read as \(type): \(error)", cause: error)
        }
    }
}
