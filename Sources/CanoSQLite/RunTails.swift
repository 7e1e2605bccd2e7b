// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// The numbers of the last records of runs that were written to lately, so that the predecessor of the next one need
/// not be looked up.
///
/// Only the one connection that writes may keep them; what it does not know is asked of the table.
final class RunTails {
    /// So many runs are remembered, more than one transaction writes to; then it begins anew.
    private static let most = 32_768

    private var known: [RunID: Int] = [:]

    /// A record of this number is about to be written; returns that of the last one, if it is known.
    func advance(_ run: RunID, to seq: Int) -> Int? { self.known.updateValue(seq, forKey: run) }

    /// Nothing follows any more: whoever tries finds out from the table.
    func end(_ run: RunID) { self.known[run] = nil }

    /// The transaction is on disk: what it wrote stays known, unless that is too much.
    func commit() {
        if self.known.count > Self.most { self.known = [:] }
    }

    /// Something was not written after all: what is known may come from that.
    func forget() { self.known = [:] }
}
