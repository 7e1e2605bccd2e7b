// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import EngineCases

/// Measures what breakers, limiters, bulkheads and retries cost when nothing is wrong and nobody waits.
struct ResilienceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resilience",
        abstract: "Measures the overhead of breakers, limiters, bulkheads and retries."
    )

    @Option(help: "How often each case is measured; the median is printed.")
    var rounds = 5

    @Option(help: "The calls of one round.")
    var calls = 1_000_000

    @concurrent
    func run() async throws {
        let breaker = try CircuitBreaker("bench", BreakerPolicy { $0.consecutiveFailures = 1_000_000 })
        let counting = try CircuitBreaker("bench", BreakerPolicy { $0.failureRate = .init(percent: 99) })
        let open = try CircuitBreaker("bench")
        open.forceOpen()
        let bucket = try RateLimiter("bench", .bucket("rate", 1_000_000_000, per: .seconds(1)))
        let empty = try RateLimiter("bench", .bucket("rate", 1, per: .seconds(3600)))
        try empty.take()
        let tiers = try RateLimiter(
            "bench",
            .bucket("second", 1_000_000_000, per: .seconds(1)),
            .bucket("hour", 1_000_000_000, per: .seconds(60))
        )
        let bulkhead = try Bulkhead("bench", permits: 8)
        let call = Call()
        try await self.measure("call") { _ = try await call.run() }
        try await self.measure("retry") { _ = try await retry { try await call.run() } }
        try await self.measure("breaker") { _ = try await breaker.run { try await call.run() } }
        try await self.measure("retry and breaker") {
            _ = try await retry { try await breaker.run { try await call.run() } }
        }
        try await self.measure("breaker with a share") { _ = try await counting.run { try await call.run() } }
        try await self.measure("breaker, refused") { _ = try? open.acquire() }
        try await self.measure("token bucket") { _ = bucket.tryAcquire() }
        try await self.measure("token bucket, refused") { _ = empty.tryAcquire() }
        try await self.measure("two tiers") { _ = tiers.tryAcquire() }
        try await self.measure("bulkhead") { _ = try await bulkhead.run { try await call.run() } }
    }

    private func measure(_ name: String, _ body: () async throws -> Void) async throws {
        var times: [Double] = []
        for _ in 0..<self.rounds {
            let took = try await seconds { for _ in 0..<self.calls { try await body() } }
            times.append(took / Double(self.calls) * 1e9)
        }
        Figure(name: name, store: "none", metric: "ns", value: times.median).print()
    }
}

/// Something to call that does nothing and is not inlined.
private struct Call: Sendable {
    @inline(never)
    func run() async throws -> Int { 1 }
}
