// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The workflow of the fault scenarios: two steps and a split that can be undone, then a step that may fail for good.
struct Journey {
    static let name = "journey"
    /// What a run pushes before its last step: two steps and every branch.
    static let pushes = 2 + branches
    static let branches = 12

    let ledger: Ledger
    let scratch: Scratch

    /// Writes the programs; each execution leaves its line first and then takes `seconds`.
    init(in scratch: Scratch, seconds: String = "0.05") throws {
        self.scratch = scratch
        self.ledger = Ledger(path: scratch.file("ledger"))
        try scratch.write(
            program: """
                #!/bin/sh
                printf '%s %s %s\\n' "$1" "$CANO_IDEMPOTENCY_KEY" "$CANO_ATTEMPT" >> '\(self.ledger.path)'
                sleep \(seconds)
                [ "$2" = fail ] && exit 9
                printf '{}'
                """,
            named: "task.sh"
        )
    }

    var program: String { self.scratch.file("task.sh") }

    var yaml: String {
        let undo = "undo: { exec: [\(self.program), undid] }"
        let items = (0..<Self.branches).map(String.init).joined(separator: ", ")
        return """
            workflow: \(Self.name)
            version: 1
            start: reserve
            context: { items: [\(items)], end: good }
            states:
              reserve: { exec: [\(self.program), did], \(undo), to: charge }
              charge: { exec: [\(self.program), did], \(undo), to: pack }
              pack: { split: { over: /items, exec: [\(self.program), did], \(undo) }, join: all, to: ship }
              ship: { exec: [\(self.program), did, "{{context.end}}"], exits: { 9: fail }, to: shipped }
              shipped: { exit: success }
            """
    }

    /// Starts of `count` runs; every `failing`-th fails at its end.
    func starts(_ count: Int, failing: Int, prefix: String = "run") -> [String] {
        let items = (0..<Self.branches).map(String.init).joined(separator: ",")
        return (0..<count)
            .map { number in
                let end = number % failing == 0 ? "fail" : "good"
                let context = #"{"items": [\#(items)], "end": "\#(end)"}"#
                return #"{"workflow": "\#(Self.name)", "key": "\#(prefix)-\#(number)-\#(end)", "context": \#(context)}"#
            }
    }

    /// What does not fit between the histories and the ledger.
    func problems(of histories: [RunHistory]) -> [String] {
        let executions = self.ledger.executions
        return histories.flatMap { history -> [String] in
            var problems = self.ledger.problems(with: history, executions: executions)
            let expected = history.run.key?.hasSuffix("fail") == true ? "failed" : "succeeded"
            if history.run.status != expected {
                problems.append(
                    "\(history.run.id) is \(history.run.status), not \(expected): \(history.run.note ?? "")"
                )
            }
            if history.pushes.count != Self.pushes {
                problems.append("\(history.run.id) pushed \(history.pushes.count) of \(Self.pushes)")
            }
            return problems
        }
    }
}
