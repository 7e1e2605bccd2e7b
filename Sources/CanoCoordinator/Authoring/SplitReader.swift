// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Reads a split: `{ over: /files, exec: […], output: text, retry: …, timeout: …, undo: … }`.
///
/// `over` is a JSON pointer to a list in the context, or `{ exec: […] }` or `{ http: … }` whose output is the list.
struct SplitReader {
    let owner: String
    /// What its tasks have unless they say otherwise.
    let retry: RetryPolicy?
    let timeout: Span?
    let startWithin: Span?
    let hedge: Span?

    func split(_ node: DocumentNode) throws(CanoError) -> SplitDefinition {
        let branchOwner = "the split of \(self.owner)"
        let isHTTP = node.keys.contains("http")
        let keys = isHTTP ? TaskReader.httpKeys : TaskReader.execKeys
        let mapping = try DocumentMapping(
            node,
            owner: branchOwner,
            allowed: ["over"] + keys + TaskReader.waitKeys + ["undo"]
        )
        let over = try mapping.required("over", for: branchOwner)
        return SplitDefinition(
            expand: try self.expansion(over),
            branch: try self.branch(mapping, owner: branchOwner)
        )
    }

    /// A list of branches, each `{ exec: […], … }` or `{ http: …, … }`.
    func parallel(_ node: DocumentNode) throws(CanoError) -> SplitDefinition {
        var branches: [TaskDefinition] = []
        for (index, branch) in try node.list().enumerated() {
            let owner = "branch \(index) of \(self.owner)"
            let keys = branch.keys.contains("http") ? TaskReader.httpKeys : TaskReader.execKeys
            let mapping = try DocumentMapping(branch, owner: owner, allowed: keys + TaskReader.waitKeys + ["undo"])
            branches.append(try self.branch(mapping, owner: owner))
        }
        return SplitDefinition(.fixed(branches))
    }

    private func branch(_ mapping: DocumentMapping, owner: String) throws(CanoError) -> TaskDefinition {
        var task = try self.task(mapping, owner: owner)
        if mapping["startWithin"] == nil { task.startWithin = self.startWithin }
        if mapping["hedge"] == nil { task.hedge = self.hedge }
        return task
    }

    private func expansion(_ node: DocumentNode) throws(CanoError) -> TaskDefinition {
        guard node.isMapping else {
            let place = try node.text()
            guard JSONPointer(place) != nil else {
                throw node.problem("\(node.name) must be a JSON pointer such as /files, not '\(place)'")
            }
            return TaskDefinition(
                handler: RouteArguments.handler,
                name: "over \(place)",
                arguments: try RouteArguments(over: place).payload(),
                retry: self.retry ?? RetryPolicy(),
                timeout: self.timeout
            )
        }
        let keys = node.keys.contains("http") ? TaskReader.httpKeys : TaskReader.execKeys
        let mapping = try DocumentMapping(node, owner: node.name, allowed: keys)
        if let output = mapping["output"], ![.json, .lines].contains(try output.outputFormat()) {
            throw output.problem("\(output.name) must be json or lines: the items of a split are a list")
        }
        return try self.task(mapping, owner: node.name)
    }

    private func task(_ mapping: DocumentMapping, owner: String) throws(CanoError) -> TaskDefinition {
        var task = try TaskReader(owner: owner, next: nil).task(mapping, name: nil)
        if mapping["retry"] == nil, let retry = self.retry { task.retry = retry }
        if mapping["timeout"] == nil { task.timeout = self.timeout }
        return task
    }
}
