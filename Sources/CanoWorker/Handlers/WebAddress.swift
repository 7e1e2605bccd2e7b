// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The address of a request, taken apart so strictly that nobody reads it in another way.
///
/// Only `http` and `https`, plain host names and addresses, no user in front of the host, no dot segments however they
/// are encoded. The client gets ``description``, which is put together from the parts that were checked.
struct WebAddress: Hashable, Sendable {
    let scheme: String
    /// In lower case; an IPv6 address in its brackets.
    let host: String
    let port: Int
    /// Begins with `/`.
    let path: String
    /// With its question mark; empty when there is none.
    let query: String

    /// Why a text is not an address.
    struct Problem: Error, Hashable {
        var text: String
    }

    init(_ text: String) throws(Problem) {
        let bytes = Array(text.utf8)
        if let odd = bytes.first(where: { !Self.isAllowed($0) }) {
            throw Problem(text: "it contains the byte \(odd), which must be percent-encoded in a URL")
        }
        guard let separator = text.firstRange(of: "://") else {
            throw Problem(text: "it has no scheme; write http://…")
        }
        self.scheme = text[..<separator.lowerBound].lowercased()
        guard self.scheme == "http" || self.scheme == "https" else {
            throw Problem(text: "its scheme is '\(self.scheme)', not http or https")
        }
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let target = rest[authority.endIndex...]
        guard !target.contains("#") else { throw Problem(text: "it has a fragment (#…)") }
        (self.host, self.port) = try Self.hostAndPort(authority, scheme: self.scheme)
        let path = target.prefix { $0 != "?" }
        self.path = path.isEmpty ? "/" : String(path)
        self.query = String(target[path.endIndex...])
        guard !Self.hasDotSegment(self.path) else { throw Problem(text: "its path has a segment '.' or '..'") }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~:/?#[]@!$&'()*+,;=%".utf8.contains(byte)
        }
    }

    private static func hostAndPort(
        _ authority: Substring,
        scheme: String
    ) throws(Problem) -> (host: String, port: Int) {
        guard !authority.contains("@") else { throw Problem(text: "it has a user in front of its host") }
        let host: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else {
                throw Problem(text: "its host has no closing bracket")
            }
            host = authority[...end]
            let inner = host.dropFirst().dropLast()
            guard !inner.isEmpty, inner.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                throw Problem(text: "'\(host)' is not an address")
            }
        } else {
            host = authority.prefix { $0 != ":" }
            let isName = host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
            guard !host.isEmpty, isName else { throw Problem(text: "'\(host)' is not a host name") }
        }
        let behind = authority[host.endIndex...]
        if behind.isEmpty { return (host.lowercased(), scheme == "https" ? 443 : 80) }
        let digits = behind.dropFirst()
        guard behind.first == ":", digits.allSatisfy(\.isNumber), let port = Int(digits), (1...65535).contains(port)
        else {
            throw Problem(text: "'\(behind)' is not a port")
        }
        return (host.lowercased(), port)
    }

    private static func hasDotSegment(_ path: String) -> Bool {
        // A server may decode these before it looks at the segments, so they are decoded here too.
        let decoded = path.lowercased().replacing("%2e", with: ".").replacing("%2f", with: "/")
            .replacing("%5c", with: "/")
        return decoded.split(separator: "/").contains { $0 == "." || $0 == ".." }
    }
}

extension WebAddress: CustomStringConvertible {
    /// The whole address, with its port.
    var description: String { "\(self.origin)\(self.path)\(self.query)" }

    /// The address without path and query.
    var origin: String { "\(self.scheme)://\(self.host):\(self.port)" }

    /// The address as people would write it: without a query, which may carry secrets.
    var short: String {
        let isUsual = self.port == (self.scheme == "https" ? 443 : 80)
        return "\(self.scheme)://\(self.host)\(isUsual ? "" : ":\(self.port)")\(self.path)"
    }
}
