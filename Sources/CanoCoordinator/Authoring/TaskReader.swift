// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// Reads the part of a state or a split that a handler does: `exec` or `http`, and what belongs to it.
struct TaskReader {
    /// The keys of a program that is run, in a state, a split or an expansion.
    static let execKeys = ["exec", "output", "exits", "retry", "timeout"]
    /// The keys of a request.
    static let httpKeys = ["http", "output", "retry", "timeout"]
    /// The keys that say how long work may wait, and when a second worker gets it.
    static let waitKeys = ["startWithin", "hedge"]

    /// What it belongs to, as messages name it.
    let owner: String
    /// The states that it may choose; `nil` where there is no choice, in a split and in an undo.
    let next: [String]?
    /// Whether it is asked again until it is ready.
    var isPoll = false
    /// When it is ready; `nil`: when it ends well.
    var until: RouteRule?

    init(owner: String, next: [String]?) {
        self.owner = owner
        self.next = next
    }

    func task(_ mapping: DocumentMapping, name: String?) throws(CanoError) -> TaskDefinition {
        let output = OutputRules(
            format: try mapping["output"]?.outputFormat(),
            into: try mapping["into"].map { node throws(CanoError) in try self.into(node, mapping) },
            route: mapping["route"] == nil ? nil : try self.routes(mapping),
            isKept: mapping["undo"] == nil ? nil : true,
            until: self.until
        )
        let (handler, label, arguments) = try self.work(mapping, output: output)
        return TaskDefinition(
            handler: handler,
            name: label,
            arguments: arguments,
            retry: try mapping["retry"]?.retryPolicy() ?? RetryPolicy(),
            timeout: try mapping["timeout"]?.span(),
            undo: try mapping["undo"].map { node throws(CanoError) in try self.undo(node, of: handler) },
            startWithin: try mapping["startWithin"]?.span(),
            hedge: try mapping["hedge"]?.span()
        )
    }

    private func into(_ node: DocumentNode, _ mapping: DocumentMapping) throws(CanoError) -> String {
        let format = try mapping["output"]?.outputFormat() ?? .json
        guard format == .text || format == .lines else {
            throw node.problem("\(node.name) needs 'output: text' or 'output: lines'; JSON is merged as it is")
        }
        return try node.text()
    }

    private func work(
        _ mapping: DocumentMapping,
        output: OutputRules
    ) throws(CanoError) -> (handler: String, label: String, arguments: Payload) {
        if let exec = mapping["exec"] {
            let exits = try mapping["exits"].map { node throws(CanoError) in try self.exits(node) }
            var argv: [String] = []
            for element in try exec.list() { argv.append(try argv.isEmpty ? element.nonEmptyText() : element.text()) }
            let arguments = ExecArguments(argv: argv, output: output, exits: exits)
            return (ExecArguments.handler, Self.label("exec \(argv[0])"), try arguments.payload())
        }
        let http = try mapping.required("http", for: self.owner)
        let arguments = try self.http(http, output: output)
        return (HTTPArguments.handler, Self.label("http \(arguments.url)"), try arguments.payload())
    }

