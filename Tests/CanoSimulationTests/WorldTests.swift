// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import CanoSimulation
import Foundation
import Testing

@Suite("A simulated world")
struct WorldTests {
    private static func littleMemory(_ seed: UInt64) -> SimulationOptions {
        SimulationOptions(seed: seed) {
            $0.runs = 80
            $0.limits.residentRuns = 3
            $0.limits.pageRows = 2
        }
    }

    @Test("keeps every promise, whatever goes wrong", arguments: UInt64(0)..<100)
    func anyStory(seed: UInt64) throws {
        var world = try World(SimulationOptions(seed: seed))
        #expect(world.run() == nil)
    }

    @Test("keeps every promise when much work meets little memory", arguments: UInt64(0)..<40)
    func littleMemory(seed: UInt64) throws {
        var world = try World(Self.littleMemory(seed))
        #expect(world.run() == nil)
    }

    @Test("ends every run although its work is limited, whatever goes wrong", arguments: UInt64(0)..<60)
    func limited(seed: UInt64) throws {
        var world = try World(SimulationOptions(seed: seed) { $0.hasLimits = true })
        #expect(world.run() == nil)
    }

    @Test("ends every run although its workers die with their owner, whatever goes wrong", arguments: UInt64(0)..<60)
    func workersWithin(seed: UInt64) throws {
        var world = try World(SimulationOptions(seed: seed) { $0.hasWorkersWithin = true })
        #expect(world.run() == nil)
    }

    @Test("keeps the promises that it once broke")
    func regressions() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Seeds/regressions.txt")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(!lines.isEmpty)
        for line in lines {
            let words = line.split(separator: " ")
            let seed = try #require(words.count > 2 ? UInt64(words[1]) : nil, "'\(line)' names no seed")
            let options = words[0] == "usual" ? SimulationOptions(seed: seed) : Self.littleMemory(seed)
            var world = try World(options)
            #expect(world.run() == nil)
        }
    }

    @Test("ends every run when nothing goes wrong", arguments: UInt64(0)..<20)
    func noFaults(seed: UInt64) throws {
        var world = try World(SimulationOptions(seed: seed) { $0.hasFaults = false })
        #expect(world.run() == nil)
        #expect(world.tally["commits stale", default: 0] == 0)
    }

    @Test("tells the same story for the same seed")
    func repeats() throws {
        var first = try World(SimulationOptions(seed: 7))
        var second = try World(SimulationOptions(seed: 7))
        #expect(first.run() == nil)
        #expect(second.run() == nil)
        #expect(first.tally == second.tally)
    }

    @Test("meets every kind of trouble")
    func meetsTrouble() throws {
        var tally: [String: Int] = [:]
        for seed in UInt64(0)..<40 {
            var world = try World(SimulationOptions(seed: seed))
            #expect(world.run() == nil)
            tally.merge(world.tally, uniquingKeysWith: +)
        }
        for trouble in [
            "adopted", "commits failed", "commits stale", "commits unknown", "cuts", "grants", "leases lost",
            "owners crashed", "pauses", "takes", "workers crashed",
        ] {
            #expect(tally[trouble, default: 0] > 0, "no story met this: \(trouble)")
        }
    }

    @Test("shows a planted mistake of every kind", arguments: SimulationOptions.PlantedBug.allCases)
    func plantedBug(bug: SimulationOptions.PlantedBug) throws {
        let found = try (UInt64(0)..<60)
            .lazy
            .compactMap { seed in
                var world = try World(SimulationOptions(seed: seed) { $0.bug = bug })
                return world.run()
            }
            .first
        #expect(found != nil, "60 stories hide this mistake: \(bug)")
    }
}
