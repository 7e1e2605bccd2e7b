// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// How a coordinator is set up.
package struct CoordinatorConfiguration: Sendable {
    /// Where runs are remembered: `sqlite:PATH` or a libpq URI.
    package var store: String
    /// Where workers connect, as `HOST:PORT` (default: 127.0.0.1:7227; port 0 lets the system choose).
    package var listen = "127.0.0.1:7227"
    /// Where the HTTP API listens (default: 127.0.0.1:7228).
    package var http = "127.0.0.1:7228"
    /// The secret that workers and HTTP requests carry; empty for none.
    package var token = ""
    /// How long leases of work live without a heartbeat (default: 15 s).
    package var leaseTTL = Span.seconds(15)
    /// How long leases of shards live (default: 10 s).
    package var shardTTL = Span.seconds(10)
    /// How long runs that are over are kept; `nil` for ever (the default).
    package var retention: Span?
    /// The bounds that everything obeys.
    package var limits = Limits()

    package init(store: String) {
        self.store = store
    }
}

extension CoordinatorConfiguration {
    /// Reads `--retention`, or `CANO_RETENTION` where that is not given, such as `30d`; neither, or empty, is `nil`.
    package static func retention(_ option: String?, environment: [String: String]) throws(CanoError) -> Span? {
        guard let text = option ?? environment["CANO_RETENTION"], !text.isEmpty else { return nil }
        guard let span = Span(durationText: text), span.milliseconds > 0 else {
            throw CanoError(.invalidInput, "the retention '\(text)' is no length of time; examples are 12h and 30d")
        }
        return span
    }
}

/// A host and a port, as options give them.
struct Endpoint: Hashable, Sendable {
    var host: String
    var port: Int

    /// Reads `HOST:PORT`; only loopback addresses are accepted, because nothing is encrypted yet.
    init(_ text: String, option: String) throws(CanoError) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw CanoError(.invalidInput, "\(option) '\(text)' is not HOST:PORT; an example is 127.0.0.1:7227")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard host == "localhost" || host == "::1" || host.hasPrefix("127.") else {
            let message =
                "\(option) '\(text)' is not a loopback address; this version speaks without encryption, "
                + "so use 127.0.0.1, [::1] or localhost"
            throw CanoError(.invalidInput, message)
        }
        self.host = host
        self.port = Int(port)
    }
}
