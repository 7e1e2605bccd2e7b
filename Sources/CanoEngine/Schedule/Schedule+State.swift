// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Schedule {
    /// What a schedule remembers, to be kept where the schedule lives.
    public struct State: Hashable, Sendable, Codable {
        /// A run that goes on.
        public struct Live: Hashable, Sendable, Codable {
            /// The tick that started it.
            public var tick: Tick
            /// The run; `nil` until it exists.
            public var run: RunID?
            /// Whether it was asked to end.
            public var isCancelled = false
        }

        /// Why ticks are held back by somebody.
        public struct Pause: Hashable, Sendable, Codable {
            /// Who wanted it.
            public var by: String
            /// Why.
            public var note: String
            /// Since when.
            public var since: Instant
        }

        /// Why the schedule stopped by itself.
        public struct Trip: Hashable, Sendable, Codable {
            /// How many failures in a row there were.
            public var streak: Int
            /// What the last one said.
            public var message: String
            /// Since when.
            public var since: Instant
        }

        /// A run that has ended.
        public struct Last: Hashable, Sendable, Codable {
            /// The tick that started it.
            public var tick: TickID
            /// The run; `nil` when it could not be started.
            public var run: RunID?
            /// When it ended.
            public var endedAt: Instant
            /// How it ended.
            public var end: RunEnd
        }

        /// Every nominal time up to here is decided.
        public var decidedThrough: Instant
        /// The runs that go on, the oldest first.
        public var live: [Live] = []
        /// The ticks that wait for a run to end, the oldest first.
        public var buffer: [Tick] = []
        /// Why ticks are held back by somebody; `nil` when they are not.
        public var pause: Pause?
        /// Why the schedule stopped by itself; `nil` when it did not.
        public var trip: Trip?
        /// How many runs failed in a row.
        public var streak = 0
        /// What the last failure said.
        public var lastFailure: String?
        /// Until when ticks are skipped after a failure.
        public var backoffUntil: Instant?
        /// How many ticks of the spec were started.
        public var fires = 0
        /// How many runs were started, those that people asked for included.
        public var runs = 0
        /// How many ticks had which outcome.
        public var counts: [String: Int] = [:]
        /// The run that ended last.
        public var last: Last?
        /// How often the settings were changed.
        public var revision = 1

        init(decidedThrough: Instant) {
            self.decidedThrough = decidedThrough
        }
    }

    /// What a schedule is doing, in a word.
    public enum Condition: String, Hashable, Sendable {
        /// It waits for its next tick.
        case idle
        /// A run goes on.
        case running
        /// It skips ticks for a while after a failure.
        case backingOff
        /// Somebody holds it back.
        case paused
        /// It stopped after failures, until it is reset.
        case tripped
        /// It will never tick again by itself.
        case finished
    }

    /// What it is doing.
    public func condition(at now: Instant) -> Condition {
        if self.state.trip != nil { return .tripped }
        if self.state.pause != nil { return .paused }
        if !self.state.live.isEmpty { return .running }
        if let until = self.state.backoffUntil, now < until { return .backingOff }
        return self.next == nil && !self.settings.spec.sources.isEmpty ? .finished : .idle
    }
}
