// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import FoundationEssentials

// MARK: - Bounds of time

extension TaleCase {
    static let bounds = [
        TaleCase(
            "a task that is not done within its deadline, though its attempts may be many",
            second: { ledger in
                let deed = Tale.Deed(deed: "slow", ledger: ledger, also: { _, _ in throw TaskFailure("not yet") })
                return .task(deed, retry: .fixed(attempts: 1000, every: .milliseconds(20)), to: .judge)
                    .within(.milliseconds(200))
            }
        ),
        TaleCase(
            "an attempt that is out when the deadline comes is in doubt",
            second: { ledger in
                let deed = Tale.Deed(
                    deed: "slow",
                    ledger: ledger,
                    also: { _, _ in try await Task.sleep(for: .seconds(3600)) }
                )
                return .task(deed, to: .judge).within(.seconds(3))
            }
        ),
        TaleCase(
            "what succeeds after the deadline is undone",
            second: { ledger in
                // It does not heed its cancellation.
                let deed = Tale.Deed(
                    deed: "late",
                    ledger: ledger,
                    also: { _, _ in do { try await Task.sleep(for: .seconds(3600)) } catch {} }
                )
                return .task(deed, to: .judge).within(.seconds(3))
            }
        ),
        TaleCase(
            "a deadline that is kept",
            second: { .task(Tale.Deed(deed: "quick", ledger: $0), to: .judge).within(.seconds(60)) }
        ),
        TaleCase(
            "retries that their time ends",
            second: { ledger in
                let deed = Tale.Deed(deed: "never", ledger: ledger, also: { _, _ in throw TaskFailure("never") })
                let retry = RetryPolicy {
                    $0.initialDelay = .seconds(3600)
                    $0.maximumDelay = .seconds(3600)
                    $0.maximumElapsed = .seconds(60)
                }
                return .task(deed, retry: retry, to: .judge)
            }
        ),
    ]
}

// MARK: - Polls and steps

extension TaleCase {
    static let polls = [
        Self.poll("a poll that is ready the third time") { $0.attempt < 3 ? .pending : .ready },
        Self.poll("a poll that says when to ask again", every: .seconds(3600)) {
            $0.attempt < 3 ? .pending(after: .milliseconds(1)) : .ready
        },
        Self.poll("errors in a row that a poll puts up with", errors: .consecutive(2)) { task in
            if task.attempt % 3 != 0 { throw TaskFailure("busy") }
            return task.attempt < 6 ? .pending : .ready
        },
        Self.poll("errors in a row that a poll does not put up with", errors: .consecutive(2)) { task in
            if task.attempt > 1 { throw TaskFailure("busy") }
            return .pending
        },
        Self.poll("errors altogether that a poll puts up with", errors: .total(2)) { task in
            if task.attempt.isMultiple(of: 2) { throw TaskFailure("busy") }
            return task.attempt < 5 ? .pending : .ready
        },
        Self.poll("errors altogether that a poll does not put up with", errors: .total(2)) { task in
            if task.attempt.isMultiple(of: 2) { throw TaskFailure("busy") }
            return .pending
        },
        Self.poll("a poll that puts up with nothing", errors: .none) { _ in throw TaskFailure("busy") },
        Self.poll("a poll that is not ready in time", within: .seconds(3)) { _ in
            try await Task.sleep(for: .seconds(3600))
            return .pending
        },
        Self.poll("a poll that asks too seldom", every: .seconds(3600), within: .seconds(3)) { _ in .pending },
        TaleCase(
            "a poll that chooses",
            first: { _ in
                .poll(Tale.Verdict(state: .judge), every: .seconds(1), to: .second, .judge)
            }
        ),
        TaleCase(
            "a poll that chooses what is not declared",
            first: { _ in
                .poll(Tale.Verdict(state: .done), every: .seconds(1), to: .second, .judge)
            }
        ),
        Self.reservation("the answer of a poll is undone") { $0.attempt < 2 ? .pending : .ready("seat") },
        Self.reservation("a question in doubt is undone") { task in
            if task.attempt < 2 { return .pending }
            throw CancellationError()
        },
    ]

    private static func poll(
        _ name: String,
        every pause: Duration = .milliseconds(1),
        within: Duration? = nil,
        errors: PollErrors = .consecutive(4),
        _ answer: @escaping @Sendable (TaskContext) async throws -> PollAnswer<Void>
    ) -> TaleCase {
        TaleCase(
            name,
            second: { ledger in
                .poll(
                    Tale.Question(ledger: ledger, answer: answer),
                    every: pause,
                    within: within,
                    errors: errors,
                    to: .judge
                )
            }
        )
    }

    private static func reservation(
        _ name: String,
        _ answer: @escaping @Sendable (TaskContext) async throws -> PollAnswer<String>
    ) -> TaleCase {
        TaleCase(
            name,
            { $0.context.endsBadly = true },
            second: { ledger in
                .poll(
                    Tale.Reservation(ledger: ledger, answer: answer),
                    every: .milliseconds(1),
                    errors: .none,
                    to: .judge
                )
            }
        )
    }

