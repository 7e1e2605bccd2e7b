// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Definition validation")
struct DefinitionValidationTests {
    struct Flaw: Sendable, CustomTestStringConvertible {
        var expected: String
        var make: @Sendable (inout Definition) -> Void

        init(_ expected: String, _ make: @escaping @Sendable (inout Definition) -> Void) {
            self.expected = expected
            self.make = make
        }

        var testDescription: String { self.expected }
    }

    static let limits = Limits {
        $0.states = 12
        $0.payloadBytes = 100
        $0.nameCharacters = 20
        $0.attempts = 10
        $0.branches = 50
    }

    static let sound = Definition(
        name: "sound",
        version: 1,
        start: "begin",
        states: [
            state("begin", .task(run: work(), to: ["choose"])),
            state("choose", .router(run: work(), to: ["fan", "done"])),
            state("fan", .split(SplitDefinition(expand: work(), branch: work(), join: .all), to: "pause")),
            state("pause", .timer(after: .seconds(1), to: "done")),
            state("done", .exit(.success)),
        ]
    )

    static func state(_ name: String, _ step: StepDefinition) -> StateDefinition {
        StateDefinition(name: name, step: step)
    }

    static func work(_ adjust: (inout TaskDefinition) -> Void = { _ in }) -> TaskDefinition {
        var task = TaskDefinition(handler: "exec", name: "work")
        adjust(&task)
        return task
    }

    static func begin(
        _ adjust: @escaping @Sendable (inout TaskDefinition) -> Void
    ) -> @Sendable (inout Definition) -> Void {
        { $0.states[0].step = .task(run: work(adjust), to: ["choose"]) }
    }

    static func fan(
        _ adjust: @escaping @Sendable (inout SplitDefinition) -> Void
    ) -> @Sendable (inout Definition) -> Void {
        { definition in
            var split = SplitDefinition(expand: work(), branch: work())
            adjust(&split)
            definition.states[2].step = .split(split, to: "pause")
        }
    }

    static func join(_ rule: JoinPolicy.Rule, within: Span? = nil) -> @Sendable (inout Definition) -> Void {
        { definition in
            let split = SplitDefinition(expand: work(), branch: work(), join: JoinPolicy(rule, within: within))
            definition.states[2].step = .split(split, to: "pause")
        }
    }

