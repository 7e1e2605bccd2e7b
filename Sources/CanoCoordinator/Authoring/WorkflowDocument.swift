// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
package import CanoEngine
import Yams

/// A workflow as people write it, in YAML or JSON.
///
/// ```yaml
/// workflow: count-licences
/// version: 1
/// start: list
/// context: { folder: /usr/share/common-licenses }
/// totalTimeout: 1h
/// onUndoFailure: block
/// states:
///   list: { exec: [./list.sh, "{{context.folder}}"], to: count }
///   …
/// ```
///
/// `version` is 1 and `start` the first state unless they are given. What a state may have: ``StateReader``.
package struct WorkflowDocument {
    private static let keys = ["workflow", "version", "start", "context", "totalTimeout", "onUndoFailure", "states"]

    /// Reads a document and checks that the workflow can run.
    ///
    /// - Throws: `invalidDefinition` whose message begins with line and column for whatever is wrong with the document;
    ///   `limitExceeded` for one that is too large; what ``Definition/validate(limits:)`` throws for a workflow that
    ///   is written well and cannot run.
    package static func parse(_ text: String, limits: Limits = Limits()) throws(CanoError) -> Definition {
        let root = DocumentNode(node: try DocumentReader.read(text), name: "the document", limits: limits)
        let mapping = try DocumentMapping(root, owner: "the document", allowed: Self.keys)
        let states = try Self.states(try mapping.required("states", for: "the document"))
        let definition = Definition(
            name: try mapping.required("workflow", for: "the document").text(),
            version: try mapping["version"]?.integer(1...Definition.lastVersion) ?? 1,
            start: try mapping["start"]?.text() ?? states[0].name,
            states: states,
            context: try mapping["context"].map { node throws(CanoError) in try Self.context(node) },
            timeout: try mapping["totalTimeout"]?.span(),
            onUndoFailure: try mapping["onUndoFailure"]?
                .word(of: ["block": UndoFailure.block, "continue": .continue])
        )
        try definition.validate(limits: limits)
        return definition
    }

    private static func states(_ node: DocumentNode) throws(CanoError) -> [StateDefinition] {
        guard case .mapping(let mapping) = node.node, !mapping.isEmpty else {
            throw node.problem("'states' must be a mapping of state names to states")
        }
        var states: [StateDefinition] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw DocumentNode.problem("the name of a state must be a text", at: key.mark)
            }
            let state = node.inner(value, "state '\(scalar.string)'")
            states.append(StateDefinition(name: scalar.string, step: try StateReader(name: scalar.string).step(state)))
        }
        return states
    }

    private static func context(_ node: DocumentNode) throws(CanoError) -> Payload {
        guard case .mapping = node.node else {
            throw node.problem("\(node.name) must be a mapping of names to values, not \(node.kind)")
        }
        return try node.json().payload
    }
}
