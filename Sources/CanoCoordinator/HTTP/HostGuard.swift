// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import HTTPTypes
import Hummingbird

/// Answers only requests that are addressed to this machine by a name it knows.
///
/// A web page can point its own name at 127.0.0.1 and then talk to the API from a visitor's browser (DNS rebinding);
/// its name in `Host` or `Origin` gives it away.
struct HostGuard: RouterMiddleware {
    typealias Context = BasicRequestContext

    let allowed: Set<String>

    init(allowed: Set<String>) {
        self.allowed = Set(allowed.map { $0.lowercased() })
    }

    @concurrent
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let authority = request.head.authority else {
            throw HTTPFailure(.badRequest, .invalidInput, "the request has no Host header: name the host you ask")
        }
        guard let host = Self.host(ofAuthority: authority), self.isKnown(host) else {
            throw HTTPFailure(
                .misdirectedRequest,
                .unauthorized,
                "the host '\(authority)' is not this coordinator's: use 127.0.0.1 or localhost, or allow the name"
            )
        }
        if let origin = request.headers[.origin] {
            guard let host = Self.host(ofOrigin: origin), self.isKnown(host) else {
                throw HTTPFailure(.forbidden, .unauthorized, "web pages of '\(origin)' may not use this API")
            }
        }
        return try await next(request, context)
    }

    private func isKnown(_ host: String) -> Bool {
        Self.isLoopback(host) || self.allowed.contains(host)
    }

    /// Whether a host is this machine whatever the name service says.
    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The host of `host:port` or `[address]:port`, in lower case; `nil` when it is neither.
    static func host(ofAuthority authority: String) -> String? {
        let text = authority.lowercased()
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || Self.isPort(rest) else { return nil }
            return String(text[text.index(after: text.startIndex)..<end])
        }
        guard let colon = text.firstIndex(of: ":") else { return text.isEmpty ? nil : text }
        let host = text[..<colon]
        guard !host.isEmpty, Self.isPort(text[colon...]) else { return nil }
        return String(host)
    }

    private static func host(ofOrigin origin: String) -> String? {
        guard let scheme = origin.firstRange(of: "://") else { return nil }
        return Self.host(ofAuthority: String(origin[scheme.upperBound...]))
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.first == ":" && UInt16(text.dropFirst()) != nil
    }
}
