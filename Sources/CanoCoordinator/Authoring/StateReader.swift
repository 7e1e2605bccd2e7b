// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Reads one state of a document. What it is follows from the one of these keys that it has:
///
/// | key     | the state                       | its other keys                                                      |
/// |---------|---------------------------------|---------------------------------------------------------------------|
/// | `exec`  | a task: runs a program          | `output into exits route undo retry timeout limits to`              |
/// | `http`  | a task: sends a request         | `output into route undo retry timeout limits to`                    |
/// | `split` | branches over a list            | `join losers retry timeout limits to`                               |
/// | `route` | a router, when it is alone      | `retry to`                                                          |
/// | `wait`  | a timer: `1h`                   | `to`                                                                |
/// | `exit`  | `true`, `success`, `failure`    |                                                                     |
///
/// `retry` and `timeout` of a split are for its tasks, unless they have their own.
struct StateReader {
    let name: String

    private static let kinds = ["exec", "http", "split", "wait", "exit"]
    private static let otherKeys = [
        "route", "output", "into", "exits", "join", "losers", "undo", "retry", "timeout", "limits", "to",
    ]
    private var owner: String { "state '\(self.name)'" }

    func step(_ node: DocumentNode) throws(CanoError) -> StepDefinition {
        let keys = node.keys
        let found = Self.kinds.filter { keys.contains($0) }
        guard found.count <= 1 else {
            let all = found.map { "'\($0)'" }.joined(separator: " and ")
            throw node.problem("\(self.owner) has \(all); a state is only one of them")
        }
        switch found.first ?? (keys.contains("route") ? "route" : nil) {
        case "exec": return try self.task(node, TaskReader.execKeys)
        case "http": return try self.task(node, TaskReader.httpKeys)
        case "split": return try self.split(node)
        case "wait": return try self.timer(node)
        case "exit": return try self.exit(node)
        case "route": return try self.router(node)
        default:
            // A misspelt key is named; a state without any kind is told what there is.
            _ = try DocumentMapping(node, owner: self.owner, allowed: Self.kinds + Self.otherKeys)
            throw node.problem("\(self.owner) does nothing: give it one of exec, http, split, route, wait, exit")
        }
    }

    // MARK: Kinds

    private func task(_ node: DocumentNode, _ keys: [String]) throws(CanoError) -> StepDefinition {
        let mapping = try DocumentMapping(node, owner: self.owner, allowed: keys + ["into", "route", "undo", "to"])
        let next = try self.next(mapping)
        let run = try TaskReader(owner: self.owner, next: next).task(mapping, name: nil)
        return .task(run: run, to: next)
    }

    private func router(_ node: DocumentNode) throws(CanoError) -> StepDefinition {
        let mapping = try DocumentMapping(node, owner: self.owner, allowed: ["route", "retry", "to"])
        let next = try self.next(mapping)
        let rules = try TaskReader(owner: self.owner, next: next).routes(mapping)
        let run = TaskDefinition(
            handler: RouteArguments.handler,
            name: "route",
            arguments: try RouteArguments(route: rules).payload(),
            retry: try mapping["retry"]?.retryPolicy() ?? RetryPolicy()
        )
        return .router(run: run, to: next)
    }

    private func timer(_ node: DocumentNode) throws(CanoError) -> StepDefinition {
        let mapping = try DocumentMapping(node, owner: self.owner, allowed: ["wait", "to"])
        return .timer(after: try mapping.required("wait", for: self.owner).span(), to: try self.onlyNext(mapping))
    }

    private func exit(_ node: DocumentNode) throws(CanoError) -> StepDefinition {
        let mapping = try DocumentMapping(node, owner: self.owner, allowed: ["exit"])
        let value = try mapping.required("exit", for: self.owner)
        return .exit(
            try value.word(of: ["true": ExitDefinition.success, "success": .success, "failure": .failure])
        )
    }

    private func split(_ node: DocumentNode) throws(CanoError) -> StepDefinition {
        let mapping = try DocumentMapping(
            node,
            owner: self.owner,
            allowed: ["split", "join", "losers", "retry", "timeout", "limits", "to"]
        )
        let inner = try SplitReader(
            owner: self.owner,
            retry: try mapping["retry"]?.retryPolicy(),
            timeout: try mapping["timeout"]?.span(),
            limits: try mapping["limits"]?.declaredLimits()
        )
        .split(
            try mapping.required("split", for: self.owner),
            join: try mapping["join"]?.joinPolicy() ?? .all,
            losers: try mapping["losers"]?.word(of: ["undo": SplitDefinition.Losers.undo, "keep": .keep]) ?? .undo
        )
        return .split(inner, to: try self.onlyNext(mapping))
    }

    // MARK: Edges

    private func next(_ mapping: DocumentMapping) throws(CanoError) -> [String] {
        var names: [String] = []
        for name in try mapping.required("to", for: self.owner).textOrList() { names.append(try name.text()) }
        return names
    }

    private func onlyNext(_ mapping: DocumentMapping) throws(CanoError) -> String {
        let next = try mapping.required("to", for: self.owner)
        guard next.isScalar else {
            throw next.problem("\(self.owner) goes on to one state only; \(next.name) must be its name")
        }
        return try next.text()
    }
}
