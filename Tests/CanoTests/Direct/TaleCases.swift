// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano

/// What every way to run a workflow must make the same of.
struct TaleCase: Sendable, CustomStringConvertible {
    let name: String
    var context = Tale.Context()
    /// Whether the order of the ledger is the doing of chance.
    var isUnordered = false
    let tale: @Sendable (Ledger) -> Tale

    var description: String { self.name }

    init(
        _ name: String,
        _ adjust: (inout TaleCase) -> Void = { _ in },
        first: @escaping @Sendable (Ledger) -> Step<Tale> = { .task(Tale.Deed(ledger: $0), to: .second) },
        second: @escaping @Sendable (Ledger) -> Step<Tale> = { .task(Tale.Note(ledger: $0), to: .judge) }
    ) {
        self.name = name
        self.tale = { Tale(first: first($0), second: second($0)) }
        adjust(&self)
    }

    static let all =
        Self.forward + Self.failing + Self.undoing + Self.splits + Self.undoneSplits + Self.bounds + Self.polls
        + Self.steps
        + Self.batches + Self.parallels

    private static let forward = [
        TaleCase("two steps"),
        TaleCase("a choice", first: { _ in .task(Tale.Choice(state: .judge), to: .second, .judge) }),
        TaleCase("a timer", second: { _ in .wait(.milliseconds(5), to: .judge) }),
        TaleCase("an exit of failure") { $0.context.endsBadly = true },
        TaleCase(
            "the third attempt does it",
            second: { ledger in
                .task(
                    Tale.Note(ledger: ledger) { context, task in
                        if task.attempt < 3 { throw TaskFailure("not yet") }
                    },
                    retry: Tale.quick,
                    to: .judge
                )
            }
        ),
        TaleCase(
            "the second attempt is fast enough",
            second: { ledger in
                .task(
                    Tale.Note(ledger: ledger) { _, task in
                        if task.attempt == 1 { try await Task.sleep(for: .seconds(3600)) }
                    },
                    retry: Tale.quick,
                    timeout: .milliseconds(300),
                    to: .judge
                )
            }
        ),
    ]

    private static let failing = [
        Self.failing("an error until the attempts are used up") { _ in throw TaskFailure("never") },
        Self.failing("an error of somebody else") { _ in throw Foreign() },
        Self.failing("an error that no attempt can mend") { _ in throw TaskFailure.permanent("no", code: "noWay") },
        Self.failing("a pause that the task asks for") { task in
            throw TaskFailure("again", isRetryable: task.attempt < 2, retryAfter: .milliseconds(1))
        },
        Self.failing("a cancellation that nobody asked for") { _ in throw CancellationError() },
        Self.failing("an attempt that takes too long", timeout: .milliseconds(20)) { _ in
            try await Task.sleep(for: .seconds(3600))
        },
        TaleCase(
            "an undeclared state",
            second: { _ in .task(Tale.Choice(state: .done), retry: Tale.quick, to: .judge, .failed) }
        ),
    ]

    /// The second step fails so, as a task with an undo.
    private static func failing(
        _ name: String,
        timeout: Duration? = nil,
        _ fails: @escaping @Sendable (TaskContext) async throws -> Void
    ) -> TaleCase {
        TaleCase(
            name,
            second: { ledger in
                let deed = Tale.Deed(deed: "second", ledger: ledger, also: { _, task in try await fails(task) })
                return .task(deed, retry: Tale.quick, timeout: timeout, to: .judge)
            }
        )
    }

    private static let undoing = [
        TaleCase(
            "two undos",
            { $0.context.endsBadly = true },
            second: { .task(Tale.Deed(deed: "more", ledger: $0), to: .judge) }
        ),
        TaleCase(
            "an undo that needs three attempts",
            { $0.context.endsBadly = true },
            first: { ledger in
                let deed = Tale.Deed(
                    ledger: ledger,
                    undoing: { if $0.attempt < 3 { throw TaskFailure("not yet") } }
                )
                return .task(deed, to: .second)
            }
        ),
        TaleCase(
            "an undo that fails for good, before one that does not",
            { $0.context.endsBadly = true },
            second: { ledger in
                let deed = Tale.Deed(deed: "more", ledger: ledger, undoing: { _ in throw TaskFailure("never") })
                return .task(deed, to: .judge)
            }
        ),
        TaleCase(
            "attempts in doubt that are not undone",
            second: { ledger in
                var deed = Tale.Deed(ledger: ledger, also: { _, _ in throw CancellationError() })
                deed.policy.coversUnknown = false
                return .task(deed, retry: Tale.quick, to: .judge)
            }
        ),
    ]
}

