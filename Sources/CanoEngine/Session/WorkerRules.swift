// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The times and bounds that the worker's side of the wire keeps.
///
/// All times are milliseconds of a monotonic clock.
package struct WorkerRules: Hashable, Sendable {
    /// How many leases may run at once.
    package var slots = 8
    /// How many reports may wait for an answer before no more credit is given (default: 1,024).
    package var unansweredReports = 1024
    /// The pause before the second try to connect; doubled with each failure (default: 50 ms).
    package var firstPause: Int64 = 50
    /// The longest pause between two tries (default: 1 s).
    package var longestPause: Int64 = 1000
    /// How long the answer to a greeting is awaited (default: 5 s).
    package var greetingPatience: Int64 = 5000
    /// How long a task that was cancelled may take to answer before the worker reports for it (default: 1 s).
    package var stoppingPatience: Int64 = 1000
    /// The least time between two lines of progress of one lease (default: 1 s).
    package var progressPause: Int64 = 1000

    package init() {}

    /// The defaults, adjusted.
    package init(_ adjust: (inout Self) -> Void) {
        self.init()
        adjust(&self)
    }

    /// By how much earlier than the coordinator the worker lets a lease end: a tenth of the TTL.
    package func margin(ofTTL ttl: Int64) -> Int64 { ttl / 10 }
}