    static let steps = [
        TaleCase("a wait until a date", second: { _ in .wait(to: .judge) { _ in Date(timeIntervalSinceNow: 0.05) } }),
        TaleCase("a date that has passed", second: { _ in .wait(to: .judge) { _ in Date(timeIntervalSince1970: 0) } }),
        TaleCase(
            "a date that nobody knows",
            second: { _ in
                .wait(to: .judge) { _ in throw TaskFailure.permanent("no date") }
            }
        ),
        TaleCase("three steps", second: { .stepped(Tale.March(ledger: $0), to: .judge) }),
        TaleCase(
            "a step that is tried again begins where the one before ended",
            second: { ledger in
                let march = Tale.March(ledger: ledger) { step, task in
                    if step == 2, task.attempt < 4 { throw TaskFailure("stumbled") }
                }
                return .stepped(march, retry: Tale.quick, to: .judge)
            }
        ),
        TaleCase(
            "a step that fails for good",
            second: { ledger in
                let march = Tale.March(ledger: ledger) { step, _ in if step == 2 { throw TaskFailure("fell") } }
                return .stepped(march, retry: Tale.quick, to: .judge)
            }
        ),
        TaleCase(
            "a step that takes too long once",
            second: { ledger in
                let march = Tale.March(ledger: ledger) { step, task in
                    if step == 2, task.attempt == 2 { try await Task.sleep(for: .seconds(3600)) }
                }
                return .stepped(march, retry: Tale.quick, timeout: .seconds(2), to: .judge)
            }
        ),
        TaleCase(
            "steps that are undone as a whole, and choose",
            { $0.context.endsBadly = true },
            first: { .stepped(Tale.Expedition(ledger: $0), to: .second, .judge) }
        ),
    ]
}

// MARK: - Batches and different branches

extension TaleCase {
    static let batches = [
        Self.batch("a batch", Tale.Batch()),
        Self.batch("a batch of nothing", Tale.Batch(count: 0)),
        Self.batch("a batch that cannot be loaded", Tale.Batch(count: -1)),
        Self.batch(
            "a batch with items that fail",
            Tale.Batch { item, _ in
                if item == 2 { throw TaskFailure.permanent("no 2") }
                return item
            }
        ),
        Self.batch(
            "a batch that wants all items",
            join: .all,
            Tale.Batch { item, _ in
                if item == 2 { throw TaskFailure.permanent("no 2") }
                try await Task.sleep(for: .seconds(60))
                return item
            }
        ),
        Self.batch(
            "a batch whose end is tried again",
            Tale.Batch(also: { task in
                if task.attempt < 3 { throw TaskFailure("not yet") }
            })
        ),
        Self.batch("a batch whose end fails", Tale.Batch(also: { _ in throw TaskFailure.permanent("not so") })),
        Self.batch("a batch of two at once", inFlight: 2, Tale.Batch(count: 7)),
        TaleCase(
            "a batch that is undone as a whole, and chooses",
            { $0.context.endsBadly = true },
            first: { .batch(Tale.Shipment(ledger: $0), to: .second, .judge) }
        ),
    ]

    private static func batch(
        _ name: String,
        inFlight: Int? = nil,
        join: JoinPolicy = .partial(atLeast: 0),
        _ batch: Tale.Batch
    ) -> TaleCase {
        TaleCase(
            name,
            second: { _ in .batch(batch, inFlight: inFlight, join: join, retry: Tale.quick, to: .judge) }
        )
    }

    static let parallels = [
        Self.parallel("different branches"),
        Self.parallel(
            "different branches, one of which fails",
            join: .partial(atLeast: 1),
            count: { _ in
                throw TaskFailure.permanent("no number")
            }
        ),
        Self.parallel(
            "different branches, one of which fails all",
            count: { _ in
                try await Task.sleep(for: Self.untilOthersCount)
                throw TaskFailure.permanent("no number")
            }
        ),
        Self.parallel(
            "the first of different branches",
            join: .any,
            say: { _ in
                try await Task.sleep(for: .seconds(3600))
                return "late"
            }
        ),
        Self.parallel(
            "different branches that are tried again",
            count: { task in
                if task.attempt < 3 { throw TaskFailure("not yet") }
                return task.attempt
            }
        ),
        Self.parallel(
            "different branches, merged by the third attempt",
            merge: { attempt in
                if attempt < 3 { throw TaskFailure("not yet") }
            }
        ),
        Self.parallel("different branches that nobody merges", merge: { _ in throw TaskFailure.permanent("no") }),
        Self.parallel("different branches are undone where they can be", endsBadly: true),
        Self.parallel(
            "a branch without an undo that is late counts for nothing",
            endsBadly: true,
            join: .any,
            count: { _ in
                do { try await Task.sleep(for: .seconds(3600)) } catch {}
                return 1
            },
            say: { _ in
                try await Task.sleep(for: Self.untilOthersCount)
                return "first"
            }
        ),
        Self.parallel(
            "a late branch with an undo is undone",
            endsBadly: true,
            join: .any,
            count: { _ in
                try await Task.sleep(for: Self.untilOthersCount)
                return 1
            },
            say: { _ in
                do { try await Task.sleep(for: .seconds(3600)) } catch {}
                return "late"
            }
        ),
    ]

    private static func parallel(
        _ name: String,
        endsBadly: Bool = false,
        join: JoinPolicy = .all,
        count: @escaping @Sendable (TaskContext) async throws -> Int = { _ in 42 },
        say: @escaping @Sendable (TaskContext) async throws -> String = { _ in "word" },
        merge: @escaping @Sendable (Int) throws -> Void = { _ in }
    ) -> TaleCase {
        TaleCase(
            name,
            { $0.context.endsBadly = endsBadly },
            second: { ledger in
                let attempts = Guarded(0)
                return .parallel(
                    Tale.Count(does: count),
                    Tale.Say(ledger: ledger, does: say),
                    join: join,
                    retry: Tale.quick,
                    to: .judge
                ) { context, results in
                    let (number, word) = results.values
                    try merge(
                        attempts.withLock { attempts in
                            attempts += 1
                            return attempts
                        }
                    )
                    context.notes.append("\(Self.told(number)) \(Self.told(word))")
                }
            }
        )
    }

    private static func told<Output>(_ result: BranchResult<Output>) -> String {
        switch result {
        case .success(let output): "\(output)"
        case .failure(let failure): failure.message
        case .cancelled: "cancelled"
        }
    }
}
