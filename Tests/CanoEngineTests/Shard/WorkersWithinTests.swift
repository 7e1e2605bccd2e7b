// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Workers that live in the owner's process")
struct WorkersWithinTests {
    private static func single(undo: Bool = false) -> [StateDefinition] {
        [StateDefinition(name: "a", step: .task(run: RunFixture.task(undo: undo), to: ["done"]))]
    }

    /// What became of attempts that were lost, oldest first.
    private static func losses(_ fixture: ShardFixture) -> [String] {
        fixture.tables.history(of: fixture.runs[0], after: 0, limit: 100)
            .filter { $0.kind == .attemptLost }
            .compactMap(\.reason)
    }

    /// Another process takes the shard, and its listening and all its patience are over.
    private static func change(_ fixture: inout ShardFixture, _ workers: Shard.Workers) {
        fixture.changeOwner(workers: workers)
        fixture.pass(6000)
    }

    @Test("work that kills its owner is charged from the second time on, and parked", arguments: [false, true])
    func deaths(undoes: Bool) throws {
        var fixture = try ShardFixture(Self.single(undo: true))
        let run = fixture.start()
        if undoes {
            // The undo of an attempt in doubt is what kills.
            let lease = try fixture.lease()
            let failure = Failure(code: "no", message: "no", isRetryable: false).inDoubt
            fixture.report(lease, .failed(failure, retryAfter: nil))
        }
        for death in 0...fixture.limits.crashes {
            #expect(fixture.status(run) != .blocked, "after \(death) deaths")
            _ = try fixture.lease()
            Self.change(&fixture, .within(lastDied: true))
        }
        #expect(Self.losses(fixture) == ["owner", "workerGone", "workerGone", "workerGone"])
        #expect(fixture.status(run) == .blocked)
    }

    @Test("a branch that is parked lets the next one in")
    func parkedBranch() throws {
        let split = SplitDefinition(
            .each(expand: RunFixture.task(), branch: RunFixture.task()),
            join: JoinPolicy(.partial(atLeast: 1)),
            inFlight: 1
        )
        var fixture = try ShardFixture([StateDefinition(name: "a", step: .split(split, to: "done"))])
        fixture.start()
        let expand = try fixture.lease()
        fixture.report(expand, .completed(.items([.json("1"), .json("2")])))
        for _ in 0...fixture.limits.crashes {
            #expect(try fixture.lease().key.path == .branch(0))
            Self.change(&fixture, .within(lastDied: true))
        }
        #expect(try fixture.lease().key.path == .branch(1))
    }

    @Test("nobody is charged when the last owner stopped in order, or workers live elsewhere")
    func noDeaths() throws {
        for workers in [Shard.Workers.within(lastDied: false), .elsewhere] {
            var fixture = try ShardFixture(Self.single())
            let run = fixture.start()
            for _ in 0..<2 * fixture.limits.crashes {
                _ = try fixture.lease()
                Self.change(&fixture, workers)
            }
            #expect(Set(Self.losses(fixture)) == ["owner"])
            #expect(fixture.status(run) == .active)
        }
    }

    @Test("the first death is charged to nobody, also when the attempt was old enough to be recorded")
    func firstDeath() throws {
        var fixture = try ShardFixture(Self.single())
        fixture.start()
        _ = try fixture.lease()
        fixture.pass(1500)
        #expect(fixture.tables.history(of: fixture.runs[0], after: 0, limit: 9).last?.kind == .attemptHeld)
        Self.change(&fixture, .within(lastDied: true))
        #expect(Self.losses(fixture) == ["owner"])
        // From here on the history says at once who has it.
        _ = try fixture.lease()
        #expect(fixture.tables.history(of: fixture.runs[0], after: 0, limit: 9).last?.kind == .attemptHeld)
        Self.change(&fixture, .within(lastDied: true))
        #expect(Self.losses(fixture) == ["owner", "workerGone"])
    }

    @Test("an attempt of an owner before the one that died is not charged")
    func olderOwner() throws {
        var fixture = try ShardFixture(Self.single())
        fixture.start()
        _ = try fixture.lease()
        Self.change(&fixture, .within(lastDied: true))
        _ = try fixture.lease()
        // Somebody takes the shard, and dies of something else before it has looked at the run.
        let claim = ShardClaim(shard: ShardFixture.id, seen: fixture.epoch)
        _ = fixture.tables.take([claim], for: HostID(rawValue: "brief"), ttl: .seconds(10), at: fixture.now)
        fixture.epoch = Epoch(rawValue: fixture.epoch.rawValue + 1)
        Self.change(&fixture, .within(lastDied: true))
        #expect(Self.losses(fixture) == ["owner", "owner"])
    }
}