    static let flaws: [Flaw] = [
        Flaw("the pause of state 'begin' is zero", begin { $0.repetition = Repetition(.poll, pause: .seconds(0)) }),
        Flaw("state 'begin' tolerates -1 failures", begin { $0.repetition = Repetition(.poll, errorBudget: -1) }),
        Flaw(
            "state 'begin' is a stream and hedged",
            begin { ($0.repetition, $0.hedge) = (Repetition(.stream), .seconds(1)) }
        ),
        Flaw("the deadline of state 'begin' is zero", begin { $0.within = .seconds(0) }),
        Flaw("the time to start of state 'begin' is zero", begin { $0.startWithin = .seconds(0) }),
        Flaw("the heartbeat of state 'begin' is zero", begin { $0.heartbeat = .seconds(0) }),
        Flaw("the hedging of state 'begin' is zero", begin { $0.hedge = .seconds(0) }),
        Flaw("the retry time of state 'begin' is zero", begin { $0.retry.maximumElapsed = .seconds(0) }),
        Flaw(
            "state 'begin' after 'busy' asks for 0 attempts: use 1 to 10",
            begin {
                $0.retry.overrides = ["busy": RetryPolicy { $0.maximumAttempts = 0 }]
            }
        ),
        Flaw(
            "state 'begin' has overrides within those for 'busy': put them side by side",
            begin {
                $0.retry.overrides = ["busy": RetryPolicy { $0.overrides = ["busy": .never] }]
            }
        ),
        Flaw("state 'begin' is local and repeats", begin { ($0.isLocal, $0.repetition) = (true, Repetition(.poll)) }),
        Flaw(
            "branch 1 of state 'fan' is local: only the task of a state can be",
            fan {
                $0.work = .fixed([work(), work { $0.isLocal = true }])
            }
        ),
        Flaw("branch 0 of state 'fan' has a deadline", fan { $0.work = .fixed([work { $0.within = .seconds(1) }]) }),
        Flaw("state 'fan' has no branches: name at least one", fan { $0.work = .fixed([]) }),
        Flaw(
            "the join of state 'fan' asks for 3 of 2 branches: lower it",
            fan {
                ($0.work, $0.join) = (.fixed([work(), work()]), JoinPolicy(.quorum(count: 3)))
            }
        ),
        Flaw("state 'fan' lets 0 branches run at once", fan { $0.inFlight = 0 }),
        Flaw("state 'fan' may go on to several states, but nothing chooses one", fan { $0.choices = ["done"] }),
        Flaw("state 'choose' repeats: a router chooses the next state in one attempt, use a task") {
            $0.states[1].step = .router(run: work { $0.repetition = Repetition(.poll) }, to: ["fan", "done"])
        },
        Flaw("state 'pause' leads to 'doen', which does not exist: did you mean 'done'?") {
            $0.states[3].step = .timer(after: .seconds(1), to: "doen")
        },
        Flaw("state 'pause' leads to 'xylophone', which does not exist: add it or name another") {
            $0.states[3].step = .timer(after: .seconds(1), to: "xylophone")
        },
        Flaw("state 'island' cannot be reached from 'begin': lead to it or remove it") {
            $0.states.append(state("island", .exit(.success)))
        },
        Flaw("there is no exit: add a state that ends the run") {
            $0.states[4].step = .timer(after: .seconds(1), to: "begin")
        },
        Flaw("the start state 'begni' does not exist: did you mean 'begin'?") { $0.start = "begni" },
        Flaw("state 'done' is there twice: rename one of the two") { $0.states.append(state("done", .exit(.failure))) },
        Flaw("the name of the workflow is empty: give it one") { $0.name = "" },
        Flaw("the name 'so/und' of the workflow is not allowed: use letters, digits, - _ . of ASCII") {
            $0.name = "so/und"
        },
        Flaw("the name 'two?lines' of the workflow is not allowed") { $0.name = "two\nlines" },
        Flaw("the name 'abcdefghijklmnopqrstu' of the workflow has 21 characters: use 20 or fewer") {
            $0.name = "abcdefghijklmnopqrstu"
        },
        Flaw("version 0 is below 1: versions count from 1") { $0.version = 0 },
        Flaw("the workflow's timeout is zero") { $0.timeout = .seconds(0) },
        Flaw("the context has 101 bytes, over the limit of 100") {
            $0.context = Payload(bytes: [UInt8](repeating: 32, count: 101), type: .json)
        },
        Flaw("the context is marked as text and is not UTF-8") { $0.context = Payload(bytes: [0xFF], type: .json) },
        Flaw("20 states are over the limit of 12: divide the workflow or raise Limits.states") {
            for index in 1...15 { $0.states.append(state("more\(index)", .timer(after: .seconds(1), to: "done"))) }
            $0.states[1].step = .router(run: work(), to: ["fan", "done"] + (1...15).map { "more\($0)" })
        },
        Flaw("state 'choose' names a next state twice") {
            $0.states[1].step = .router(run: work(), to: ["fan", "done", "fan"])
        },
        Flaw("state 'done' leads nowhere: name its next states in `to`") {
            $0.states[4].step = .task(run: work(), to: [])
            $0.states[3].step = .exit(.success)
        },
        Flaw("the name of the handler of state 'begin' is empty", begin { $0.handler = "" }),
        Flaw("the task name '' of state 'begin' has 0 characters: use 1 to 20", begin { $0.name = "" }),
        Flaw("the task name 'a?b' of state 'begin' has control characters", begin { $0.name = "a\tb" }),
        Flaw(
            "the arguments of state 'begin' has 101 bytes",
            begin { $0.arguments = Payload(bytes: [UInt8](repeating: 0, count: 101), type: .binary) }
        ),
        Flaw("state 'begin' asks for 0 attempts: use 1 to 10", begin { $0.retry.maximumAttempts = 0 }),
        Flaw("state 'begin' asks for 11 attempts: use 1 to 10", begin { $0.retry.maximumAttempts = 11 }),
        Flaw("the jitter of state 'begin' is 1.5: use a part from 0 to 1", begin { $0.retry.jitter = 1.5 }),
        Flaw("the jitter of state 'begin' is nan: use a part from 0 to 1", begin { $0.retry.jitter = .nan }),
        Flaw("the multiplier of state 'begin' is 0.5: use 1 (constant) to", begin { $0.retry.multiplier = 0.5 }),
        Flaw("the multiplier of state 'begin' is inf: use 1", begin { $0.retry.multiplier = .infinity }),
        Flaw(
            "the delay of state 'begin' is 9223372036854775807 ms, over the limit of 3153600000000 ms: shorten it",
            begin { $0.retry.initialDelay = Span(milliseconds: .max) }
        ),
        Flaw(
            "the longest delay of state 'begin' is 9223372036854775807 ms",
            begin { $0.retry.maximumDelay = Span(milliseconds: .max) }
        ),
        Flaw("the timeout of state 'begin' is 9223372036854775807 ms", begin { $0.timeout = .seconds(.max) }),
        Flaw("the timer of state 'pause' is 9223372036854775807 ms") {
            $0.states[3].step = .timer(after: .seconds(.max), to: "done")
        },
        Flaw("the workflow's timeout is 9223372036854775807 ms") { $0.timeout = .seconds(.max) },
        Flaw("version 2147483648 is above 2147483647: use a smaller one") { $0.version = 2_147_483_648 },
        Flaw("the timeout of state 'begin' is zero", begin { $0.timeout = .seconds(0) }),
        Flaw(
            "the undo of state 'begin' asks for 0 attempts",
            begin { $0.undo = UndoDefinition(retry: RetryPolicy { $0.maximumAttempts = 0 }) }
        ),
        Flaw("the undo's timeout of state 'begin' is zero", begin { $0.undo = UndoDefinition(timeout: .seconds(0)) }),
        Flaw("state 'choose' has an undo") {
            $0.states[1].step = .router(run: work { $0.undo = UndoDefinition() }, to: ["fan", "done"])
        },
        Flaw("the expansion of state 'fan' has an undo") {
            let expand = work { $0.undo = UndoDefinition() }
            $0.states[2].step = .split(SplitDefinition(expand: expand, branch: work()), to: "pause")
        },
        Flaw("the quorum of state 'fan' is 0: ask for 1 branch or more", join(.quorum(count: 0))),
        Flaw("the quorum of state 'fan' is 51, but no split may have more than 50 branches", join(.quorum(count: 51))),
        Flaw("the quorum of state 'fan' is 0.0 %: choose a share above 0 and up to 100", join(.quorumPercent(0))),
        Flaw("the quorum of state 'fan' is 100.5 %", join(.quorumPercent(100.5))),
        Flaw("the quorum of state 'fan' is nan %", join(.quorumPercent(.nan))),
        Flaw("the join of state 'fan' asks for -1 branches: use 0 or more", join(.partial(atLeast: -1))),
        Flaw("the join's time of state 'fan' is zero", join(.any, within: .seconds(0))),
    ]

