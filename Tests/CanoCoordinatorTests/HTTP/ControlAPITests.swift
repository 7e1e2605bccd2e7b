// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoClient
import CanoEngine
import Testing

@testable import CanoCoordinator

@Suite("HTTP API and client")
struct ControlAPITests {
    @Test("a workflow is registered once, and a changed one is refused with the server's code")
    func applyTwice() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let first = try await client.apply(yaml: "workflow: count licences\na\nb")
                #expect(first.created == true)
                #expect(first.name == "count licences")
                #expect(first.states == ["a", "b"])
                #expect(try await client.apply(yaml: "workflow: count licences\na\nb").created == false)
                await expectError(.definitionChanged) {
                    _ = try await client.apply(yaml: "workflow: count licences\na")
                }
                #expect(try await client.workflows().map(\.name) == ["count licences"])
                #expect(server.plane.state.callers.first == Caller(name: "tester", via: "library"))
            }
        }
    }

    @Test("one workflow is shown with its definition, the highest version unless another is named")
    func oneWorkflow() async throws {
        try await TestServer.with { server in
            let exit = StateDefinition(name: "done", step: .exit(.success))
            let versions = [1, 10, 9]
                .map {
                    Definition(name: "w", version: $0, start: "done", states: [exit], context: .json(#"{"a":1.0}"#))
                }
            server.plane.change { $0.definitions = versions }
            try await server.client { client in
                let newest = try await client.workflow("w")
                #expect(newest.definition == versions[1])
                #expect(newest.workflow.digest == versions[1].digest)
                #expect(try await client.workflow("w", version: 9).definition == versions[2])
                await expectError(.unknownWorkflow) { _ = try await client.workflow("w", version: 2) }
                await expectError(.unknownWorkflow) { _ = try await client.workflow("v") }
            }
            let answer = try await server.raw("GET", "/v1/workflows/w?version=2")
            #expect(answer.status == 404)
            #expect(answer.body.contains("there is no version 2 of 'w', only 1, 10, 9"))
            #expect(try await server.raw("GET", "/v1/workflows/w?version=x").status == 400)
        }
    }

    @Test("a document that names another workflow than the path is refused")
    func otherName() async throws {
        try await TestServer.with { server in
            let answer = try await server.raw(
                "PUT",
                "/v1/workflows/a",
                headers: [("Content-Type", "application/yaml")],
                body: "workflow: b\nx"
            )
            #expect(answer.status == 422)
            #expect(answer.body.contains("the path names 'a' but the definition 'b'"))
        }
    }

    @Test("a context reaches the plane byte for byte, and comes back so")
    func contextBytes() async throws {
        let text = #"{"z": 1.10, "a": 12345678901234567890123, "s":"\u00e9 \"q\"", "n":[ ]}"#
        try await TestServer.with { server in
            try await server.client { client in
                let request = StartRequest(workflow: "w", key: "k", context: .json(text))
                let started = try await client.start(request)
                #expect(started.isNew)
                #expect(server.plane.state.starts == [request])
                let detail = try await client.run(started.id)
                #expect(detail.run.context == .json(text))
                #expect(detail.run.state == "begin")
                #expect(detail.run.startedAt == FakePlane.epoch)
                #expect(try await client.start(request) == StartedRun(id: started.id, isNew: false))
            }
        }
    }

    @Test("a batch is answered in order, and a bad start does not fail its neighbours")
    func batch() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let answers = try await client.startBatch([
                    StartRequest(workflow: "w", key: "1"),
                    StartRequest(workflow: "unknown"),
                    StartRequest(workflow: "w", key: "1"),
                    StartRequest(workflow: "w", version: 3, context: .json("[1]")),
                ])
                guard case .created(let first) = answers[0], case .refused(let unknown) = answers[1],
                    case .existing(let same) = answers[2], case .created = answers[3]
                else {
                    Issue.record("unexpected answers: \(answers)")
                    return
                }
                #expect(unknown.code == .unknownWorkflow)
                #expect(first == same)
                #expect(server.plane.state.starts.count == 4)
                #expect(server.plane.state.starts.last?.version == 3)
            }
        }
    }

    @Test("a typed run gives its final context, and an error when it ended otherwise")
    func typed() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let context = Greeting.Context(name: "Ada", times: 3)
                let run = try await client.start(Greeting.self, context: context, key: "k")
                #expect(server.plane.state.starts.first?.workflow == "greeting")
                #expect(server.plane.state.starts.first?.version == 4)
                server.plane.change { $0.finishOnWait = true }
                #expect(try await run.outcome() == context)
                server.plane.change {
                    $0.runs[run.id]?.status = .cancelled
                    $0.finishOnWait = false
                }
                await expectError(.cancelled) { _ = try await run.outcome() }
                server.plane.change { $0.runs[run.id]?.status = .active }
                await expectError(.unreachable) { _ = try await run.outcome(timeout: .zero) }
            }
        }
    }

    @Test("a batch passes its workflow on to starts that name none")
    func batchDefaults() async throws {
        try await TestServer.with { server in
            let answer = try await server.raw(
                "POST",
                "/v1/runs:batch",
                headers: [("Content-Type", "application/json")],
                body: #"{"workflow":"w","version":2,"runs":[{},{"key":"k"},{"workflow":"other"}]}"#
            )
            #expect(answer.status == 200)
            let starts = server.plane.state.starts
            #expect(starts.map(\.workflow) == ["w", "w", "other"])
            #expect(starts.map(\.version) == [2, 2, nil])
        }
    }

    @Test("a long timeline comes in pages, with the position of the run in each")
    func pages() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let id = try await client.start(StartRequest(workflow: "w")).id
                server.plane.change { state in
                    for seq in 2...7 {
                        var row = HistoryRow(run: id, seq: seq, kind: .entered, at: FakePlane.epoch)
                        row.state = "s\(seq)"
                        row.visit = seq
                        row.payload = .json("{\"seq\":\(seq)}")
                        state.history[id]?.append(row)
                    }
                }
                let first = try await client.run(id, limit: 4)
                #expect(first.timeline.map(\.seq) == [1, 2, 3, 4])
                #expect(first.next == 4)
                #expect(first.run.state == "s7")
                #expect(first.run.context == .json("{\"seq\":7}"))
                let second = try await client.run(id, after: 4, limit: 4)
                #expect(second.timeline.map(\.seq) == [5, 6, 7])
                #expect(second.next == nil)
                #expect(try await client.run(id, limit: 0).run.state == "s7")
            }
        }
    }

    @Test("the position of a run with a long history is found without reading the history again")
    func longHistory() async throws {
        let limits = Limits { $0.pageRows = 10 }
        try await TestServer.with(.init { $0.limits = limits }) { server in
            try await server.client { client in
                let id = try await client.start(StartRequest(workflow: "w")).id
                server.plane.grow(id, to: 2345)
                let open = try await client.run(id, limit: 0).run
                #expect(open.state == "begin")
                let read = server.plane.state.rowsRead
                server.plane.grow(id, to: 2350)
                #expect(try await client.run(id, limit: 0).run.state == "begin")
                #expect(server.plane.state.rowsRead - read == 5)
            }
        }
    }

    @Test("the end of a run with a long history is found in a few steps", arguments: [2, 10, 11, 21, 999, 4096])
    func longFinishedHistory(records: Int) async throws {
        let limits = Limits { $0.pageRows = 10 }
        try await TestServer.with(.init { $0.limits = limits }) { server in
            try await server.client { client in
                let id = try await client.start(StartRequest(workflow: "w")).id
                server.plane.grow(id, to: records - 1)
                server.plane.finish(id, state: "done", context: .json("7"))
                let run = try await client.run(id, limit: 0).run
                #expect(run.state == "done")
                #expect(run.context == .json("7"))
                #expect(server.plane.state.rowsRead <= 40)
            }
        }
    }

    @Test("waiting is passed to the plane and ends when the run has ended")
    func waiting() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let id = try await client.start(StartRequest(workflow: "w")).id
                let open = try await client.waitUntilFinished(id, timeout: .zero)
                #expect(open.status == .active)
                server.plane.change { $0.finishOnWait = true }
                #expect(try await client.waitUntilFinished(id).status == .succeeded)
                #expect(server.plane.state.waits == [.seconds(30)])
            }
        }
    }

    @Test("lists are filtered by the plane, page by page")
    func lists() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                _ = try await client.startBatch((0..<5).map { StartRequest(workflow: "w", key: "\($0)") })
                let first = try await client.runs(
                    RunQuery {
                        $0.workflow = "a b&c"
                        $0.status = .active
                        $0.limit = 2
                    }
                )
                #expect(first.map(\.key) == ["4", "3"])
                #expect(server.plane.state.queries.last?.workflow == "a b&c")
                #expect(server.plane.state.queries.last?.status == .active)
                let second = try await client.runs(RunQuery { $0.before = first.last?.id })
                #expect(second.map(\.key) == ["2", "1", "0"])
            }
        }
    }

    @Test("live leases and workers are shown")
    func leasesAndWorkers() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let id = try await client.start(StartRequest(workflow: "w")).id
                let key = WorkKey(run: id, visit: 1, path: .branch(17))
                let token = Token(epoch: Epoch(rawValue: 3), counter: 9)
                let worker = WorkerID(rawValue: "worker-1")
                server.plane.change { state in
                    let lease = LeaseRef(key: key, attempt: 2, token: token)
                    state.leases = [LiveLease(lease: lease, state: "begin", worker: worker, since: FakePlane.epoch)]
                    state.workers = [
                        WorkerSummary(
                            worker: worker,
                            build: "0.1",
                            slots: 4,
                            leases: 1,
                            definitions: [DefinitionKey(name: "w", version: 1)],
                            handlers: ["exec"],
                            isConnected: true,
                            isDraining: false
                        )
                    ]
                }
                let lease = try await client.run(id).leases.first
                #expect(lease?.path == "branch/17")
                #expect(lease?.token == "3.9")
                #expect(lease?.worker == "worker-1")
                let wanted = server.plane.state.workers.map { WorkerView($0) }
                #expect(try await client.workers() == wanted)
            }
        }
    }

    @Test("a run that a limit holds up says which, and a breaker can be forced by its name")
    func limits() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let id = try await client.start(StartRequest(workflow: "w")).id
                let key = WorkKey(run: id, visit: 1, path: .step)
                let limit = LimitID(kind: .rate, name: "github")
                let wait = LimitWait(key: key, attempt: 2, limit: limit, until: FakePlane.epoch)
                server.plane.change { $0.held = [wait] }
                let detail = try await client.run(id)
                #expect(detail.waits == [WaitView(wait)])
                #expect(detail.run.note == "waits for rate 'github'")
                try await client.force(breaker: "pay", .open)
                await expectError(.unknownLimit) { try await client.force(breaker: "other", .release) }
            }
        }
    }

    @Test("cancelling an unknown run says so")
    func cancelUnknown() async throws {
        try await TestServer.with { server in
            try await server.client { client in
                let stranger = RunID(high: 1, low: 2)
                await expectError(.unknownRun) { _ = try await client.cancel(stranger) }
                let id = try await client.start(StartRequest(workflow: "w")).id
                #expect(try await client.cancel(id).id == id)
            }
        }
    }

    @Test("the client names the URL and the remedy when nobody listens")
    func nobodyListens() async throws {
        // The port was free a moment ago: a server had it, and has stopped.
        var url = ""
        try await TestServer.with { url = $0.url }
        let configuration = CanoClient.Configuration { $0.url = url }
        try await CanoClient.withClient(configuration) { client in
            let error = await expectError(.unreachable) { _ = try await client.workers() }
            #expect(error?.message.contains(url) == true)
            #expect(error?.message.contains("cano dev") == true)
        }
    }
}

/// Checks that `body` throws a ``CanoError`` with this code, and returns it.
@discardableResult
func expectError(_ code: CanoError.Code, _ body: () async throws -> Void) async -> CanoError? {
    do {
        try await body()
        Issue.record("nothing was thrown instead of \(code.name)")
    } catch let error as CanoError {
        #expect(error.code == code, "\(error.code.name): \(error.message)")
        return error
    } catch {
        Issue.record("\(error) was thrown instead of \(code.name)")
    }
    return nil
}

/// A workflow that does nothing.
private struct Greeting: Workflow {
    enum State: String, WorkflowState { case done }
    struct Context: Codable, Hashable, Sendable {
        var name: String
        var times: Int
    }

    static let name = "greeting"
    static let version = 4

    func step(in state: State) -> Step<Self> {
        switch state {
        case .done: .exit
        }
    }
}
