// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine

/// What a timeline tells about the branches of each split.
struct SplitProgress: Hashable {
    /// One visit of a splitting state.
    struct Split: Hashable {
        var state: String
        var visit: Int
        var branches: Int
        var succeeded = 0
        var failed = 0
        var cancelled = 0
        /// How the join was decided; `nil` while it is open.
        var decision: String?

        /// How many branches have ended.
        var ended: Int { self.succeeded + self.failed + self.cancelled }
    }

    /// The splits in the order in which they were entered.
    private(set) var splits: [Split] = []
    /// What went wrong on the way, in order.
    private(set) var incidents: [Incident] = []
    /// The state that was entered last.
    private(set) var state: String?
    /// The last record seen.
    private(set) var lastSeq = 0
    private var visit = 0

    /// Takes in the next page of a timeline.
    mutating func add(_ entries: [TimelineEntry]) {
        for entry in entries { self.add(entry) }
    }

    private mutating func add(_ entry: TimelineEntry) {
        self.lastSeq = entry.seq
        switch entry.kind {
        case "started", "entered", "migrated":
            self.state = entry.state
            self.visit = entry.visit ?? self.visit
        case "expanded":
            self.splits.append(
                Split(state: self.state ?? "", visit: self.visit, branches: entry.branches ?? 0)
            )
        case "branchDone": self.endBranch(entry)
        case "joined":
            if let last = self.splits.indices.last { self.splits[last].decision = entry.reason }
        case "attemptFailed":
            self.note(entry.due == nil ? .failed : .retried, entry)
        case "attemptLost":
            self.lose(entry)
        // Records of other kinds, and kinds of newer versions, change nothing here.
        default: break
        }
    }

    private mutating func endBranch(_ entry: TimelineEntry) {
        guard let last = self.splits.indices.last else { return }
        switch entry.reason {
        case nil: self.splits[last].succeeded += 1
        case "cancelled": self.splits[last].cancelled += 1
        default:
            self.splits[last].failed += 1
            self.note(.failed, entry)
        }
    }

    private mutating func lose(_ entry: TimelineEntry) {
        // Whoever was asked to stop and was not waited for is no accident.
        guard entry.reason != LossReason.abandoned.rawValue else { return }
        guard !entry.lost.isEmpty else { return self.note(.lost, entry) }
        for lost in entry.lost {
            self.incidents.append(Incident(lost, reason: entry.reason ?? ""))
        }
    }

    private mutating func note(_ kind: Incident.Kind, _ entry: TimelineEntry) {
        let reason = [entry.reason, entry.detail].compactMap(\.self).joined(separator: ": ")
        self.incidents.append(Incident(kind, entry, reason: reason))
    }
}