extension TaleCase {
    /// Longer than outcomes that are reported at once take to be counted, on a busy machine too: a join tells how many
    /// counted before it was decided, and nothing else orders outcomes of one moment.
    static let untilOthersCount = Duration.seconds(1)

    private static let splits = [
        Self.split("all branches", of: 5),
        Self.split("no branches", of: 0),
        Self.split("any of no branches", of: 0, join: .any),
        Self.split("more branches than are allowed", of: 100_001),
        Self.split("items that cannot be made", of: -1),
        Self.split("one branch fails all", of: 3) { item, _ in
            if item != 1 { try await Task.sleep(for: .seconds(60)) }
            throw TaskFailure.permanent("no branch")
        },
        Self.split("any but the slow ones", of: 3, join: .any) { item, _ in
            if item != 1 { try await Task.sleep(for: .seconds(3600)) }
            return item
        },
        Self.split("a quorum that two failures leave", of: 4, join: .quorum(2)) { item, _ in
            if item < 2 { throw TaskFailure.permanent("no \(item)") }
            try await Task.sleep(for: Self.untilOthersCount)
            return item
        },
        Self.split("a quorum that is missed", of: 4, join: .quorum(.percent(75))) { item, _ in
            if item < 2 {
                try await Task.sleep(for: Self.untilOthersCount * (item + 1))
                throw TaskFailure.permanent("no \(item)")
            }
            return item
        },
        Self.split("what there is when the time is up", of: 3, join: .partial(atLeast: 1, within: .milliseconds(300))) {
            item,
            _ in
            if item == 2 { try await Task.sleep(for: .seconds(3600)) }
            if item == 1 { throw TaskFailure.permanent("no branch") }
            return item
        },
        Self.split("too little when the time is up", of: 3, join: .all(within: .milliseconds(300))) { item, _ in
            if item == 2 { try await Task.sleep(for: .seconds(3600)) }
            return item
        },
        Self.split("branches that are tried again", of: 3) { item, task in
            if task.attempt < 3 { throw TaskFailure("not yet") }
            return item
        },
    ]

    private static func split(
        _ name: String,
        of count: Int,
        join: JoinPolicy = .all,
        _ does: @escaping @Sendable (Int, TaskContext) async throws -> Int = { item, _ in item * item }
    ) -> TaleCase {
        TaleCase(
            name,
            first: { _ in
                .split(
                    over: Tale.Items(count: count),
                    Tale.Twig(does: does),
                    join: join,
                    retry: Tale.quick,
                    to: .second
                )
            },
            second: { _ in .task(Tale.Gather(), to: .judge) }
        )
    }

    private static let undoneSplits = [
        Self.undoneSplit("branches are undone", join: .all) { item, _ in item },
        Self.undoneSplit("branches that succeeded are undone when one fails", join: .partial(atLeast: 3)) { item, _ in
            if item == 2 { throw TaskFailure.permanent("no branch") }
            return item
        },
        Self.undoneSplit("losers that succeed are undone", join: .any) { item, _ in try await Self.loser(item) },
        Self.undoneSplit("losers that succeed are kept", join: .any, losers: .keep) { item, _ in
            try await Self.loser(item)
        },
        Self.undoneSplit("losers that stop are in doubt", join: .any) { item, _ in
            try await Task.sleep(for: item == 0 ? .milliseconds(300) : .seconds(3600))
            return item
        },
        Self.undoneSplit("a branch in doubt fails", join: .all) { item, _ in
            if item == 1 { throw CancellationError() }
            return item
        },
    ]

    /// The first branch wins once the others run; they succeed all the same when they are asked to stop.
    private static func loser(_ item: Int) async throws -> Int {
        guard item > 0 else {
            try await Task.sleep(for: .milliseconds(300))
            return item
        }
        // The cancellation is what it waits for.
        do { try await Task.sleep(for: .seconds(3600)) } catch {}
        return item
    }

    private static func undoneSplit(
        _ name: String,
        join: JoinPolicy,
        losers: SplitDefinition.Losers = .undo,
        _ does: @escaping @Sendable (Int, TaskContext) async throws -> Int
    ) -> TaleCase {
        TaleCase(
            name,
            { tale in
                tale.context.endsBadly = true
                tale.isUnordered = true
            },
            first: { ledger in
                let bough = Tale.Bough(ledger: ledger, does: does)
                return .split(
                    over: Tale.Items(count: 3),
                    bough,
                    join: join,
                    retry: Tale.quick,
                    losers: losers,
                    to: .second
                )
            },
            second: { _ in .task(Tale.Gather(), to: .judge) }
        )
    }
}

/// An error that knows nothing of Cano.
private struct Foreign: Error {}
