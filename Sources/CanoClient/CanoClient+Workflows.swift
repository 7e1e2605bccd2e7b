// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
package import CanoEngine

extension CanoClient {
    /// Registers a workflow that is written in YAML or JSON.
    ///
    /// - Parameter text: the document; it names the workflow in its member `workflow`.
    /// - Returns: what was registered, and whether it is new.
    /// - Throws: ``CanoError``, `invalidDefinition` with every problem, or `definitionChanged` when the version exists
    ///   with another content.
    public func apply(yaml text: String) async throws -> WorkflowView {
        try WorkflowView(JSONMembers(try await self.send(Self.request(apply: text)), subject: "the answer"))
    }

    /// All registered workflows, by name, then version.
    public func workflows() async throws -> [WorkflowView] {
        let answer = try JSONMembers(try await self.send(APIRequest(.get, ["workflows"])), subject: "the answer")
        var workflows: [WorkflowView] = []
        for (index, workflow) in try answer.array("workflows").enumerated() {
            workflows.append(try WorkflowView(JSONMembers(workflow, subject: "workflows[\(index)]")))
        }
        return workflows
    }

    /// One workflow with its definition.
    ///
    /// - Parameters:
    ///   - name: the workflow's name.
    ///   - version: its version; `nil` for the highest that is registered.
    /// - Returns: the workflow as it was registered.
    /// - Throws: ``CanoError``, `unknownWorkflow` when there is none.
    public func workflow(_ name: String, version: Int? = nil) async throws -> WorkflowDetail {
        let answer = try await self.send(Self.request(workflow: name, version: version))
        return try WorkflowDetail(JSONMembers(answer, subject: "the answer"))
    }

    /// The workers connected to the coordinator.
    public func workers() async throws -> [WorkerView] {
        let answer = try JSONMembers(try await self.send(APIRequest(.get, ["workers"])), subject: "the answer")
        var workers: [WorkerView] = []
        for (index, worker) in try answer.array("workers").enumerated() {
            workers.append(try WorkerView(JSONMembers(worker, subject: "workers[\(index)]")))
        }
        return workers
    }

    /// The request of ``workflow(_:version:)``.
    package static func request(workflow name: String, version: Int?) -> APIRequest {
        var message = APIRequest(.get, ["workflows", name])
        message.query("version", version.map { String($0) })
        return message
    }

    /// The request of ``apply(yaml:)``.
    package static func request(apply text: String) throws(CanoError) -> APIRequest {
        guard let name = Self.workflowName(in: text) else {
            throw CanoError(
                .invalidDefinition,
                "the definition does not say its name: begin it with a line like 'workflow: my-workflow'"
            )
        }
        var message = APIRequest(.put, ["workflows", name])
        message.body = Array(text.utf8)
        // Every JSON document is one of YAML too.
        message.contentType = "application/yaml"
        return message
    }

    /// The name that a document gives its workflow; the server compares it with what it parsed.
    static func workflowName(in text: String) -> String? {
        let label = "workflow:"
        let value: Substring
        if text.drop(while: \.isWhitespace).first == "{" {
            if let document = try? JSONMembers(JSONText(Array(text.utf8), subject: "it"), subject: "it") {
                return try? document.string("workflow")
            }
            // A mapping of YAML in braces: the value ends where the next one begins.
            guard let place = text.firstRange(of: label) else { return nil }
            value = text[place.upperBound...].drop(while: \.isWhitespace).prefix { !",}\r\n".contains($0) }
        } else {
            let lines = text.split(whereSeparator: \.isNewline)
            guard let line = lines.first(where: { $0.hasPrefix(label) }) else { return nil }
            value = line.dropFirst(label.count).drop { $0 == " " || $0 == "\t" }
        }
        if let quote = value.first, quote == "\"" || quote == "'" {
            return String(value.dropFirst().prefix { $0 != quote })
        }
        // A comment begins with a '#' behind a blank.
        let plain = value.firstRange(of: " #").map { value[..<$0.lowerBound] } ?? value
        let name = plain.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return name.isEmpty ? nil : name
    }
}
