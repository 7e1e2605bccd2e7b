// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine
internal import FoundationEssentials

extension MemoryStore {
    /// An empty store whose time is this machine's wall clock.
    public convenience init() {
        self.init(clock: { Instant(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000)) })
    }
}
