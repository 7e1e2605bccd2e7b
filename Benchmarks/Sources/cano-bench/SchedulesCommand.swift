// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import EngineCases
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Measures schedules that have nothing to do.
struct SchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules",
        abstract: "Measures schedules that have nothing to do."
    )

    @Option(help: "How many schedules.")
    var count = 100_000

    @Option(help: "For how many seconds the processor time is measured.")
    var period = 10

    @concurrent
    func run() async throws {
        var logger = Logger(label: "cano.bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        var schedules = Schedules()
        for index in 0..<self.count {
            try schedules.cron("idle-\(index)", "H H 29 2 *", start: TenStates.self) { _ in TenStates.Context() }
        }
        let (idle, span, quiet) = (schedules, self.period, logger)
        let store = MemoryStore(clock: { Self.time(CLOCK_REALTIME) })
        try await EmbeddedRunner.run(TenStates(), on: store, logger: quiet) { runner in
            try await Task.sleep(for: .seconds(2))
            let alone = try await Self.share(over: span)
            let begin = ContinuousClock.now
            try await Scheduler.run(idle, on: runner, logger: quiet) { _ in
                let took = begin.duration(to: .now) / .seconds(1)
                let together = try await Self.share(over: span)
                let detail = [("count", "\(idle.count)"), ("runnerAlone", Figure.text(alone))]
                let (name, store) = ("schedules", "memory")
                Figure(name: name, store: store, metric: "% of a core", value: together, detail: detail).print()
                Figure(name: name, store: store, metric: "s to add them", value: took).print()
            }
        }
    }

    /// How much of a core this process uses, in percent.
    private static func share(over span: Int) async throws -> Double {
        let begin = Self.time(CLOCK_PROCESS_CPUTIME_ID)
        try await Task.sleep(for: .seconds(span))
        return Double(Self.time(CLOCK_PROCESS_CPUTIME_ID).microseconds - begin.microseconds) / Double(span) / 10_000
    }

    private static func time(_ clock: clockid_t) -> Instant {
        var time = timespec()
        clock_gettime(clock, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
