// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a worker says to a coordinator.
public enum WorkerFrame: Hashable, Sendable {
    /// The first frame of a connection.
    case hello(Hello)
    /// So many more leases are welcome, on top of what was said before.
    case credit(Int)
    /// These leases begin to run now; said before the first instruction of each task.
    case started([LeaseRef])
    /// These attempts ended. Each is repeated after a reconnect until it is answered.
    case reports([AttemptReport])
    /// Attempts that go on want these cursors to be durable. Each is repeated after a reconnect until it is answered.
    case checkpoints([LeaseCheckpoint])
    /// The worker lives; all leases of the session are prolonged. Answered with the same number.
    case heartbeat(Int64)
    /// After a reconnect or a change of owner: leases of these shards that the worker still holds.
    case resume([LeaseRef])
    /// Progress of a running attempt, for people: a line of text.
    case progress(LeaseRef, String)
    /// The worker takes no more leases and will leave when it has finished those it has.
    case draining

    /// Who a worker is and what it can do.
    public struct Hello: Hashable, Sendable {
        /// The shared secret; empty when none is configured.
        public var secret: String
        /// Who it is.
        public var worker: WorkerID
        /// Rises with every connection of this worker, so that the newer one fences the older.
        public var session: Int64
        /// The definitions whose code it has.
        public var definitions: [Definition]
        /// The built-in handlers that it runs, such as `exec`.
        public var handlers: [String]
        /// How many leases it can hold at once.
        public var slots: Int
        /// The version of its program, for people.
        public var build: String

        /// A greeting from its parts.
        public init(
            secret: String,
            worker: WorkerID,
            session: Int64,
            definitions: [Definition],
            handlers: [String],
            slots: Int,
            build: String
        ) {
            self.secret = secret
            self.worker = worker
            self.session = session
            self.definitions = definitions
            self.handlers = handlers
            self.slots = slots
            self.build = build
        }
    }
}
