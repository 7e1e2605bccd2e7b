// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The numbers of the last records of runs that were written to lately, so that the predecessor of the next one need
/// not be looked up.
///
/// Only the one connection that writes may keep them; what it does not know is asked of the table.
final class RunTails {
    /// So many runs are remembered; then it begins anew.
    private static let most = 8192

    private var known: [RunID: Int] = [:]
    /// What the transaction that is under way has written.
    private var written: [RunID: Int] = [:]

    /// A record of this number is about to be written; returns that of the last one, if it is known.
    func advance(_ run: RunID, to seq: Int) -> Int? {
        self.written.updateValue(seq, forKey: run) ?? self.known[run]
    }

    /// Nothing follows any more: whoever tries finds out from the table.
    func end(_ run: RunID) { self.written[run] = 0 }

    /// The transaction is on disk.
    func commit() {
        if self.known.count > Self.most { self.known = [:] }
        for (run, seq) in self.written { self.known[run] = seq > 0 ? seq : nil }
        self.written = [:]
    }

    /// Something was not written after all.
    func forget() {
        self.known = [:]
        self.written = [:]
    }
}
