// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

/// A random story of a worker and two coordinators that play fair, with a count of what was promised.
struct WorkerStory {
    private let seed: UInt64
    private var random: SplitMix64
    private var bench: Bench
    private let slots: Int
    private var isConnected = [false, false]
    private var isWelcomed = [false, false]
    private var credit = [0, 0]
    /// Begun and not returned.
    private var running: Set<LeaseRef> = []
    /// Reported and not answered.
    private var owed: Set<LeaseRef> = []
    private var lost: Set<LeaseRef> = []
    private var granted = 0

    init(seed: UInt64) {
        self.seed = seed
        self.random = SplitMix64(seed: seed)
        self.slots = 1 + Int(self.random.next() % 5)
        self.bench = Bench(slots: self.slots, seed: seed)
    }

    private mutating func below(_ bound: Int) -> Int { Int(self.random.next() % UInt64(bound)) }

    mutating func step() {
        let link = self.below(2)
        switch self.below(10) {
        case 0: self.toggle(link)
        case 1, 2, 3: self.grant(link)
        case 4, 5: self.finish()
        case 6: self.answer(link)
        case 7: self.tell(link)
        default:
            self.bench.now += Int64(self.below(700))
            self.feed([.ticked])
        }
    }

    /// Everything heals; then every outcome that was not lost is acknowledged.
    mutating func end() {
        for link in 0..<2 where !self.isConnected[link] { self.toggle(link) }
        while !self.running.isEmpty { self.finish() }
        for _ in 0..<3 {
            for link in 0..<2 where !self.isWelcomed[link] { self.toggle(link) }
            for link in 0..<2 { self.answer(link) }
        }
        #expect(self.bench.machine.unansweredReports == 0, "seed \(self.seed)")
        #expect(self.bench.machine.busySlots == 0, "seed \(self.seed)")
    }

    private mutating func toggle(_ link: Int) {
        let id = WorkerMachine.Link(rawValue: link)
        if self.isConnected[link] {
            self.closed(link)
        } else {
            self.isConnected[link] = true
            self.feed([.opened(id)])
            guard self.isConnected[link] else { return }
            let welcome = CoordinatorFrame.Welcome(ttl: Span(milliseconds: 3000), frameBytes: 1000, payloadBytes: 1000)
            self.isWelcomed[link] = true
            self.feed([.frames(id, [.welcome(welcome)])])
        }
    }

    private mutating func closed(_ link: Int) {
        self.isConnected[link] = false
        self.isWelcomed[link] = false
        self.credit[link] = 0
        self.feed([.closed(WorkerMachine.Link(rawValue: link))])
    }

    private mutating func grant(_ link: Int) {
        guard self.isWelcomed[link], self.credit[link] > 0 else { return }
        var grants: [LeaseGrant] = []
        for _ in 0...self.below(self.credit[link]) {
            self.granted += 1
            grants.append(Bench.grant(self.granted))
        }
        self.credit[link] -= grants.count
        self.feed([.frames(WorkerMachine.Link(rawValue: link), [.leases(grants)])])
    }

    private mutating func finish() {
        guard let lease = self.running.min(by: { $0.token < $1.token }) else { return }
        self.running.remove(lease)
        self.feed([.finished(lease, .completed(.undone))])
    }

    private mutating func answer(_ link: Int) {
        guard self.isWelcomed[link] else { return }
        let answers = self.owed.sorted { $0.token < $1.token }.map { LeaseAnswer(lease: $0, answer: .accepted) }
        self.owed = []
        self.feed([.frames(WorkerMachine.Link(rawValue: link), [.answers(answers)])])
    }

    private mutating func tell(_ link: Int) {
        guard self.isWelcomed[link] else { return }
        let id = WorkerMachine.Link(rawValue: link)
        switch self.below(4) {
        case 0:
            let count = self.credit[link] == 0 ? 0 : self.below(self.credit[link] + 1)
            self.credit[link] -= count
            self.feed([.frames(id, [.recalled(count)])])
        case 1: self.feed([.frames(id, [.demand(self.below(3))])])
        case 2:
            let leases = self.running.filter { _ in self.random.next() % 4 == 0 }.sorted { $0.token < $1.token }
            self.lost.formUnion(leases)
            self.feed([.frames(id, [.lost(leases)])])
        default: self.feed([.frames(id, [.heartbeat(Int64(self.below(5)))])])
        }
    }

    private mutating func feed(_ events: [WorkerMachine.Event]) {
        for event in events { self.bench.apply(event) }
        for effect in self.bench.effects {
            switch effect {
            case .send(let link, let frames): self.sent(frames, to: link.rawValue)
            case .begin(_, let grants): self.running.formUnion(grants.map(\.lease))
            case .disconnect(let link): self.closed(link.rawValue)
            case .connect, .leave, .note, .cancel, .checkpointed: continue
            case .stop: Issue.record("nobody asked it to stop, seed \(self.seed)")
            }
        }
        let machine = self.bench.machine
        #expect(machine.busySlots == self.running.count, "seed \(self.seed)")
        #expect(machine.creditGiven + machine.busySlots <= self.slots, "seed \(self.seed)")
        #expect(self.credit.reduce(0, +) + self.running.count <= self.slots, "seed \(self.seed)")
    }

    private mutating func sent(_ frames: [WorkerFrame], to link: Int) {
        #expect(self.isConnected[link], "seed \(self.seed): \(frames) to a closed connection")
        for frame in frames {
            if case .credit(let count) = frame { self.credit[link] += count }
            guard case .reports(let reports) = frame else { continue }
            for report in reports {
                #expect(!self.lost.contains(report.lease), "seed \(self.seed): nobody wants \(report.lease)")
                self.owed.insert(report.lease)
            }
        }
    }
}
