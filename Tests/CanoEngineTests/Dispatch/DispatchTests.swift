// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Dispatch")
struct DispatchTests {
    private static let work = Capability.handler("work")

    /// A dispatch with what it asked for.
    private struct Fixture {
        var dispatch = Dispatch()
        var effects: [Dispatch.Effect] = []

        mutating func connect(_ session: Int64, credit: Int = 0) {
            let worker = WorkerID(rawValue: "worker-\(session)")
            self.dispatch.connected(Self.id(session), worker: worker, capabilities: [DispatchTests.work])
            self.dispatch.credit(Self.id(session), credit, effects: &self.effects)
        }

        mutating func ready(_ numbers: Int..., isExclusive: Bool = false) {
            let offers = numbers.map { DispatchTests.offer($0, isExclusive: isExclusive) }
            self.dispatch.ready(offers, effects: &self.effects)
        }

        mutating func credit(_ session: Int64, _ count: Int) {
            self.dispatch.credit(Self.id(session), count, effects: &self.effects)
        }

        mutating func ended(_ session: Int64, _ numbers: Int...) {
            self.dispatch.ended(Self.id(session), numbers.map { DispatchTests.offer($0).key }, effects: &self.effects)
        }

        mutating func reported(_ session: Int64, _ number: Int, credit: Int) -> Int {
            let lease = LeaseRef(
                key: DispatchTests.offer(number).key,
                attempt: 1,
                token: Token(epoch: Epoch(rawValue: 1), counter: 1)
            )
            let report = AttemptReport(lease: lease, result: .completed(.undone))
            return self.dispatch.reported(Self.id(session), [report], credit: credit, effects: &self.effects)
        }

        /// What was granted since the last question: session and work.
        mutating func granted() -> [String] {
            defer { self.effects = [] }
            return self.effects.compactMap { effect in
                guard case .grant(let grant) = effect, case .branch(let number) = grant.offer.key.path else {
                    return nil
                }
                return "\(grant.session.rawValue):\(number)"
            }
        }

        static func id(_ session: Int64) -> SessionID { SessionID(rawValue: session) }
    }

    private static func offer(_ number: Int, isExclusive: Bool = false) -> WorkOffer {
        let run = RunID(at: Instant(microseconds: 0), shard: ShardID(rawValue: UInt8(number % 2)), random: (1, 1))
        let key = WorkKey(run: run, visit: 1, path: .branch(number))
        return WorkOffer(key: key, attempt: 1, capability: Self.work, isExclusive: isExclusive)
    }

    @Test("keeps a slot for what follows while nothing waits, and gives it to whoever waits otherwise")
    func keptSlots() {
        var fixture = Fixture()
        fixture.connect(1, credit: 1)
        fixture.ready(1)
        #expect(fixture.granted() == ["1:1"])
        // Nothing waits: the slot that the report frees is kept, and nobody else is given it meanwhile.
        #expect(fixture.reported(1, 1, credit: 1) == 1)
        fixture.ready(2)
        #expect(fixture.granted() == [])
        // Unused it is credit, and goes to who waits.
        fixture.credit(1, 1)
        #expect(fixture.granted() == ["1:2"])
        // Somebody waits: nothing is kept.
        fixture.ready(3)
        #expect(fixture.reported(1, 2, credit: 1) == 0)
        #expect(fixture.granted() == ["1:3"])
        // Without credit there is no slot.
        #expect(fixture.reported(1, 3, credit: 0) == 0)
    }

    @Test("a kept slot is work that may come: suspect work waits for it, and gets its session in the end")
    func keptSlotsAndSuspects() {
        var fixture = Fixture()
        fixture.connect(1, credit: 4)
        fixture.ready(1, 2, 3)
        #expect(fixture.granted() == ["1:1", "1:2", "1:3"])
        // The last credit is kept, though the session still stands in line.
        #expect(fixture.reported(1, 1, credit: 0) == 1)
        fixture.ready(9, isExclusive: true)
        fixture.ended(1, 2, 3)
        #expect(fixture.granted() == [], "what follows the first may still come")
        fixture.dispatch.unused(Fixture.id(1), 1, effects: &fixture.effects)
        #expect(fixture.granted() == ["1:9"])

        var other = Fixture()
        other.connect(1, credit: 2)
        other.ready(1)
        _ = other.granted()
        #expect(other.reported(1, 1, credit: 1) == 1)
        other.ready(9, isExclusive: true)
        #expect(other.granted() == [], "it would not be alone")
        other.dispatch.followed(Fixture.id(1), Self.offer(5).key)
        #expect(other.reported(1, 5, credit: 1) == 0)
        #expect(other.granted() == ["1:9"])
    }

    @Test("a worker that takes no more work does not get a kept slot back")
    func keptSlotOfDrainedWorker() {
        var fixture = Fixture()
        fixture.connect(1, credit: 2)
        fixture.ready(1)
        _ = fixture.granted()
        #expect(fixture.reported(1, 1, credit: 0) == 1)
        fixture.dispatch.withdraw(Fixture.id(1), isGone: false, effects: &fixture.effects)
        fixture.dispatch.unused(Fixture.id(1), 1, effects: &fixture.effects)
        fixture.ready(2)
        #expect(fixture.granted() == [])
    }

    @Test("lets sessions take turns and never goes beyond their credit")
    func turns() {
        var fixture = Fixture()
        fixture.connect(1, credit: 2)
        fixture.connect(2, credit: 1)
        fixture.ready(1, 2, 3, 4)
        #expect(fixture.granted() == ["1:1", "2:2", "1:3"])
        #expect(fixture.dispatch.waiting == 1)
        fixture.credit(2, 1)
        #expect(fixture.granted() == ["2:4"])
        #expect(fixture.dispatch.waiting == 0)
    }

