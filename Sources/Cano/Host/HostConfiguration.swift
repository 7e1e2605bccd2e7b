// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// How a host of the engine behaves.
package struct HostConfiguration: Sendable {
    /// Who it is: made at random for each process.
    package var me: HostID
    /// How long its leases of shards live (default: 10 s).
    package var shardTTL = Span.seconds(10)
    /// How long leases of work live without a heartbeat (default: 15 s).
    package var leaseTTL = Span.seconds(15)
    /// How long runs that are over are kept; `nil` for ever (the default).
    package var retention: Span?
    /// How long between two times of the store's upkeep (default: an hour).
    package var upkeepPause = Span.seconds(3600)
    /// How many commits may be under way at once (default: 1).
    package var commitLanes = 1
    /// The bounds that everything obeys.
    package var limits = Limits()
    /// Whether its workers live in this process, and die with it (default: no).
    package var hasWorkersWithin = false
    /// The time that it lives by (default: the machine's).
    package var time: any HostTime = MachineTime()
    /// Where its metrics and spans go.
    package var telemetry = Telemetry.automatic
    /// Who hears of what happens to runs (default: nobody).
    package var observers: [any RunObserver] = []

    package init(me: HostID) {
        self.me = me
    }
}
