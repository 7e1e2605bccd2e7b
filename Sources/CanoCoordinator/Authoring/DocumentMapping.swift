// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Yams

/// A mapping of a document whose keys are known.
struct DocumentMapping {
    private let node: DocumentNode
    private var values: [String: DocumentNode] = [:]

    /// Checks the keys.
    ///
    /// - Parameters:
    ///   - node: the value that must be a mapping.
    ///   - owner: what it belongs to, as messages name it: `state 'list'`.
    ///   - allowed: the keys that it may have.
    /// - Throws: `invalidDefinition` that names an unknown key, the nearest allowed one and all that are allowed.
    init(_ node: DocumentNode, owner: String, allowed: [String]) throws(CanoError) {
        guard case .mapping(let mapping) = node.node else {
            throw node.problem("\(node.name) must be a mapping with \(Self.list(allowed)), not \(node.kind)")
        }
        self.node = node
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw DocumentNode.problem("a key of \(owner) must be a text", at: key.mark)
            }
            guard allowed.contains(scalar.string) else {
                let guess = nearest(to: scalar.string, among: allowed).map { "did you mean '\($0)'? " } ?? ""
                throw DocumentNode.problem(
                    "unknown key '\(scalar.string)' in \(owner): \(guess)Allowed: \(Self.list(allowed))",
                    at: key.mark
                )
            }
            self.values[scalar.string] = node.inner(value, "'\(scalar.string)' of \(owner)")
        }
    }

    private static func list(_ keys: [String]) -> String { keys.joined(separator: ", ") }

    subscript(key: String) -> DocumentNode? { self.values[key] }

    /// The value of a key that must be there.
    func required(_ key: String, for owner: String) throws(CanoError) -> DocumentNode {
        guard let value = self.values[key] else { throw self.node.problem("\(owner) needs '\(key)'") }
        return value
    }

    func problem(_ text: String) -> CanoError { self.node.problem(text) }
}

extension DocumentNode {
    /// The keys of a mapping, for deciding what it is before its keys are checked.
    var keys: Set<String> {
        guard case .mapping(let mapping) = self.node else { return [] }
        return Set(mapping.compactMap { $0.key.scalar?.string })
    }
}