    @Test("gives a session that says its credit in many words no more turns than another one")
    func fairness() {
        var fixture = Fixture()
        fixture.connect(1)
        for _ in 0..<100 { fixture.credit(1, 1) }
        fixture.connect(2, credit: 100)
        fixture.ready(1, 2, 3, 4)
        #expect(fixture.granted() == ["1:1", "2:2", "1:3", "2:4"])
    }

    @Test("keeps work for which nobody is there")
    func nobody() {
        var fixture = Fixture()
        fixture.ready(1)
        fixture.ready(2, isExclusive: true)
        #expect(fixture.dispatch.waiting == 2)
        fixture.connect(1, credit: 5)
        #expect(fixture.granted() == ["1:2"])
        fixture.ended(1, 2)
        #expect(fixture.granted() == ["1:1"])
    }

    @Test("does suspect work on a session that does nothing else, and has credit")
    func alone() {
        var fixture = Fixture()
        fixture.connect(1, credit: 2)
        fixture.ready(1)
        fixture.ready(2, isExclusive: true)
        fixture.ready(3)
        #expect(fixture.granted() == ["1:1"])
        fixture.ended(1, 1)
        #expect(fixture.granted() == ["1:2"])
        fixture.credit(1, 1)
        #expect(fixture.granted().isEmpty)
        fixture.ended(1, 2)
        #expect(fixture.granted() == ["1:3"])
    }

    @Test("waits for the credit of a session that is idle but has none")
    func aloneWithoutCredit() {
        var fixture = Fixture()
        fixture.connect(1, credit: 1)
        fixture.ready(1)
        fixture.ready(2, isExclusive: true)
        fixture.ended(1, 1)
        #expect(fixture.granted() == ["1:1"])
        fixture.credit(1, 1)
        #expect(fixture.granted() == ["1:2"])
    }

    @Test("finds another session for suspect work when the reserved one leaves")
    func reservedLeaves() {
        var fixture = Fixture()
        fixture.connect(1, credit: 1)
        fixture.ready(1)
        fixture.ready(2, isExclusive: true)
        _ = fixture.granted()
        fixture.dispatch.withdraw(Fixture.id(1), isGone: true, effects: &fixture.effects)
        #expect(fixture.dispatch.waiting == 1)
        fixture.connect(2, credit: 1)
        #expect(fixture.granted() == ["2:2"])
    }

    @Test("knows that leases of a lost shard, and leases ended twice, are not out")
    func lostShard() {
        var fixture = Fixture()
        fixture.connect(1, credit: 5)
        fixture.ready(1, 2)
        fixture.ready(3, isExclusive: true)
        fixture.ended(1, 2)
        fixture.ended(1, 2)
        #expect(fixture.granted() == ["1:1", "1:2"])
        fixture.dispatch.lost(ShardID(rawValue: 1), effects: &fixture.effects)
        #expect(fixture.granted() == ["1:3"])
    }

    @Test("gives the credit of a refused offer to the next one")
    func ungranted() {
        var fixture = Fixture()
        fixture.connect(1, credit: 1)
        fixture.ready(1, 2)
        _ = fixture.granted()
        fixture.dispatch.ungranted(Fixture.id(1), Self.offer(1), effects: &fixture.effects)
        #expect(fixture.granted() == ["1:2"])
    }

    @Test("tells a worker without credit once that work waits")
    func demand() {
        var fixture = Fixture()
        fixture.connect(1)
        fixture.ready(1)
        fixture.ready(2)
        #expect(fixture.effects == [.demand(Fixture.id(1), 1)])
    }

    @Test("forgets what waits of a run that is over, and of a shard that is lost")
    func forgets() {
        var fixture = Fixture()
        // Odd numbers are of one run, even ones of another.
        for number in 0..<10 { fixture.ready(number) }
        #expect(fixture.dispatch.waiting == 10)
        fixture.dispatch.finished(Self.offer(1).key.run)
        #expect(fixture.dispatch.waiting == 5)
        fixture.connect(1, credit: 3)
        #expect(fixture.granted() == ["1:0", "1:2", "1:4"])
        fixture.dispatch.lost(ShardID(rawValue: 0), effects: &fixture.effects)
        #expect(fixture.dispatch.waiting == 0)
        fixture.credit(1, 3)
        #expect(fixture.granted() == [])
        fixture.ready(12)
        #expect(fixture.granted() == ["1:12"])
    }

    @Test("keeps few offers of runs that are over, however many end")
    func bounded() {
        var fixture = Fixture()
        for number in 0..<2_000 {
            let run = RunID(at: Instant(microseconds: 0), shard: ShardID(rawValue: 0), random: (UInt64(number), 1))
            let key = WorkKey(run: run, visit: 1, path: .step)
            fixture.dispatch.ready([WorkOffer(key: key, attempt: 1, capability: Self.work)], effects: &fixture.effects)
            fixture.dispatch.finished(run)
        }
        #expect(fixture.dispatch.waiting == 0)
        #expect(fixture.dispatch.kept <= 65)
    }

    @Test("gives back what it has no use for, and asks for it again when it has")
    func recall() {
        var fixture = Fixture()
        fixture.connect(1, credit: 2)
        let recalled = fixture.dispatch.recallIdle(effects: &fixture.effects)
        #expect(recalled == [SessionID(rawValue: 1): 2])
        fixture.ready(1)
        #expect(fixture.effects == [.demand(SessionID(rawValue: 1), 1)])
        let kept = fixture.dispatch.recallIdle(effects: &fixture.effects)
        #expect(kept.isEmpty, "work waits")
        fixture.effects = []
        fixture.credit(1, 2)
        #expect(fixture.granted() == ["1:1"])
    }
}