    @Test("a sound definition passes")
    func passes() throws {
        try Self.sound.validate(limits: Self.limits)
    }

    @Test("each problem alone is named, with its remedy", arguments: Self.flaws)
    func alone(flaw: Flaw) throws {
        var definition = Self.sound
        flaw.make(&definition)
        let error = try #require(throws: CanoError.self) { try definition.validate(limits: Self.limits) }
        #expect(error.code == .invalidDefinition)
        #expect(error.message.contains(flaw.expected), "\(error.message)")
        #expect(error.message.hasPrefix("workflow '"))
        #expect(!error.message.contains { $0.isNewline })
        #expect(!error.message.contains("; "), "one problem only: \(error.message)")
    }

    @Test("all problems of a definition are in one message")
    func together() throws {
        let task = Self.work {
            $0.retry.maximumAttempts = 0
            $0.retry.jitter = 2
        }
        let definition = Definition(
            name: "",
            version: 0,
            start: "none",
            states: [
                Self.state("a", .task(run: task, to: [])),
                Self.state("a", .timer(after: .seconds(1), to: "b")),
            ],
            timeout: .seconds(0)
        )
        let error = try #require(throws: CanoError.self) { try definition.validate(limits: Self.limits) }
        let expected = [
            "the name of the workflow is empty", "version 0 is below 1", "the workflow's timeout is zero",
            "leads nowhere", "0 attempts", "jitter", "is there twice", "leads to 'b'", "there is no exit",
            "the start state 'none'",
        ]
        for part in expected { #expect(error.message.contains(part), "\(part) in \(error.message)") }
        #expect(error.message.split(separator: ";").count == expected.count, "\(error.message)")
    }

    @Test("thousands of problems make a message that can still be read")
    func many() throws {
        var definition = Self.sound
        definition.states += (0..<2000).map { Self.state("s\($0)", .timer(after: .seconds(1), to: "x\($0)")) }
        let error = try #require(throws: CanoError.self) { try definition.validate(limits: Self.limits) }
        #expect(error.message.contains("more"))
        #expect(error.message.utf8.count < 20_000)
    }
}
