// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// Frames drawn from a seed.
struct RandomFrames {
    var random: SplitMix64

    init(seed: UInt64) {
        self.random = SplitMix64(seed: seed)
    }

    mutating func below(_ bound: Int) -> Int { Int(self.random.next() % UInt64(bound)) }
    mutating func coin() -> Bool { self.below(2) == 0 }

    mutating func list<Element>(_ longest: Int, _ make: (inout Self) -> Element) -> [Element] {
        (0..<self.below(longest + 1)).map { _ in make(&self) }
    }

    mutating func text() -> String {
        String(decoding: self.list(12) { UInt8($0.below(128)) }, as: UTF8.self)
    }

    mutating func payload() -> Payload {
        let types: [Payload.ContentType] = [.binary, .json, .text]
        return Payload(bytes: self.list(40) { UInt8($0.below(256)) }, type: types[self.below(3)])
    }

    mutating func lease() -> LeaseRef {
        let shard = ShardID(rawValue: UInt8(self.below(ShardID.count)))
        let run = RunID(
            at: Instant(microseconds: Int64(self.below(1 << 40))),
            shard: shard,
            random: (self.random.next(), self.random.next())
        )
        let paths: [WorkPath] = [.step, .expand, .branch(self.below(100_000)), .undo(seq: self.below(1000))]
        return LeaseRef(
            key: WorkKey(run: run, visit: self.below(1 << 20), path: paths[self.below(4)]),
            attempt: 1 + self.below(1000),
            token: Token(epoch: Epoch(rawValue: Int64(self.below(1 << 40))), counter: Int64(self.below(1 << 40)))
        )
    }

    mutating func failure() -> Failure {
        Failure(code: self.text(), message: self.text(), isRetryable: self.coin(), leavesDoubt: self.coin())
    }

    mutating func span() -> Span { Span(milliseconds: Int64(self.below(1 << 40))) }

    mutating func result() -> AttemptReport.Result {
        switch self.below(10) {
        case 0:
            .completed(
                .task(
                    context: self.coin() ? self.payload() : nil,
                    next: self.coin() ? self.text() : nil,
                    output: self.coin() ? self.payload() : nil
                )
            )
        case 1: .completed(.route(next: self.text()))
        case 2: .completed(.items(self.list(5) { $0.payload() }))
        case 3: .completed(.output(self.payload()))
        case 4: .completed(.undone)
        case 5: .failed(self.failure(), retryAfter: self.coin() ? self.span() : nil)
        case 6: .stopped(self.failure())
        case 8:
            .carried(
                .route(next: self.text()),
                following: self.list(3) { frames in
                    let completion: AttemptReport.Completion =
                        frames.coin()
                        ? .route(next: frames.text())
                        : .task(context: frames.payload(), next: nil, output: frames.coin() ? frames.payload() : nil)
                    return LocalCompletion(state: frames.text(), completion: completion)
                } + [LocalCompletion(state: "a", completion: .route(next: "b"))]
            )
        case 7:
            .completed(
                .again(cursor: self.coin() ? self.payload() : nil, after: self.coin() ? self.span() : nil)
            )
        default: .released
        }
    }

    mutating func branches() -> [BranchOutcome]? {
        guard self.coin() else { return nil }
        return self.list(4) { frames in
            switch frames.below(3) {
            case 0: .success(frames.payload())
            case 1: .failure(frames.failure())
            default: .cancelled
            }
        }
    }

    mutating func input() -> LeaseGrant.Input {
        switch self.below(5) {
        case 0: .task(context: self.payload(), branches: self.branches())
        case 1: .router(context: self.payload(), branches: self.branches())
        case 2: .expand(context: self.payload(), branches: self.branches())
        case 3: .branch(index: self.below(1000), item: self.payload(), context: self.payload())
        default: .undo(of: self.lease().key.path, output: self.coin() ? self.payload() : nil)
        }
    }

    mutating func grant() -> LeaseGrant {
        // Few different works, so that many leases of a frame share one.
        LeaseGrant(
            lease: self.lease(),
            definition: DefinitionKey(name: self.coin() ? "a" : "b", version: 1 + self.below(2)),
            digest: self.coin() ? "00" : "ff",
            state: self.coin() ? "x" : "y",
            handler: "swift",
            arguments: self.coin() ? nil : .json("{}"),
            next: self.coin() ? ["y"] : ["x", "y"],
            timeout: self.coin() ? nil : Span(milliseconds: 5),
            heartbeat: self.coin() ? nil : Span(milliseconds: 7),
            input: self.input(),
            arrival: self.arrival(),
            cursor: self.coin() ? self.payload() : nil
        )
    }

    mutating func arrival() -> Arrival? {
        switch self.below(4) {
        case 0: return nil
        case 1: return nil
        case 2:
            return .signal(
                RunSignal(name: self.text(), payload: self.payload(), id: self.coin() ? self.text() : nil)
            )
        default:
            let outcomes: [RunOutcome] = [
                .succeeded, .failed(self.failure()), .cancelled(by: self.text()), .timedOut,
            ]
            let context = self.coin() ? self.payload() : nil
            return .child(
                ChildResult(run: self.lease().key.run, outcome: outcomes[self.below(4)], context: context)
            )
        }
    }

    mutating func workerFrame() -> WorkerFrame {
        switch self.below(8) {
        case 0: .credit(self.below(1000))
        case 1: .started(self.list(20) { $0.lease() })
        case 2: .reports(self.list(20) { AttemptReport(lease: $0.lease(), result: $0.result()) })
        case 3: .heartbeat(Int64(self.below(1 << 40)))
        case 4: .resume(self.list(20) { $0.lease() })
        case 6:
            .checkpoints(
                self.list(5) { LeaseCheckpoint(lease: $0.lease(), number: Int64($0.below(99)), cursor: $0.payload()) }
            )
        case 5: .progress(self.lease(), self.text())
        default: .draining
        }
    }

    mutating func coordinatorFrame() -> CoordinatorFrame {
        let shard = ShardID(rawValue: UInt8(self.below(ShardID.count)))
        return switch self.below(10) {
        case 0: .leases(self.list(30) { $0.grant() })
        case 1: .answers(self.list(9) { LeaseAnswer(lease: $0.lease(), answer: $0.coin() ? .accepted : .lost) })
        case 2: .cancel(self.list(9) { $0.lease() })
        case 3: .lost(self.list(9) { $0.lease() })
        case 4: .context(run: self.lease().key.run, visit: self.below(99), self.payload())
        case 5: .owned([shard: Epoch(rawValue: Int64(self.below(99)))])
        case 6: .notOwner(shard, Epoch(rawValue: 3), address: self.coin() ? self.text() : nil)
        case 8:
            .checkpointed(
                self.list(5) { frames in
                    let answer: ReportAnswer = frames.coin() ? .accepted : .lost
                    return CheckpointAnswer(lease: frames.lease(), number: Int64(frames.below(99)), answer: answer)
                }
            )
        case 7: .demand(self.below(99))
        default: .refused(code: self.text(), message: self.text())
        }
    }
}
