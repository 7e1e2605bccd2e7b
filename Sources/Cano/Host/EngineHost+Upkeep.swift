// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
internal import Logging

extension EngineHost {
    /// Who owns this shard does what the store needs once in a while, so that of many hosts one does it.
    private static let keeper = ShardID(rawValue: 0)

    /// Lets the store make room for what is to come and forget what ended long ago, again and again.
    func watchStore() async {
        let pause = self.configuration.upkeepPause.duration
        // Whoever has just started has more urgent things to do.
        var next = min(pause, .seconds(60))
        var busy = 0
        while !Task.isCancelled {
            let wake = self.time.now.advanced(by: next)
            do { try await self.time.sleep(until: wake, for: .upkeep, releasing: busy) } catch { return }
            (next, busy) = (pause, 1)
            guard self.owned[Self.keeper] != nil else { continue }
            do {
                let done = try await self.store.keepUp(retention: self.configuration.retention)
                guard done != Upkeep() else { continue }
                self.logger.info(
                    "runs forgotten",
                    metadata: ["runs": "\(done.forgotten)", "moved": "\(done.moved)"]
                )
            } catch {
                self.logger.warning("upkeep of the store failed, it is tried again", metadata: ["error": "\(error)"])
            }
        }
    }
}
