// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// One value of every kind of frame, the same for ever: the golden files hold their bytes.
enum Samples {
    static let run = RunID(high: 0x0190_0000_0000_7ABC, low: 0x8123_4567_89AB_CD05)
    static let lease = Samples.lease(.step)

    static func lease(_ path: WorkPath, attempt: Int = 2) -> LeaseRef {
        LeaseRef(
            key: WorkKey(run: self.run, visit: 3, path: path),
            attempt: attempt,
            token: Token(epoch: Epoch(rawValue: 7), counter: 99)
        )
    }

    static let definition = Definition(
        name: "demo",
        version: 4,
        start: "work",
        states: [
            StateDefinition(
                name: "work",
                step: .task(
                    run: TaskDefinition(handler: "exec", name: "list", arguments: .json(#"{"exec":["ls"]}"#)),
                    to: ["done"]
                )
            ),
            StateDefinition(name: "done", step: .exit(.success)),
        ],
        context: .emptyObject,
        timeout: .seconds(60)
    )

    static func grant(
        _ input: LeaseGrant.Input,
        path: WorkPath = .step,
        timeout: Span? = nil,
        heartbeat: Span? = nil,
        arrival: Arrival? = nil,
        cursor: Payload? = nil
    ) -> LeaseGrant {
        LeaseGrant(
            lease: self.lease(path),
            definition: DefinitionKey(name: "demo", version: 4),
            digest: "00ff",
            state: "work",
            handler: "exec",
            arguments: .json("{}"),
            next: ["done", "empty"],
            timeout: timeout,
            heartbeat: heartbeat,
            input: input,
            arrival: arrival,
            cursor: cursor
        )
    }

    static let branches: [BranchOutcome] = [
        .success(Payload(bytes: [1, 2, 3], type: .binary)),
        .failure(Failure(code: "exit", message: "code 3", isRetryable: false)),
        .cancelled,
    ]

    static let worker: [(name: String, frame: WorkerFrame)] = [
        (
            "worker-hello",
            .hello(
                WorkerFrame.Hello(
                    secret: "s3cret",
                    worker: WorkerID(rawValue: "worker-1"),
                    session: 42,
                    definitions: [Samples.definition],
                    handlers: ["exec", "http"],
                    slots: 8,
                    build: "test"
                )
            )
        ),
        ("worker-credit", .credit(5)),
        ("worker-started", .started([Samples.lease, Samples.lease(.branch(17))])),
        ("worker-heartbeat", .heartbeat(300)),
        ("worker-resume", .resume([Samples.lease(.expand), Samples.lease(.undo(seq: 5))])),
        ("worker-resume-empty", .resume([])),
        ("worker-progress", .progress(Samples.lease, "half")),
        ("worker-draining", .draining),
        (
            "worker-reports",
            .reports([
                report(.completed(.task(context: .json(#"{"a":1}"#), next: "done", output: nil))),
                report(.completed(.task(context: nil, next: nil, output: Payload(bytes: [], type: .text)))),
                report(.completed(.route(next: "empty"))),
                report(.completed(.items([.json("1"), Payload(bytes: Array("two".utf8), type: .text)]))),
                report(.completed(.output(.json("[]")))),
                report(.completed(.undone)),
                report(.failed(Failure(code: "taskFailed", message: "no"), retryAfter: nil)),
                report(.failed(Failure(code: "http", message: "429"), retryAfter: .seconds(3))),
                report(.stopped(Failure(code: "timeout", message: "late"))),
                report(.released),
            ])
        ),
        (
            "worker-reports-carried",
            .reports([
                report(
                    .carried(
                        .task(context: .json("1"), next: "a", output: nil),
                        following: [
                            LocalCompletion(state: "a", completion: .route(next: "b")),
                            LocalCompletion(state: "b", completion: .task(context: nil, next: nil, output: .json("2"))),
                        ]
                    )
                )
            ])
        ),
        ("worker-checkpoints", .checkpoints([LeaseCheckpoint(lease: Samples.lease, number: 5, cursor: .json("17"))])),
        (
            "worker-reports-again",
            .reports([
                report(.completed(.again(cursor: .json("17"), after: nil))),
                report(.completed(.again(cursor: nil, after: .seconds(5)))),
                report(.completed(.again(cursor: nil, after: nil))),
            ])
        ),
    ]

    private static func report(_ result: AttemptReport.Result) -> AttemptReport {
        AttemptReport(lease: Samples.lease, result: result)
    }

    static let coordinator: [(name: String, frame: CoordinatorFrame)] = [
        (
            "coordinator-welcome",
            .welcome(
                CoordinatorFrame.Welcome(
                    ttl: .seconds(10),
                    frameBytes: 16_777_216,
                    payloadBytes: 262_144,
                    peers: ["127.0.0.1:7227"]
                )
            )
        ),
        ("coordinator-refused", .refused(code: "unauthorized", message: "wrong token")),
        ("coordinator-context", .context(run: Samples.run, visit: 3, .json("{}"))),
        ("coordinator-forget", .forget(run: Samples.run, visit: 3)),
        (
            "coordinator-leases",
            .leases([
                grant(.task(context: .json("{}"), branches: nil), timeout: .seconds(5)),
                grant(.task(context: .json("{}"), branches: Samples.branches), timeout: .seconds(5)),
                grant(.router(context: .json("{}"), branches: [])),
                grant(.expand(context: .json("{}"), branches: nil), path: .expand),
                grant(
                    .branch(index: 17, item: .json("17"), context: Payload(bytes: [], type: .binary)),
                    path: .branch(17)
                ),
                grant(.branch(index: 18, item: .json("18"), context: .json("{}")), path: .branch(18)),
                grant(.undo(of: .step, output: .json("1")), path: .undo(seq: 5)),
                grant(.undo(of: .branch(3), output: nil), path: .undo(seq: 6)),
            ])
        ),
        (
            "coordinator-leases-arrivals",
            .leases([
                grant(
                    .task(context: .json("{}"), branches: nil),
                    arrival: .signal(RunSignal(name: "paid", payload: .json("42"), id: "p-1"))
                ),
                grant(
                    .router(context: .json("{}"), branches: nil),
                    arrival: .signal(RunSignal(name: "go", payload: Payload(bytes: [], type: .binary)))
                ),
                grant(
                    .task(context: .json("{}"), branches: nil),
                    arrival: .child(ChildResult(run: Samples.run, outcome: .succeeded, context: .json("{}")))
                ),
                grant(
                    .expand(context: .json("{}"), branches: nil),
                    path: .expand,
                    arrival: .child(ChildResult(run: Samples.run, outcome: .cancelled(by: "ops"), context: nil))
                ),
            ])
        ),
        (
            "coordinator-leases-cursor",
            .leases([grant(.task(context: .json("{}"), branches: nil), cursor: .json("17"))])
        ),
        (
            "coordinator-leases-heartbeat",
            .leases([grant(.task(context: .json("{}"), branches: nil), heartbeat: .seconds(9))])
        ),
        (
            "coordinator-answers",
            .answers([
                LeaseAnswer(lease: Samples.lease, answer: .accepted),
                LeaseAnswer(lease: Samples.lease, answer: .already),
                LeaseAnswer(lease: Samples.lease, answer: .lost),
            ])
        ),
        (
            "coordinator-checkpointed",
            .checkpointed([
                CheckpointAnswer(lease: Samples.lease, number: 5, answer: .accepted),
                CheckpointAnswer(lease: Samples.lease, number: 6, answer: .lost),
            ])
        ),
        ("coordinator-cancel", .cancel([Samples.lease])),
        ("coordinator-lost", .lost([Samples.lease])),
        ("coordinator-heartbeat", .heartbeat(300)),
        (
            "coordinator-owned",
            .owned([ShardID(rawValue: 5): Epoch(rawValue: 7), ShardID(rawValue: 0): Epoch(rawValue: 1)])
        ),
        ("coordinator-not-owner", .notOwner(ShardID(rawValue: 5), Epoch(rawValue: 8), address: "127.0.0.1:7228")),
        ("coordinator-not-owner-unknown", .notOwner(ShardID(rawValue: 5), Epoch(rawValue: 8), address: nil)),
        ("coordinator-demand", .demand(12)),
        ("coordinator-recalled", .recalled(3)),
    ]
}
