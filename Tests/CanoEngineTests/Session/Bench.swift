// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// A worker machine on the bench: two coordinators, one clock, the effects of the last batch.
struct Bench {
    static let payloadBytes = 1000

    var machine: WorkerMachine
    var now: Int64 = 1000
    private(set) var effects: [WorkerMachine.Effect] = []

    init(slots: Int, unanswered: Int = 100, seed: UInt64 = 1) {
        let hello = WorkerFrame.Hello(
            secret: "",
            worker: WorkerID(rawValue: "w"),
            session: 0,
            definitions: [],
            handlers: ["exec"],
            slots: slots,
            build: "test"
        )
        let rules = WorkerRules {
            $0.slots = slots
            $0.unansweredReports = unanswered
        }
        self.machine = WorkerMachine(hello: hello, coordinators: ["first:1", "second:2"], rules: rules, seed: seed)
    }

    mutating func apply(_ events: WorkerMachine.Event...) {
        self.effects = self.machine.apply(events, at: self.now)
    }

    /// Brings a session up to its welcome.
    mutating func welcome(_ link: WorkerMachine.Link, ttl: Span = Span(milliseconds: 3000)) {
        self.apply(.opened(link))
        let welcome = CoordinatorFrame.Welcome(ttl: ttl, frameBytes: 1 << 20, payloadBytes: Self.payloadBytes)
        self.apply(.frames(link, [.welcome(welcome)]))
    }

    /// All frames of the last batch, whoever gets them.
    var sent: [WorkerFrame] {
        self.effects.flatMap { effect -> [WorkerFrame] in
            if case .send(_, let frames) = effect { frames } else { [] }
        }
    }

    var reports: [AttemptReport] {
        self.sent.flatMap { frame -> [AttemptReport] in
            if case .reports(let reports) = frame { reports } else { [] }
        }
    }

    static func grant(_ number: Int, epoch: Int64 = 1, timeout: Span? = nil, isBranch: Bool = false) -> LeaseGrant {
        let run = RunID(at: Instant(microseconds: 0), shard: ShardID(rawValue: 5), random: (1, 1))
        let path = isBranch ? WorkPath.branch(number) : .step
        let lease = LeaseRef(
            key: WorkKey(run: run, visit: isBranch ? 1 : number, path: path),
            attempt: 1,
            token: Token(epoch: Epoch(rawValue: epoch), counter: Int64(number))
        )
        let nothing = Payload(bytes: [], type: .binary)
        return LeaseGrant(
            lease: lease,
            definition: DefinitionKey(name: "demo", version: 1),
            digest: "",
            state: "work",
            handler: "exec",
            arguments: nil,
            next: ["done"],
            timeout: timeout,
            input: isBranch
                ? .branch(index: number, item: .json("1"), context: nothing) : .task(context: nothing, branches: nil)
        )
    }
}
