// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
import CanoEngine

/// Lets a process die at every point there is, opens another one on the same data, and compares what comes out.
///
/// ```swift
/// try await CrashMatrix().check { trial in
///     try await EmbeddedRunner.run(Trip(), on: trial.store, configuration: trial.configuration) { runner in
///         let run = try await runner.start(Trip.self, context: .init(legs: ["a", "b"]), key: "trip")
///         return try await run.outcome().context
///     }
/// }
/// ```
///
/// The body is called once without a crash, which says what must come out. Then, for every point, it is called until
/// it dies, and once more on what it left behind. It names its runs by keys, so that the second process finds them.
public struct CrashMatrix: Sendable {
    /// One family of points.
    public struct Kind: Hashable, Sendable {
        let point: @Sendable (Int) -> CrashPoint
        private let name: String

        /// Nothing of a commit is written.
        public static let beforeCommit = Kind(name: "beforeCommit") { .beforeCommit($0) }
        /// A commit is written, and nobody hears of it.
        public static let afterCommit = Kind(name: "afterCommit") { .afterCommit($0) }
        /// A lease was sent, and its code did not begin.
        public static let beforeAttempt = Kind(name: "beforeAttempt") { .beforeAttempt($0) }
        /// The code has run, and its outcome was not reported.
        public static let afterAttempt = Kind(name: "afterAttempt") { .afterAttempt($0) }
        /// All of them.
        public static let all: [Kind] = [.beforeCommit, .afterCommit, .beforeAttempt, .afterAttempt]

        private init(name: String, _ point: @escaping @Sendable (Int) -> CrashPoint) {
            self.name = name
            self.point = point
        }

        /// Whether both are the same family.
        public static func == (left: Kind, right: Kind) -> Bool { left.name == right.name }

        /// Feeds the hasher.
        public func hash(into hasher: inout Hasher) { hasher.combine(self.name) }
    }

    /// On what the runs are kept (default: memory); the stores take their time from the trial's clock.
    public var fixture: @Sendable (VirtualClock) -> StoreFixture = { .memory(clock: $0.storeTime) }
    /// Which points are tried (default: all).
    public var kinds = Kind.all
    /// How many points of one kind there may be before the test gives up (default: 500).
    public var maximumPoints = 500

    /// The defaults.
    public init() {}

    /// The defaults, adjusted.
    ///
    /// - Parameter adjust: changes what should be different.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }

    /// Tries every point.
    ///
    /// - Parameter body: a process: opens a runner on the trial's store, with the trial's configuration, and returns
    ///   what is to be the same every time.
    /// - Returns: the points at which the process died.
    /// - Throws: ``CrashMatrixFailure`` naming the first point after which something else came out; what `body` throws
    ///   when nothing crashes.
    @discardableResult
    public func check<Outcome: Equatable & Sendable>(
        _ body: @escaping @Sendable (CrashTrial) async throws -> Outcome
    ) async throws -> [CrashPoint] {
        let clock = VirtualClock()
        let expected = try await self.fixture(clock)
            .withData { data in
                try await Self.live(on: data, clock, at: nil, number: 1, body)
            }
        guard let expected else { throw CrashMatrixFailure("the body crashed its store by itself") }
        var points: [CrashPoint] = []
        for kind in self.kinds {
            var number = 1
            while try await self.dies(at: kind.point(number), expected, body) {
                points.append(kind.point(number))
                number += 1
                if number > self.maximumPoints {
                    throw CrashMatrixFailure("there are more than \(self.maximumPoints) points: raise maximumPoints")
                }
            }
        }
        return points
    }

    /// Whether the process came as far as this point.
    private func dies<Outcome: Equatable & Sendable>(
        at point: CrashPoint,
        _ expected: Outcome,
        _ body: @escaping @Sendable (CrashTrial) async throws -> Outcome
    ) async throws -> Bool {
        let clock = VirtualClock()
        let fixture = self.fixture(clock)
        let name = fixture.name
        return try await fixture.withData { data in
            let first: Outcome?
            do { first = try await Self.live(on: data, clock, at: point, number: 1, body) } catch {
                throw CrashMatrixFailure("without reaching the crash \(point) on \(name): \(error)")
            }
            if let first {
                guard first == expected else {
                    throw CrashMatrixFailure("without a crash on \(name): expected \(expected), got \(first)")
                }
                return false
            }
            let second: Outcome?
            do { second = try await Self.live(on: data, clock, at: nil, crashed: point, number: 2, body) } catch {
                throw CrashMatrixFailure("crash \(point) on \(name): the next process threw \(error)")
            }
            guard second == expected else {
                let got = second.map { "\($0)" } ?? "nothing"
                throw CrashMatrixFailure("crash \(point) on \(name): expected \(expected), got \(got)")
            }
            return true
        }
    }

    private static func live<Outcome: Sendable>(
        on data: StoreFixture.Data,
        _ clock: VirtualClock,
        at point: CrashPoint?,
        crashed: CrashPoint? = nil,
        number: Int,
        _ body: @escaping @Sendable (CrashTrial) async throws -> Outcome
    ) async throws -> Outcome? {
        let below = try await data.open()
        let store = CrashingStore(below, at: point)
        let trial = CrashTrial(store: store, clock: clock, point: point ?? crashed, process: number)
        let outcome: Result<Outcome?, any Error>
        do { outcome = .success(try await store.lifetime { try await body(trial) }) } catch {
            outcome = .failure(error)
        }
        await below.close()
        return try outcome.get()
    }
}

/// One process of a crash matrix.
public struct CrashTrial: Sendable {
    /// Its store.
    public let store: CrashingStore
    /// The data below, which can still be read when the store has crashed.
    public var data: any RunStore { self.store.store }
    /// Its clock, which costs no time; both processes have the same.
    public let clock: VirtualClock
    /// Where it dies, or where the one before it died; `nil` when there is no crash.
    public let point: CrashPoint?
    /// 1 for the process that dies, 2 for the one that goes on.
    public let process: Int

    /// What the runner of this process is opened with.
    public var configuration: EmbeddedRunner.Configuration {
        var configuration = EmbeddedRunner.Configuration()
        configuration.clock = self.clock
        configuration.crash(with: self.store)
        return configuration
    }
}

/// What a crash changed.
public struct CrashMatrixFailure: Error, CustomStringConvertible {
    /// Where, and what came out.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
