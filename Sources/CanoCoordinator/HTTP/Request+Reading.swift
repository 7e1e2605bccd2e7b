// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import HTTPTypes
import Hummingbird
import NIOCore

extension Request {
    /// Who asks: what `Cano-Actor` and `Cano-Via` say, which nobody checks.
    var caller: Caller {
        let name = self.header("Cano-Actor") ?? "anonymous"
        let via = self.header("Cano-Via").flatMap { ["cli", "library"].contains($0) ? $0 : nil }
        return Caller(name: String(name.prefix(200)), via: via ?? "http")
    }

    /// The trace that the caller is in, by the header of W3C Trace Context; `nil` for none, or for one of another form.
    var trace: TraceContext? { self.header("traceparent").flatMap { TraceContext(traceparent: $0) } }

    private func header(_ name: String) -> String? {
        let value = HTTPField.Name(name).flatMap { self.headers[$0] }
        return value?.isEmpty == true ? nil : value
    }

    /// The bytes of the body, up to a bound.
    func bytes(upTo limit: Int, types: Set<String>) async throws -> [UInt8] {
        try self.checkContentType(types)
        let tooLarge = CanoError(.limitExceeded, "the body has more than \(limit) bytes: send less at once")
        if let length = self.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
        do {
            return Array(buffer: try await self.body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }

    /// The body as JSON.
    func json(upTo limit: Int) async throws -> JSONText {
        try JSONText(try await self.bytes(upTo: limit, types: ["application/json"]), subject: "the body")
    }

    /// Browsers send some types across sites without asking; insisting on others keeps foreign pages out.
    private func checkContentType(_ types: Set<String>) throws {
        let header = self.headers[.contentType] ?? ""
        let type = header.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        guard types.contains(type) else {
            let known = types.sorted().joined(separator: " or ")
            throw HTTPFailure(
                .unsupportedMediaType,
                .invalidInput,
                "the content type '\(header)' is not accepted here: send 'Content-Type: \(known)'"
            )
        }
    }

    // MARK: Query

    /// A parameter of the query; `nil` when it is absent or empty.
    func query(_ name: String) -> String? {
        let value = self.uri.queryParameters[name[...]].map { String($0) }
        return value?.isEmpty == true ? nil : value
    }

    /// A whole number of the query within bounds.
    func query(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(CanoError) -> Int {
        guard let text = self.query(name) else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            throw CanoError(
                .invalidInput,
                "'\(name)=\(text)' must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// A length of time of the query, such as `30s`, `500ms` or `2m`.
    func query(span name: String, upTo longest: Span) throws(CanoError) -> Span? {
        guard let text = self.query(name) else { return nil }
        guard let span = Span(text: text), span <= longest else {
            let bound = longest.milliseconds / 1000
            throw CanoError(.invalidInput, "'\(name)=\(text)' must be a time such as 500ms or 30s, at most \(bound)s")
        }
        return span
    }
}

extension Span {
    /// Reads `500ms`, `30s`, `2m` or `1h`.
    init?(text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number < 1_000_000_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self.init(milliseconds: number)
        case "s": self.init(milliseconds: number * 1000)
        case "m": self.init(milliseconds: number * 60_000)
        case "h": self.init(milliseconds: number * 3_600_000)
        default: return nil
        }
    }
}
