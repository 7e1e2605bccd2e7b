// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Reads one state of a document. What it is follows from the one of these keys that it has:
///
/// | key        | the state                    | its other keys                                                       |
/// |------------|------------------------------|----------------------------------------------------------------------|
/// | `exec`     | a task: runs a program       | `output into exits route undo poll retry timeout within … to`        |
/// | `http`     | a task: sends a request      | `output into route undo poll retry timeout within … to`              |
/// | `split`    | branches over a list         | `join losers inFlight retry timeout … to`                            |
/// | `batch`    | the same, and a task behind  | `finish join inFlight retry timeout … to`                            |
/// | `parallel` | a list of different branches | `join losers inFlight retry timeout … to`                            |
/// | `route`    | a router, when it is alone   | `retry to`                                                           |
/// | `wait`     | a timer: `1h`                | `to`                                                                 |
/// | `wait`     | `{ signal: paid, within: 1h, timeoutTo: late }`: a wait for a signal | `to`              |
/// | `child`    | `{ workflow: bill, input: /order }`                         | `onParentEnd retry to`    |
/// | `exit`     | `true`, `success`, `failure` |                                                                      |
///
/// Where `…` stands, `startWithin` and `hedge` are allowed, too. Policies of a split are for its branches, unless they
/// have their own.
struct StateReader {
    let name: String

