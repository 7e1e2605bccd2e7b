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
        case 1, 2, 3, 4:
            var task = Self.task(canUndo: true, &draw)
            if draw.chance(15) { task.within = draw.span(2_000...30_000) }
            if index > 0, task.repetition == nil { task.isLocal = draw.chance(40) }
            return .task(run: task, to: choices)
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
        let fixed = (0..<2 + draw.number(below: 3)).map { _ in Self.task(canUndo: true, &draw) }
        return SplitDefinition(
            draw.chance(30)
                ? .fixed(fixed)
                : .each(expand: Self.task(canUndo: false, &draw), branch: Self.task(canUndo: true, &draw)),
            join: JoinPolicy(draw.pick(rules) ?? .all, within: within),
            losers: draw.chance(30) ? .keep : .undo,
            inFlight: draw.chance(30) ? 1 + draw.number(below: 3) : nil,
            gather: draw.chance(35) ? Self.task(canUndo: true, &draw) : nil
        )
    }

    private static func task(canUndo: Bool, _ draw: inout Draw) -> TaskDefinition {
        let undo = canUndo && draw.chance(60)
        let repeats = canUndo && draw.chance(30)
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
                ) : nil,
            repetition: repeats
                ? Repetition(
                    draw.pick([.poll, .stepped, .stream]) ?? .poll,
                    pause: draw.chance(50) ? draw.span(10...2_000) : nil,
                    errorBudget: draw.chance(30) ? draw.number(below: 6) : nil
                ) : nil,
            startWithin: canUndo && draw.chance(8) ? draw.span(2_000...20_000) : nil,
            hedge: canUndo && !repeats && draw.chance(25) ? draw.span(50...1_500) : nil
        )
    }

    private static func retry(_ draw: inout Draw) -> RetryPolicy {
        RetryPolicy {
            $0.maximumAttempts = 1 + draw.number(below: 5)
            $0.initialDelay = draw.pick([20, 200, 2_000, 8_000]).map { Span(milliseconds: $0) } ?? .seconds(1)
            $0.maximumDelay = .seconds(20)
            if draw.chance(15) { $0.maximumElapsed = draw.span(500...20_000) }
            if draw.chance(15) { $0.overrides = ["taskFailed": .never] }
        }
    }
}
