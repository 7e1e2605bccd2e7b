// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoSimulation
import Testing

@Suite("A simulated world")
struct WorldTests {
    @Test("keeps every promise, whatever goes wrong", arguments: UInt64(0)..<200)
    func anyStory(seed: UInt64) throws {
        var world = try World(SimulationOptions(seed: seed))
        #expect(world.run() == nil)
    }
}