    private static let kinds = ["exec", "http", "split", "batch", "parallel", "wait", "child", "exit"]
    private static let otherKeys = [
        "route", "output", "into", "exits", "join", "losers", "inFlight", "finish", "undo", "poll", "retry", "timeout",
        "within", "startWithin", "hedge", "onParentEnd", "to",
    ]
    private static let splitKeys = ["join", "inFlight", "retry", "timeout"] + TaskReader.waitKeys
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
        case "batch": return try self.batch(node)
        case "parallel": return try self.parallel(node)
        case "wait": return try self.wait(node)
        case "child": return try self.child(node)
        case "exit": return try self.exit(node)
        case "route": return try self.router(node)
        default:
            // A misspelt key is named; a state without any kind is told what there is.
            _ = try DocumentMapping(node, owner: self.owner, allowed: Self.kinds + Self.otherKeys)
            throw node.problem(
                "\(self.owner) does nothing: give it one of \(Self.kinds.joined(separator: ", ")), route"
            )
        }
    }

    // MARK: Kinds

    private func task(_ node: DocumentNode, _ keys: [String]) throws(CanoError) -> StepDefinition {
        let allowed = keys + ["into", "route", "undo", "poll", "within", "to"] + TaskReader.waitKeys
        let mapping = try DocumentMapping(node, owner: self.owner, allowed: allowed)
        let next = try self.next(mapping)
        var reader = TaskReader(owner: self.owner, next: next)
        var poll: PollReader?
        if let node = mapping["poll"] {
            let found = try PollReader(node, of: reader)
            (reader.isPoll, reader.until, poll) = (true, found.until, found)
        }
        var run = try reader.task(mapping, name: nil)
        run.within = try mapping["within"]?.span()
        poll?.apply(to: &run, hasRetry: mapping["retry"] != nil)
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

    private func wait(_ node: DocumentNode) throws(CanoError) -> StepDefinition {
        let mapping = try DocumentMapping(node, owner: self.owner, allowed: ["wait", "to"])
        let value = try mapping.required("wait", for: self.owner)
        let next = try self.onlyNext(mapping)
        guard value.isMapping else { return .timer(after: try value.span(), to: next) }
        let wait = try DocumentMapping(value, owner: value.name, allowed: ["signal", "within", "timeoutTo"])
        let definition = WaitDefinition(
            signal: try wait.required("signal", for: value.name).text(),
            within: try wait["within"]?.span(),
            timeoutTo: try wait["timeoutTo"]?.text()
        )
        return .wait(definition, to: next)
    }

    private func child(_ node: DocumentNode) throws(CanoError) -> StepDefinition {
        let mapping = try DocumentMapping(node, owner: self.owner, allowed: ["child", "onParentEnd", "retry", "to"])
        let value = try mapping.required("child", for: self.owner)
        let child = try DocumentMapping(value, owner: value.name, allowed: ["workflow", "version", "input"])
        let place = try child["input"]?.text() ?? ""
        if let input = child["input"], JSONPointer(place) == nil {
            throw input.problem("\(input.name) must be a JSON pointer such as /order, not '\(place)'")
        }
        let workflow = try child.required("workflow", for: value.name).text()
        let input = TaskDefinition(
            handler: RouteArguments.handler,
            name: "input of \(workflow)",
            arguments: try RouteArguments(pick: place).payload(),
            retry: try mapping["retry"]?.retryPolicy() ?? RetryPolicy()
        )
        let definition = ChildDefinition(
            input: input,
            workflow: workflow,
            version: try child["version"]?.integer(1...Definition.lastVersion),
            onParentEnd: try mapping["onParentEnd"]?
                .word(of: ["wait": ChildDefinition.ParentEnd.wait, "cancel": .cancel, "abandon": .abandon]) ?? .cancel
        )
        return .child(definition, to: try self.onlyNext(mapping))
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
            allowed: ["split", "losers", "to"] + Self.splitKeys
        )
        var inner = try self.splitReader(mapping).split(try mapping.required("split", for: self.owner))
        try self.set(&inner, mapping, join: .all)
        return .split(inner, to: try self.onlyNext(mapping))
    }

    private func batch(_ node: DocumentNode) throws(CanoError) -> StepDefinition {
        let mapping = try DocumentMapping(node, owner: self.owner, allowed: ["batch", "finish", "to"] + Self.splitKeys)
        let next = try self.next(mapping)
        var inner = try self.splitReader(mapping).split(try mapping.required("batch", for: self.owner))
        try self.set(&inner, mapping, join: JoinPolicy(.partial(atLeast: 0)))
        let finish = try mapping.required("finish", for: self.owner)
        let owner = "'finish' of \(self.owner)"
        let keys = finish.keys.contains("http") ? TaskReader.httpKeys : TaskReader.execKeys
        let inside = try DocumentMapping(finish, owner: owner, allowed: keys + ["into", "route", "undo"])
        inner.gather = try TaskReader(owner: owner, next: next).task(inside, name: nil)
        inner.choices = Array(next.dropFirst())
        return .split(inner, to: next[0])
    }

    private func parallel(_ node: DocumentNode) throws(CanoError) -> StepDefinition {
        let mapping = try DocumentMapping(
            node,
            owner: self.owner,
            allowed: ["parallel", "losers", "to"] + Self.splitKeys
        )
        var inner = try self.splitReader(mapping).parallel(try mapping.required("parallel", for: self.owner))
        try self.set(&inner, mapping, join: .all)
        return .split(inner, to: try self.onlyNext(mapping))
    }

    private func splitReader(_ mapping: DocumentMapping) throws(CanoError) -> SplitReader {
        SplitReader(
            owner: self.owner,
            retry: try mapping["retry"]?.retryPolicy(),
            timeout: try mapping["timeout"]?.span(),
            startWithin: try mapping["startWithin"]?.span(),
            hedge: try mapping["hedge"]?.span()
        )
    }

    private func set(
        _ split: inout SplitDefinition,
        _ mapping: DocumentMapping,
        join: JoinPolicy
    ) throws(CanoError) {
        split.join = try mapping["join"]?.joinPolicy() ?? join
        split.losers = try mapping["losers"]?.word(of: ["undo": SplitDefinition.Losers.undo, "keep": .keep]) ?? .undo
        split.inFlight = try mapping["inFlight"]
            .map { node throws(CanoError) in
                try node.integer(1...node.limits.branches)
            }
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
