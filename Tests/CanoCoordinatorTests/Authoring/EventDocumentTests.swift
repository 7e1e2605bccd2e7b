// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoCoordinator
import CanoEngine
import Testing

@Suite("Workflow documents: signals and children")
struct EventDocumentTests {
    private func parse(_ states: String, head: String = "") throws -> Definition {
        try WorkflowDocument.parse("workflow: w\n\(head)states:\n\(states)  done: { exit: true }\n")
    }

    @Test("a wait for a signal, with and without a bound; a wait for a time stays a timer")
    func wait() throws {
        let definition = try self.parse(
            """
              ask: { wait: { signal: approval, within: 3d, timeoutTo: late }, to: pause }
              pause: { wait: 1h, to: again }
              again: { wait: { signal: go }, to: done }
              late: { exit: failure }

            """
        )
        let wait = WaitDefinition(signal: "approval", within: .seconds(259_200), timeoutTo: "late")
        #expect(definition.states[0].step == .wait(wait, to: "pause"))
        #expect(definition.states[1].step == .timer(after: .seconds(3600), to: "again"))
        #expect(definition.states[2].step == .wait(WaitDefinition(signal: "go"), to: "done"))
    }

    @Test("a child with the place of its context and what becomes of it")
    func child() throws {
        let definition = try self.parse(
            "  bill: { child: { workflow: bill, version: 2, input: /order }, onParentEnd: abandon, to: done }\n"
        )
        guard case .child(let child, to: "done") = definition.states[0].step else {
            return #expect(Bool(false), "no child")
        }
        #expect(child.workflow == "bill" && child.version == 2 && child.onParentEnd == .abandon)
        #expect(child.input.handler == "route")
        let arguments = try RouteArguments(pick: "/order").payload()
        #expect(child.input.arguments == arguments)
    }

    @Test("what happens when an undo fails is the workflow's choice")
    func onUndoFailure() throws {
        #expect(try self.parse("", head: "onUndoFailure: block\n").onUndoFailure == .block)
        #expect(try self.parse("").onUndoFailure == nil)
    }

    @Test(
        "what is wrong is named with its place",
        arguments: [
            ("  a: { wait: { within: 1h }, to: done }\n", "needs 'signal'"),
            ("  a: { wait: { signal: go, timeoutTo: done }, to: done }\n", "set `within`"),
            ("  a: { child: { input: /x }, to: done }\n", "needs 'workflow'"),
            ("  a: { child: { workflow: b, input: x }, to: done }\n", "must be a JSON pointer"),
            ("  a: { child: { workflow: b }, onParentEnd: stay, to: done }\n", "wait, cancel, abandon"),
        ]
    )
    func wrong(states: String, reason: String) {
        let error = #expect(throws: CanoError.self) { try self.parse(states) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
}
