// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Where a run is: its state, the visit and the context there.
package struct RunPosition: Hashable, Sendable {
    /// The state where it is or where it ended.
    package var state: String?
    /// The number of the visit.
    package var visit: Int
    /// The context of that visit, the final one when the run has ended.
    package var context: Payload?

    package init(state: String?, visit: Int, context: Payload?) {
        self.state = state
        self.visit = visit
        self.context = context
    }

    /// The position behind these rows, which follow `earlier`.
    package init(_ rows: [HistoryRow], behind earlier: RunPosition? = nil) {
        self = earlier ?? RunPosition(state: nil, visit: 0, context: nil)
        for row in rows {
            switch row.kind {
            case .started, .entered, .finished, .migrated:
                // A run that ended outside an exit keeps the state where it was.
                self.state = row.state ?? self.state
                self.visit = max(row.visit, self.visit)
                self.context = row.payload ?? self.context
            case .expanded, .branchDone, .joined, .attemptFailed, .attemptLost, .attemptHeld, .sagaPushed,
                .compensating, .compensated, .cancelRequested, .signalled, .childStarted, .childEnded, .intervened,
                .stepCursor, .checkpoint:
                break
            }
        }
    }
}
