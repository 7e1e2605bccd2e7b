// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import DequeModule

/// Where runs are, found by reading each history only once.
///
/// A history only grows, so what was read of it stays true: somebody who watches a run costs the store just the rows
/// that are new.
actor RunPositions {
    private struct Known {
        var position = RunPosition(state: nil, visit: 0, context: nil)
        /// The last record that was read.
        var seq = 0
    }

    /// Contexts can be large, so few are kept.
    private static let capacity = 64

    private let plane: any ControlPlane
    private let pageRows: Int
    private var known: [RunID: Known] = [:]
    private var order: Deque<RunID> = []

    init(plane: any ControlPlane, pageRows: Int) {
        self.plane = plane
        self.pageRows = pageRows
    }

    /// The position behind the last record.
    func position(of run: RunID, isFinished: Bool) async throws(CanoError) -> RunPosition {
        var reached = self.known[run] ?? Known()
        while true {
            let rows = try await self.plane.history(of: run, after: reached.seq, limit: self.pageRows)
            reached.position = RunPosition(rows, behind: reached.position)
            reached.seq = rows.last?.seq ?? reached.seq
            if rows.count < self.pageRows { break }
            if isFinished, let end = try await self.lastRow(of: run, behind: reached.seq), end.state != nil {
                reached.position = RunPosition([end], behind: reached.position)
                reached.seq = end.seq
                break
            }
        }
        self.remember(reached, of: run)
        return reached.position
    }

    private func remember(_ reached: Known, of run: RunID) {
        // Another request may have read further meanwhile.
        guard let known = self.known[run] else {
            self.known[run] = reached
            self.order.append(run)
            if self.order.count > Self.capacity { self.known[self.order.removeFirst()] = nil }
            return
        }
        if known.seq < reached.seq { self.known[run] = reached }
    }

    /// The last row of a long history.
    ///
    /// The numbers have no gaps, so it is found in steps that double, then halve.
    private func lastRow(of run: RunID, behind seq: Int) async throws(CanoError) -> HistoryRow? {
        var last: HistoryRow?
        var low = seq
        var step = self.pageRows
        while let row = try await self.row(low + step, of: run) {
            last = row
            low += step
            step *= 2
        }
        var beyond = low + step
        while beyond - low > 1 {
            let middle = (low + beyond) / 2
            if let row = try await self.row(middle, of: run) {
                last = row
                low = middle
            } else {
                beyond = middle
            }
        }
        return last
    }

    private func row(_ seq: Int, of run: RunID) async throws(CanoError) -> HistoryRow? {
        try await self.plane.history(of: run, after: seq - 1, limit: 1).first
    }
}
