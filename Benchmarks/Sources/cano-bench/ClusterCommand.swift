// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoClient
import CanoEngine
import EngineCases

/// Drives a coordinator over HTTP.
///
/// Workers and coordinator are processes that somebody else started.
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "cluster", abstract: "Measures a running cluster.")

    @Option(help: "The coordinator's URL.")
    var url: String

    @Option(help: "What the store is called in the figures.")
    var store: String

    @Option(help: "How often each case is measured; the median is printed.")
    var rounds = 5

    @Option(help: "Runs of one state in a round.")
    var runs = 6000

    @Option(parsing: .upToNextOption, help: "Which cases: a b c d.")
    var cases = ["a", "b", "c", "d"]

    @concurrent
    func run() async throws {
        let configuration = CanoClient.Configuration { $0.url = self.url }
        try await CanoClient.withClient(configuration) { client in
            try await self.warmUp(client)
            if self.cases.contains("a") { try await self.oneState(client) }
            if self.cases.contains("b") { try await self.tenStates(client) }
            if self.cases.contains("c") { try await self.latency(client) }
            if self.cases.contains("d") {
                try await self.fan(client, width: 1000)
                try await self.fan(client, width: 10_000)
            }
        }
    }

    private func warmUp(_ client: CanoClient) async throws {
        _ = try await Self.startBatch(client, OneState.name, count: 500)
        try await self.awaitAll(client, OneState.name)
    }

    /// (a) Runs of one state from start to finished, started in batches of 500.
    private func oneState(_ client: CanoClient) async throws {
        var rates: [Double] = []
        for _ in 0..<self.rounds {
            let took = try await seconds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lane in 0..<2 {
                        group.addTask {
                            for _ in stride(from: lane * 500, to: self.runs, by: 1000) {
                                _ = try await Self.startBatch(client, OneState.name, count: 500)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await self.awaitAll(client, OneState.name)
            }
            rates.append(Double(self.runs) / took)
        }
        Figure(name: "a", store: self.store, metric: "runs/s", value: rates.median, detail: Self.spread(rates)).print()
    }

    /// (b) 500 runs of ten states, 50 in flight: ten clients with five each.
    private func tenStates(_ client: CanoClient) async throws {
        var rates: [Double] = []
        for _ in 0..<self.rounds {
            let took = try await seconds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<10 {
                        group.addTask {
                            for _ in 0..<10 {
                                let runs = try await Self.startBatch(client, TenStates.name, count: 5)
                                guard let last = runs.last else { continue }
                                _ = try await client.waitUntilFinished(last)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await self.awaitAll(client, TenStates.name)
            }
            rates.append(5000 / took)
        }
        Figure(name: "b", store: self.store, metric: "steps/s", value: rates.median, detail: Self.spread(rates)).print()
    }

    private static func startBatch(_ client: CanoClient, _ workflow: String, count: Int) async throws -> [RunID] {
        let requests = Array(repeating: StartRequest(workflow: workflow), count: count)
        return try await client.startBatch(requests)
            .map { answer in
                guard case .created(let run) = answer else { throw ValidationError("a start was refused: \(answer)") }
                return run
            }
    }

    /// Returns when no run of the workflow is unfinished.
    private func awaitAll(_ client: CanoClient, _ workflow: String) async throws {
        let query = RunQuery {
            $0.workflow = workflow
            $0.status = .active
            $0.limit = 1
        }
        while let open = try await client.runs(query).first {
            _ = try await client.run(open.id, limit: 0, wait: .seconds(1))
        }
    }

    /// (c) From the request to the first instruction of the task, on an idle cluster; both on one machine's clock.
    private func latency(_ client: CanoClient) async throws {
        var latencies: [Double] = []
        for _ in 0..<200 {
            let submitted = ContinuousClock.now
            let run = try await client.start(Stamp.self, context: Stamp.Context())
            guard let begun = try await run.outcome().begun else { continue }
            let (whole, atto) = submitted.duration(to: begun).components
            latencies.append(Double(whole) * 1000 + Double(atto) / 1e15)
        }
        let detail = [("p95", Figure.text(latencies.percentile(95))), ("p99", Figure.text(latencies.percentile(99)))]
        Figure(name: "c", store: self.store, metric: "ms p50", value: latencies.median, detail: detail).print()
    }

    /// (d) Wall time of a split.
    private func fan(_ client: CanoClient, width: Int) async throws {
        var times: [Double] = []
        for _ in 0..<self.rounds {
            times.append(
                try await seconds {
                    let run = try await client.start(Fan.self, context: Fan.Context(width: width))
                    _ = try await run.outcome()
                }
            )
        }
        Figure(
            name: "d\(width)",
            store: self.store,
            metric: "s",
            value: times.median,
            detail: Self.spread(times)
        )
        .print()
    }

    private static func spread(_ values: [Double]) -> [(String, String)] {
        [("min", Figure.text(values.min() ?? 0)), ("max", Figure.text(values.max() ?? 0))]
    }
}
