// SPDX-License-Identifier: Apache-2.0 OR MIT

package import Cano

/// One request of the HTTP API.
package struct APIRequest: Sendable {
    /// What can be done.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
    }

    /// The method.
    package var method: Method
    /// Path and query, encoded.
    package private(set) var target: String
    /// The body; `nil` for none.
    package var body: [UInt8]?
    /// What the body is.
    package var contentType = "application/json"
    /// How long the server was asked to wait before it answers.
    package var patience: Duration = .zero

    /// A request without a body; the path parts are encoded here.
    package init(_ method: Method, _ path: [String]) {
        self.method = method
        self.target = "/v1/" + path.map(PercentCoding.encode).joined(separator: "/")
    }

    /// Adds a parameter to the query; nothing for `nil`.
    package mutating func query(_ name: String, _ value: String?) {
        guard let value else { return }
        self.target += (self.target.contains("?") ? "&" : "?") + name + "=" + PercentCoding.encode(value)
    }

    /// Writes the body as JSON.
    package mutating func json(_ write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        write(&writer)
        self.body = writer.bytes
    }
}
