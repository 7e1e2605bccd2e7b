// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// A registered workflow with its whole definition, as the HTTP API shows it.
public struct WorkflowDetail: Hashable, Sendable {
    /// What lists show of it.
    public var workflow: WorkflowView
    /// The definition, as it was registered.
    public var definition: Definition
    private let json: Payload

    /// Throws when the definition has no JSON form, such as a number that is not finite.
    package init(_ definition: Definition) throws(CanoError) {
        self.workflow = WorkflowView(definition)
        self.definition = definition
        self.json = try Payload(encoding: definition, what: "the definition of \(definition.key)")
    }

    /// Reads what ``write(to:)`` wrote.
    package init(_ object: JSONMembers) throws(CanoError) {
        self.workflow = try WorkflowView(object.object("workflow"))
        self.json = try object.required("definition", object.text("definition")?.payload)
        self.definition = try self.json.decoded(as: Definition.self, what: "the definition in the answer")
    }

    /// Writes the workflow.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("definition")
            writer.payload(self.json)
            writer.name("workflow")
            self.workflow.write(to: &writer)
        }
    }
}
