// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What the handler `http` needs to know: a request, and what the status of its answer means.
package struct HTTPArguments: HandlerArguments {
    package static var handler: String { "http" }

    /// The method (default: GET, or POST with a body).
    package var method: String?
    /// The address, a template; values are escaped as parts of a URL, `{{{value}}}` is put in as it is.
    package var url: String
    /// Headers; the values are templates.
    package var headers: [String: String]?
    /// The body: a string is a template of text, anything else is JSON whose strings are templates.
    package var body: JSONValue?
    /// What becomes of the body of the answer.
    package var output: OutputRules
    /// What statuses mean, by number (`404`) or class (`5xx`).
    package var status: [String: OutcomeRule]?

    /// Whether a header belongs to the connection, so that a step must not set it.
    ///
    /// With `Host` a step could ask another site of an allowed address; the others would tear the framing apart.
    package static func isOwnHeader(_ name: String) -> Bool {
        ["host", "content-length", "transfer-encoding", "connection", "upgrade"].contains(name.lowercased())
    }

    package init(
        method: String? = nil,
        url: String,
        headers: [String: String]? = nil,
        body: JSONValue? = nil,
        output: OutputRules = OutputRules(),
        status: [String: OutcomeRule]? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.output = output
        self.status = status
    }
}
