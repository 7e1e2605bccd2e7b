// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Definitions of every shape, the same ones for the same draws.
package enum RandomDefinition {
    /// A chain of one to five states that may skip ahead or fail, with an exit of each kind.
    ///
    /// - Parameters:
    ///   - name: the workflow's name.
    ///   - children: the workflows that it may start runs of; none, when there are none.
    ///   - draw: where the choices come from.
    /// - Returns: the definition.
    package static func make(name: String, children: [String] = [], from draw: inout Draw) -> Definition {
        let count = 1 + draw.number(below: 5)
        var states: [StateDefinition] = []
        for index in 0..<count {
            let next = index + 1 == count ? "done" : "s\(index + 1)"
            // The first state can always reach the exit of failure, so that no state is unreachable.
            let choices = index == 0 || draw.chance(20) ? [next, "sorry"] : [next]
            states.append(StateDefinition(name: "s\(index)", step: Self.step(index, next, choices, children, &draw)))
        }
        states.append(StateDefinition(name: "done", step: .exit(.success)))
        states.append(StateDefinition(name: "sorry", step: .exit(.failure)))
        let timeout = draw.chance(15) ? draw.span(3_000...60_000) : nil
        var definition = Definition(name: name, version: 1, start: "s0", states: states, timeout: timeout)
        if draw.chance(30) { definition.onUndoFailure = .block }
        return definition
    }

    private static func step(
        _ index: Int,
        _ next: String,
        _ choices: [String],
        _ children: [String],
        _ draw: inout Draw
    ) -> StepDefinition {
        let kind = choices.count > 1 ? draw.number(below: 5) : draw.number(below: 13)
        if kind == 10 || choices.count > 1 && draw.chance(15) { return Self.wait(next, choices, &draw) }
        if kind > 10, let child = draw.pick(children) { return Self.child(child, next, &draw) }
        switch kind {
        case 0: return .router(run: Self.task(canUndo: false, &draw), to: choices)
        case 1, 2, 3, 4: return .task(run: Self.task(canUndo: true, &draw), to: choices)
        case 5:
            let times: [Int64] = [50, 900, 4_000, 12_000]
            return .timer(after: Span(milliseconds: draw.pick(times) ?? 1_000), to: next)
        default: return .split(Self.split(&draw), to: next)
        }
    }

    /// Where the step may fail, a wait that nobody ends does.
    private static func wait(_ next: String, _ choices: [String], _ draw: inout Draw) -> StepDefinition {
        let isBounded = choices.count > 1 || draw.chance(30)
        let within = isBounded ? draw.span(500...20_000) : nil
        let signal = Self.signals[draw.number(below: Self.signals.count)]
        let wait = WaitDefinition(signal: signal, within: within, timeoutTo: choices.count > 1 ? choices[1] : nil)
        return .wait(wait, to: next)
    }

    private static func child(_ workflow: String, _ next: String, _ draw: inout Draw) -> StepDefinition {
        let policies: [ChildDefinition.ParentEnd] = [.wait, .cancel, .abandon]
        let child = ChildDefinition(
            input: Self.task(canUndo: false, &draw),
            workflow: workflow,
            version: draw.chance(50) ? 1 : nil,
            onParentEnd: draw.pick(policies) ?? .cancel
        )
        return .child(child, to: next)
    }

    /// The signals that runs of these definitions wait for.
    package static let signals = ["go", "stop"]

    private static func split(_ draw: inout Draw) -> SplitDefinition {
        let rules: [JoinPolicy.Rule] = [
            .all, .any, .quorum(count: 2), .quorumPercent(60), .partial(atLeast: 1), .partial(atLeast: 0),
        ]
        let within = draw.chance(40) ? draw.span(500...15_000) : nil
        return SplitDefinition(
            expand: Self.task(canUndo: false, &draw),
            branch: Self.task(canUndo: true, &draw),
            join: JoinPolicy(draw.pick(rules) ?? .all, within: within),
            losers: draw.chance(30) ? .keep : .undo
        )
    }

    private static func task(canUndo: Bool, _ draw: inout Draw) -> TaskDefinition {
        let undo = canUndo && draw.chance(60)
        return TaskDefinition(
            handler: "work",
            name: "work",
            retry: Self.retry(&draw),
            timeout: draw.chance(30) ? draw.span(200...3_000) : nil,
            undo: undo
                ? UndoDefinition(
                    retry: Self.retry(&draw),
                    timeout: draw.chance(20) ? draw.span(300...2_000) : nil,
                    coversUnknown: draw.chance(80)
                ) : nil
        )
    }

    private static func retry(_ draw: inout Draw) -> RetryPolicy {
        RetryPolicy {
            $0.maximumAttempts = 1 + draw.number(below: 5)
            $0.initialDelay = draw.pick([20, 200, 2_000, 8_000]).map { Span(milliseconds: $0) } ?? .seconds(1)
            $0.maximumDelay = .seconds(20)
        }
    }
}
