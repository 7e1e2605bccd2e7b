// SPDX-License-Identifier: Apache-2.0 OR MIT

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension Step {
    /// The run waits for a time, as a row in the store: it costs nothing meanwhile.
    ///
    /// - Parameters:
    ///   - duration: how long, to the millisecond.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func wait(_ duration: Duration, to next: W.State) -> Step {
        Self(.timer(after: Span(duration), to: next.rawValue))
    }

    /// The run waits until a date that the context has, as a row in the store.
    ///
    /// - Parameters:
    ///   - date: where the context has the date; one that has passed lets the run go on at once.
    ///   - next: the state that follows.
    /// - Returns: the step.
    public static func wait(until date: any KeyPath<W.Context, Date> & Sendable, to next: W.State) -> Step {
        Self.wait(to: next) { $0[keyPath: date] }
    }

    /// The run waits until a date that is computed from the context, as a row in the store.
    ///
    /// The date is computed once in each visit, by a worker; from then on the store knows when the wait is over.
    ///
    /// - Parameters:
    ///   - next: the state that follows.
    ///   - date: computes the date; one that has passed lets the run go on at once.
    /// - Returns: the step.
    public static func wait(
        to next: W.State,
        until date: @escaping @Sendable (W.Context) throws -> Date
    ) -> Step {
        var code = StepCode()
        code.task = { input, context in
            if context.cursor == nil {
                let due = try date(try input.context.decoded(as: W.Context.self, what: "the context"))
                if let rest = Self.rest(until: due) { return .again(cursor: .json("true"), after: rest) }
            }
            return .task(context: nil, next: nil, output: nil)
        }
        let direct = DirectCode<W>
            .repeated { context, turns in
                // Nobody else watches the time: it is looked at again when the pause is over, or the run is resumed.
                await turns.run(context) { (value, known: Date?, _) in
                    let due = try known ?? date(value)
                    return Self.rest(until: due).map { .again(due, after: $0.duration) } ?? .done(DirectEnd(next: 0))
                }
            }
        var run = TaskDefinition.compiled("wait", RetryPolicy(), nil, nil)
        run.repetition = Repetition(.timer)
        return Self(.task(run: run, to: [next.rawValue]), code, direct: direct)
    }

    /// How long it is until a date; `nil` when it has passed.
    private static func rest(until date: Date) -> Span? {
        // Rounded up, so that the run never goes on before its time.
        let milliseconds = min((date.timeIntervalSinceNow * 1000).rounded(.up), Double(Int64.max / 2))
        return milliseconds > 0 ? Span(milliseconds: Int64(milliseconds)) : nil
    }
}
