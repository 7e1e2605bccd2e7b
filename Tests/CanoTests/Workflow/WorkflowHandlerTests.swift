// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Logging
import Testing

@Suite("Workflow handler")
struct WorkflowHandlerTests {
    static let books = #"{"books":["one two","three","four five six"],"shelf":"a","words":0}"#

    @Test("a task's context goes in and comes out")
    func task() async throws {
        let input = LeaseGrant.Input.task(context: .json(#"{"shelf":"a","books":[],"words":0}"#), branches: nil)
        let result = try await Bench(IndexBooks()).perform("fetch", input)
        #expect(result == .completed(.task(context: .json(Self.books), next: nil, output: nil)))
    }

    @Test("a context that stays as it was is not sent back")
    func unchanged() async throws {
        let input = LeaseGrant.Input.task(context: .json(Self.books), branches: nil)
        let result = try await Bench(IndexBooks()).perform("fetch", input)
        #expect(result == .completed(.task(context: nil, next: nil, output: nil)))
    }

    @Test("a list in the context becomes the items of a split")
    func items() async throws {
        let result = try await Bench(IndexBooks()).perform("count", .expand(context: .json(Self.books), branches: nil))
        let items: [Payload] = [.json(#""one two""#), .json(#""three""#), .json(#""four five six""#)]
        #expect(result == .completed(.items(items)))
    }

    @Test("a branch gets its item and returns its output")
    func branch() async throws {
        let input = LeaseGrant.Input.branch(index: 2, item: .json(#""four five six""#), context: .json(Self.books))
        #expect(try await Bench(IndexBooks()).perform("count", input) == .completed(.output(.json("3"))))
    }

    @Test("the task behind a join sees every branch, typed, and its output is kept for the undo")
    func join() async throws {
        let failure = Failure(code: "timeout", message: "too slow")
        let input = LeaseGrant.Input.task(
            context: .json(Self.books),
            branches: [.success(.json("2")), .failure(failure), .cancelled, .success(.json("3"))]
        )
        let result = try await Bench(IndexBooks()).perform("publish", input)
        let after = Self.books.replacing(#""words":0"#, with: #""words":5"#)
        #expect(
            result == .completed(.task(context: .json(after), next: nil, output: .json(#"{"words":5}"#)))
        )
    }

    @Test("an undo gets the output, or nil when the outcome is unknown")
    func undo() async throws {
        let bench = try Bench(IndexBooks())
        #expect(
            await bench.perform("publish", .undo(of: .step, output: .json(#"{"words":5}"#))) == .completed(.undone)
        )
        let unknown = await bench.perform("publish", .undo(of: .step, output: nil))
        let message = "nobody knows what was published"
        #expect(unknown == .failed(Failure(code: "taskFailed", message: message), retryAfter: nil))
        let permanent = await bench.perform("publish", .undo(of: .step, output: .json(#"{"words":0}"#)))
        let failure = Failure(code: "taskFailed", message: "nothing to retract", isRetryable: false)
        #expect(permanent == .failed(failure, retryAfter: nil))
    }

    @Test("an undo whose output does not fit its type fails by name and is not tried again")
    func undoMisfit() async throws {
        let result = try await Bench(IndexBooks()).perform("publish", .undo(of: .step, output: .json("7")))
        guard case .failed(let failure, nil) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(failure.code == "invalidInput" && !failure.isRetryable)
        #expect(failure.message.hasPrefix("the output cannot be read as"))
    }

    @Test("a task that returns a state decides; what the process gave to its workflow is there")
    func decide() async throws {
        let input = LeaseGrant.Input.task(context: .json(#"{"mode":"plain","note":"","ratio":1}"#), branches: nil)
        let result = try await Bench(Shapes(greeting: "moin")).perform("decide", input)
        let context = Payload.json(#"{"mode":"plain","note":"moin","ratio":1}"#)
        // The routers that follow are done at once.
        let following = [
            LocalCompletion(state: "route", completion: .route(next: "choose")),
            LocalCompletion(state: "choose", completion: .route(next: "done")),
        ]
        let decided = AttemptReport.Completion.task(context: context, next: "route", output: .json(#""route""#))
        #expect(result == .carried(decided, following: following))
    }

    @Test("local states go into the same report as far as their outcomes fit, the rest comes under a lease of its own")
    func localBytes() async throws {
        let context = #"{"counted":0,"label":"","parcels":[1],"price":0,"stock":"","sums":[]}"#
        let input = LeaseGrant.Input.task(context: .json(context), branches: [.success(.json("2"))])
        var states: [Int: [String]] = [:]
        for bytes in [0, 80, 1_000] {
            let result = try await Bench(Shop(), limits: Limits { $0.localBytes = bytes }).perform("pick", input)
            switch result {
            case .completed: states[bytes] = []
            case .carried(_, let following): states[bytes] = following.map(\.state)
            case .failed, .stopped, .released: Issue.record("\(result)")
            }
        }
        #expect(states == [0: [], 80: ["count", "choose"], 1_000: ["count", "choose", "label"]])
    }

    @Test("routers decide, as types and as closures")
    func routers() async throws {
        let bench = try Bench(Shapes())
        let fresh = LeaseGrant.Input.router(context: .json(#"{"mode":"plain","note":"","ratio":1}"#), branches: nil)
        let noted = LeaseGrant.Input.router(context: .json(#"{"mode":"plain","note":"x","ratio":1}"#), branches: nil)
        let choice = LocalCompletion(state: "choose", completion: .route(next: "list"))
        #expect(await bench.perform("route", fresh) == .carried(.route(next: "choose"), following: [choice]))
        #expect(await bench.perform("choose", fresh) == .completed(.route(next: "list")))
        #expect(await bench.perform("choose", noted) == .completed(.route(next: "done")))
    }

    @Test("a task can make the items of a split, and one behind the join can decide")
    func listAndJudge() async throws {
        let bench = try Bench(Shapes())
        let context = Payload.json(#"{"mode":"plain","note":"","ratio":1}"#)
        #expect(
            await bench.perform("list", .expand(context: context, branches: nil))
                == .completed(.items([.json("1"), .json("2"), .json("3")]))
        )
        let good = await bench.perform(
            "judge",
            .task(context: context, branches: [.success(.json(#""4""#)), .cancelled])
        )
        guard case .completed(.task(let after?, "pause"?, nil)) = good else {
            Issue.record("\(good)")
            return
        }
        #expect(String(decoding: after.bytes, as: UTF8.self).contains(#""note":"4,cancelled""#))
    }

    @Test("a next state that was not declared is a clear failure")
    func undeclared() async throws {
        let bench = try Bench(Shapes())
        let context = Payload.json(#"{"mode":"undeclared","note":"","ratio":1}"#)
        let routed = await bench.perform("route", .router(context: context, branches: nil))
        guard case .failed(let failure, nil) = routed else {
            Issue.record("\(routed)")
            return
        }
        #expect(failure.code == "invalidDefinition")
        #expect(!failure.isRetryable)
        #expect(failure.message.contains("chose 'failed', which is not declared"))
        // What was done may need its undo: nobody may call it a failure that did nothing.
        let decided = await bench.perform("decide", .task(context: context, branches: nil))
        guard case .stopped(let doubt) = decided else {
            Issue.record("\(decided)")
            return
        }
        #expect(doubt.message.contains("chose 'pause'"))
    }

    static let oversized: [(String, String, LeaseGrant.Input, String)] = [
        ("route", "decide", .task(context: context("large"), branches: nil), "the context"),
        ("branch", "list", .branch(index: 0, item: .json("100"), context: context("plain")), "the output of branch"),
        ("many", "list", .expand(context: context("many"), branches: nil), "101 items, over the limit of 100"),
        ("bulky", "list", .expand(context: context("bulky"), branches: nil), "bytes of items, over the limit of 1500"),
    ]

    @Test("what is over a limit fails by name and is not tried again", arguments: 0..<4)
    func limits(index: Int) async throws {
        let limits = Limits {
            $0.payloadBytes = 1000
            $0.branches = 100
            $0.splitBytes = 1500
        }
        let (_, state, input, expected) = Self.oversized[index]
        let result = try await Bench(Shapes(), limits: limits).perform(state, input)
        let failure: Failure
        switch result {
        case .failed(let found, nil), .stopped(let found): failure = found
        default:
            Issue.record("\(result)")
            return
        }
        #expect(failure.code == "limitExceeded")
        #expect(!failure.isRetryable)
        #expect(failure.message.contains(expected), "\(failure.message)")
        #expect(failure.message.contains("over the limit of"))
    }

    @Test("a compensatable task whose outcome cannot be written is in doubt, so that it is undone")
    func undeliverable() async throws {
        let result = try await Bench(Shapes())
            .perform("decide", .task(context: Self.context("not finite"), branches: nil))
        guard case .stopped(let failure) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(failure.message.contains("cannot be written as JSON"))
        #expect(!failure.isRetryable)
    }

    static func context(_ mode: String) -> Payload { .json(#"{"mode":"\#(mode)","note":"","ratio":1}"#) }
}

@Suite("Failures of tasks")
struct TaskFailureTests {
    static func run(_ mode: String) async throws -> AttemptReport.Result {
        let input = LeaseGrant.Input.task(context: WorkflowHandlerTests.context(mode), branches: nil)
        return try await Bench(Shapes()).perform("never", input)
    }

    @Test("any error is a failure that may be tried again, described in one line")
    func anyError() async throws {
        let failure = Failure(code: "taskFailed", message: "two lines", isRetryable: true)
        #expect(try await Self.run("plain") == .failed(failure, retryAfter: nil))
    }

    @Test("a TaskFailure says code, retry and pause")
    func control() async throws {
        let permanent = Failure(code: "noBook", message: "no such book", isRetryable: false)
        #expect(try await Self.run("permanent") == .failed(permanent, retryAfter: nil))
        let later = Failure(code: "taskFailed", message: "busy", isRetryable: true)
        #expect(try await Self.run("later") == .failed(later, retryAfter: .seconds(7)))
    }

    @Test("an attempt that was cancelled is stopped, whatever it throws", arguments: ["wait", "stubborn"])
    func cancelled(mode: String) async throws {
        let result = try await withThrowingTaskGroup(of: AttemptReport.Result.self) { group in
            group.addTask { try await Self.run(mode) }
            group.cancelAll()
            return try #require(try await group.next())
        }
        guard case .stopped(let failure) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(failure.code == "cancelled")
    }

    @Test("an attempt that was cancelled because its time was up says so")
    func timeout() async throws {
        let input = LeaseGrant.Input.task(context: WorkflowHandlerTests.context("cancellation"), branches: nil)
        let result = try await Bench(Shapes()).perform("never", input, timeout: .seconds(2), deadline: .now)
        let failure = Failure(code: "timeout", message: "the attempt took longer than its timeout of 2000 ms")
        #expect(result == .stopped(failure))
    }

    @Test("a CancellationError counts as stopped")
    func cancellation() async throws {
        guard case .stopped = try await Self.run("cancellation") else {
            Issue.record("not stopped")
            return
        }
    }

    @Test("a context that does not fit the type is a clear failure that is not tried again")
    func misfit() async throws {
        let input = LeaseGrant.Input.task(context: .json(#"{"mode":7}"#), branches: nil)
        let result = try await Bench(Shapes()).perform("never", input)
        guard case .failed(let failure, nil) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(failure.code == "invalidInput")
        #expect(!failure.isRetryable)
        #expect(failure.message.hasPrefix("the context cannot be read as Context"))
        #expect(!failure.message.contains { $0.isNewline })
    }

    @Test("work that this process has no code for is refused by name")
    func foreign() async throws {
        let bench = try Bench(Shapes())
        for (state, input) in [
            ("gone", LeaseGrant.Input.task(context: .emptyObject, branches: nil)),
            ("done", .task(context: .emptyObject, branches: nil)), ("route", .undo(of: .step, output: nil)),
        ] {
            guard case .failed(let failure, nil) = await bench.perform(state, input) else {
                Issue.record("\(state) is not refused")
                return
            }
            #expect(failure.message.contains("'\(state)'"))
            #expect(failure.message.contains("'shapes'"))
        }
    }
}
