// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Requests to start runs and their answers, as the HTTP API carries them.
///
/// One start is `{"workflow": …, "version": …, "key": …, "context": …}`. A batch is `{"runs": […]}`; members
/// `workflow` and `version` beside `runs` hold for every start that has none of its own.
package enum StartBody {
    private static let members: Set<String> = ["workflow", "version", "key", "context"]

    // MARK: Requests

    /// Reads one start.
    package static func readStart(_ text: JSONText) throws(CanoError) -> StartRequest {
        try Self.read(text, subject: "the body", defaults: nil)
    }

    /// Reads a batch of at most `limit` starts.
    package static func readBatch(_ text: JSONText, limit: Int) throws(CanoError) -> [StartRequest] {
        let body = try JSONMembers(text, subject: "the body")
        try body.allow(["runs", "workflow", "version"])
        let starts = try body.required("runs", body.text("runs")?.elements)
        guard starts.count <= limit else {
            throw CanoError(.limitExceeded, "\(starts.count) starts in one request, at most \(limit): send several")
        }
        let defaults = StartRequest(workflow: try body.string("workflow") ?? "", version: try body.integer("version"))
        var requests: [StartRequest] = []
        requests.reserveCapacity(starts.count)
        for (index, start) in starts.enumerated() {
            requests.append(try Self.read(start, subject: "runs[\(index)]", defaults: defaults))
        }
        return requests
    }

    /// Writes one start.
    package static func write(_ request: StartRequest, to writer: inout JSONWriter) {
        writer.object { writer in
            if let context = request.context {
                writer.name("context")
                writer.payload(context)
            }
            writer.member("key", request.key)
            writer.member("version", request.version)
            writer.member("workflow", request.workflow)
        }
    }

    /// Writes a batch.
    package static func write(_ requests: [StartRequest], to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("runs")
            writer.array { writer in
                for request in requests { Self.write(request, to: &writer) }
            }
        }
    }

    private static func read(
        _ text: JSONText,
        subject: String,
        defaults: StartRequest?
    ) throws(CanoError) -> StartRequest {
        let start = try JSONMembers(text, subject: subject)
        try start.allow(Self.members)
        let inherited = defaults.flatMap { $0.workflow.isEmpty ? nil : $0.workflow }
        let own = try start.string("workflow")
        return StartRequest(
            workflow: try start.required("workflow", own ?? inherited),
            // A version belongs to its workflow: a start that names its own does not inherit it.
            version: try start.integer("version") ?? (own == nil ? defaults?.version : nil),
            key: try start.string("key"),
            context: start.text("context")?.payload
        )
    }

    // MARK: Answers

    /// Writes one answer: `{"created": …, "id": …}` or `{"error": …}`.
    package static func write(_ answer: StartAnswer, to writer: inout JSONWriter) {
        writer.object { writer in
            switch answer {
            case .created(let run):
                writer.member("created", true)
                writer.member("id", run.description)
            case .existing(let run):
                writer.member("created", false)
                writer.member("id", run.description)
            case .refused(let error):
                ErrorBody.writeMember(error, to: &writer)
            }
        }
    }

    /// Writes the answers to a batch, in the order of the requests.
    package static func write(_ answers: [StartAnswer], to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("runs")
            writer.array { writer in
                for answer in answers { Self.write(answer, to: &writer) }
            }
        }
    }

    /// Reads one answer.
    package static func readAnswer(_ object: JSONMembers) throws(CanoError) -> StartAnswer {
        if let error = try ErrorBody.read(object, fallback: .invalidInput) { return .refused(error) }
        let run = try object.required("id", object.run("id"))
        return try object.bool("created") ?? true ? .created(run) : .existing(run)
    }

    /// Reads the answers to a batch.
    package static func readAnswers(_ object: JSONMembers) throws(CanoError) -> [StartAnswer] {
        var answers: [StartAnswer] = []
        for (index, answer) in try object.array("runs").enumerated() {
            answers.append(try Self.readAnswer(JSONMembers(answer, subject: "runs[\(index)]")))
        }
        return answers
    }
}