    /// A task's name for people: one line of printable characters.
    private static func label(_ text: String) -> String {
        String(text.prefix(100).map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 0x20 } ? " " : $0 })
    }

    private func undo(_ node: DocumentNode, of handler: String) throws(CanoError) -> UndoDefinition {
        let keys = handler == HTTPArguments.handler ? TaskReader.httpKeys : TaskReader.execKeys
        let owner = "the undo of \(self.owner)"
        let allowed = keys.filter { $0 != "output" } + ["unknown"]
        let mapping = try DocumentMapping(node, owner: owner, allowed: allowed)
        let output = OutputRules(format: OutputFormat.none)
        let (_, _, arguments) = try TaskReader(owner: owner, next: nil).work(mapping, output: output)
        return UndoDefinition(
            arguments: arguments,
            retry: try mapping["retry"]?.retryPolicy() ?? RetryPolicy(),
            timeout: try mapping["timeout"]?.span(),
            coversUnknown: try mapping["unknown"]?.flag() ?? true
        )
    }

    // MARK: Outcomes

    private func exits(_ node: DocumentNode) throws(CanoError) -> [Int: OutcomeRule] {
        var rules: [Int: OutcomeRule] = [:]
        for (key, value) in try node.pairs() {
            guard let code = Int(key), (0...255).contains(code) else {
                throw value.problem("'\(key)' in \(node.name) is no exit code; use 0 to 255")
            }
            rules[code] = try self.outcome(value)
        }
        return rules
    }

    private func statuses(_ node: DocumentNode) throws(CanoError) -> [String: OutcomeRule] {
        var rules: [String: OutcomeRule] = [:]
        for (key, value) in try node.pairs() {
            let isClass = key.count == 3 && key.hasSuffix("xx") && ("1"..."5").contains(key.prefix(1))
            guard isClass || Int(key).map({ (100...599).contains($0) }) ?? false else {
                throw value.problem("'\(key)' in \(node.name) is no status; use 100 to 599, or 2xx, 3xx, 4xx, 5xx")
            }
            rules[key] = try self.outcome(value)
        }
        return rules
    }

    private func outcome(_ node: DocumentNode) throws(CanoError) -> OutcomeRule {
        guard node.isMapping else {
            if self.isPoll, node.plainText == "pending" { return .pending }
            return try node.word(of: ["ok": OutcomeRule.ok, "retry": .retry, "fail": .fail, "{ next: STATE }": .ok])
        }
        let mapping = try DocumentMapping(node, owner: node.name, allowed: ["next"])
        return .next(try self.state(try mapping.required("next", for: node.name)))
    }

    /// A state that the step may go to.
    private func state(_ node: DocumentNode) throws(CanoError) -> String {
        let name = try node.text()
        guard let next = self.next else {
            throw node.problem("\(self.owner) cannot choose a state; only a step with 'to' can")
        }
        guard next.contains(name) else {
            let guess = nearest(to: name, among: next).map { "did you mean '\($0)'?" } ?? "add it there"
            throw node.problem("'\(name)' is not in 'to' of \(self.owner): \(guess)")
        }
        return name
    }

    // MARK: Routes

    /// The rules of a `route`, such as `[[/words, ">", 0, done], [/error, exists, failed]]`.
    func routes(_ mapping: DocumentMapping) throws(CanoError) -> [RouteRule] {
        var rules: [RouteRule] = []
        for rule in try mapping.required("route", for: self.owner).list() {
            rules.append(try self.route(rule))
        }
        return rules
    }

    /// The condition of a poll, such as `[/ready, "==", true]`.
    func condition(_ node: DocumentNode) throws(CanoError) -> RouteRule {
        let (pointer, comparison, value, _) = try self.comparison(node, parts: 3)
        return RouteRule(pointer: pointer, comparison: comparison, value: value, next: "")
    }

    private func route(_ rule: DocumentNode) throws(CanoError) -> RouteRule {
        let (pointer, comparison, value, last) = try self.comparison(rule, parts: 4)
        return RouteRule(pointer: pointer, comparison: comparison, value: value, next: try self.state(last))
    }

    /// A place, an operator and a value, the value being left out where `exists` has none; and the last part.
    private func comparison(
        _ rule: DocumentNode,
        parts count: Int
    ) throws(CanoError) -> (String, RouteRule.Comparison, JSONValue, last: DocumentNode) {
        let parts = try rule.list()
        let form = count == 4 ? "[pointer, operator, value, state]" : "[pointer, operator, value]"
        let operators = RouteRule.Comparison.allCases.map(\.rawValue).joined(separator: " ")
        guard parts.count == count || parts.count == count - 1 else {
            throw rule.problem("\(rule.name) must be \(form); operators: \(operators)")
        }
        guard let comparison = RouteRule.Comparison(rawValue: try parts[1].text()) else {
            throw parts[1].problem("\(parts[1].kind) is no operator; use one of \(operators)")
        }
        guard parts.count == count || comparison == .exists else {
            throw rule.problem("\(rule.name) has no value to compare with: \(form)")
        }
        let pointer = try parts[0].text()
        guard JSONPointer(pointer) != nil else {
            throw parts[0].problem("'\(pointer)' is not a JSON pointer; write it like /words")
        }
        let value: JSONValue
        switch (comparison, parts.count == count) {
        case (.exists, false): value = .bool(true)
        case (.exists, true): value = .bool(try parts[2].flag())
        default: value = try parts[2].json()
        }
        return (pointer, comparison, value, parts[parts.count - 1])
    }

    // MARK: Requests

    /// A request: its URL alone, or `{ url: …, method: PUT, headers: { … }, body: …, status: { 404: { next: x } } }`.
    private func http(_ node: DocumentNode, output: OutputRules) throws(CanoError) -> HTTPArguments {
        if node.isScalar { return HTTPArguments(url: try node.text(), output: output) }
        let owner = "'http' of \(self.owner)"
        let mapping = try DocumentMapping(node, owner: owner, allowed: ["url", "method", "headers", "body", "status"])
        var headers: [String: String]?
        if let node = mapping["headers"] {
            var values: [String: String] = [:]
            for (name, value) in try node.pairs() {
                guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else {
                    throw value.problem("'\(name)' is not the name of a header")
                }
                guard !HTTPArguments.isOwnHeader(name) else {
                    throw value.problem("the header '\(name)' follows from the URL and the body; leave it out")
                }
                values[name] = try value.text()
            }
            headers = values
        }
        return HTTPArguments(
            method: try mapping["method"].map { node throws(CanoError) in try Self.method(node) },
            url: try mapping.required("url", for: owner).text(),
            headers: headers,
            body: try mapping["body"]?.json(),
            output: output,
            status: try mapping["status"].map { node throws(CanoError) in try self.statuses(node) }
        )
    }

    private static func method(_ node: DocumentNode) throws(CanoError) -> String {
        let method = try node.text()
        guard method.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) else {
            throw node.problem("\(node.name) must be a method in capitals such as GET or PUT, not '\(method)'")
        }
        return method
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
