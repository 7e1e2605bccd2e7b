// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Everything that has an upper bound, in one value.
///
/// Reaching a bound is a clear error to whoever caused it; nothing that was accepted before is lost.
public struct Limits: Hashable, Sendable {
    /// The largest context, item, output or input, in bytes (default: 256 KiB).
    public var payloadBytes = 256 * 1024
    /// The items of one split together, in bytes as stored (default: 8 MiB).
    public var splitBytes = 8 * 1024 * 1024
    /// The outputs of the branches of one split together, in bytes (default: 8 MiB).
    public var joinBytes = 8 * 1024 * 1024
    /// The branches of one split (default: 100,000).
    public var branches = 100_000
    /// The largest frame on the wire, in bytes (default: 16 MiB).
    public var frameBytes = 16 * 1024 * 1024
    /// The states of one definition (default: 1,000).
    public var states = 1000
    /// The characters of a workflow's, state's or task's name, or of a key (default: 200).
    public var nameCharacters = 200
    /// The attempts a retry policy may ask for (default: 1,000).
    public var attempts = 1000
    /// The cursors of one piece of work that its history keeps (default: 64); the store removes older ones.
    public var cursorRecords = 64
    /// The local states that a worker does at once behind another one (default: 100).
    public var localStates = 100
    /// The bytes of contexts and outputs of local states that a worker reports together (default: 1 MiB).
    public var localBytes = 1 << 20
    /// The longest time that a definition may name: a timeout, a pause, a timer (default: 36,500 days).
    public var longestSpan = Span.seconds(36_500 * 86_400)
    /// The limits that one task may declare (default: 16).
    public var limitsPerTask = 16
    /// How often a step may lose its worker before it is parked (default: 3).
    public var crashes = 3
    /// The signals that a run keeps until it waits for them (default: 100); one more is refused.
    public var signals = 100
    /// The ids of signals that a run remembers, the newest ones, to know a repeated signal (default: 100).
    public var signalIDs = 100
    /// The runs of one shard that are kept in memory at once (default: 4,096); the others wait as rows.
    public var residentRuns = 4096
    /// Runs whose timer is due within this span are kept in memory (default: 60 s); the others wait as rows.
    public var timerHorizon = Span.seconds(60)
    /// How long work waits while nobody who is connected can do it, before its run counts as blocked (default: 10 s).
    public var unservedTime = Span.seconds(10)
    /// How long a compensatable attempt that was asked to stop is awaited before it counts as in doubt (default: 10 s).
    public var settleTime = Span.seconds(10)
    /// How long a new owner of a shard listens for leases that workers still hold (default: 1 s).
    public var listenTime = Span.seconds(1)
    /// The age at which a lease is recorded, so that a new owner waits for its worker (default: 1 s).
    public var holdTime = Span.seconds(1)
    /// The leases in flight per worker (default: 1,024).
    public var leasesPerWorker = 1024
    /// The starts in one batch request (default: 10,000).
    public var startsPerRequest = 10_000
    /// The rows of one page of a query (default: 1,000).
    public var pageRows = 1000
    /// The bytes of one commit's rows, roughly; what does not fit goes into the next commit (default: 8 MiB).
    public var commitBytes = 8 * 1024 * 1024
    /// The characters of an error message that is kept (default: 2,000); longer ones are cut.
    public var messageCharacters = 2000
    /// The shortest interval of a schedule (default: 100 ms).
    public var scheduleInterval = Span(milliseconds: 100)
    /// The ticks of one schedule that wait for a run to end, and its runs that go on at once (default: 1,000 of each).
    public var scheduleRuns = 1000
    /// The schedules of one scheduler (default: 1,000,000).
    public var schedules = 1_000_000

    /// The defaults.
    public init() {}

    /// The defaults, adjusted.
    public init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }
}
