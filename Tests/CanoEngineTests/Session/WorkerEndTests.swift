// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("The end of a worker")
struct WorkerEndTests {
    static let first = WorkerMachine.Link(rawValue: 0)
    static let second = WorkerMachine.Link(rawValue: 1)

    @Test("a worker with nothing to do ends at once")
    func idle() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        worker.apply(.drain(within: 10_000))
        #expect(worker.effects.contains(.stop(.drained)))
        #expect(worker.effects.contains(.disconnect(Self.first)))
    }

    @Test("a draining worker hands back what arrives, finishes what runs, and waits for the answers")
    func drain() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let (one, two) = (Bench.grant(1), Bench.grant(2))
        worker.apply(.frames(Self.first, [.leases([one])]))
        worker.apply(.drain(within: 10_000))
        #expect(worker.sent == [.draining])
        worker.apply(.frames(Self.first, [.leases([two])]))
        #expect(worker.sent == [.reports([AttemptReport(lease: two.lease, result: .released)])])
        worker.apply(.finished(one.lease, .completed(.undone)))
        #expect(worker.sent == [.reports([AttemptReport(lease: one.lease, result: .completed(.undone))])])
        worker.apply(.frames(Self.first, [.answers([LeaseAnswer(lease: two.lease, answer: .accepted)])]))
        #expect(!worker.effects.contains(.stop(.drained)))
        worker.apply(.frames(Self.first, [.answers([LeaseAnswer(lease: one.lease, answer: .accepted)])]))
        #expect(worker.effects.contains(.stop(.drained)))
    }

    @Test("what runs when the time is nearly up is cancelled and told; then the worker ends")
    func deadline() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        worker.apply(.drain(within: 1000))
        worker.now += 750
        worker.apply(.ticked)
        #expect(worker.effects.contains(.cancel([grant.lease])))
        worker.now += 250
        worker.apply(.ticked)
        #expect(worker.effects.contains(.stop(.outOfTime(unanswered: 1))))
    }

    @Test("a session that begins while the worker drains is told so and gets no credit")
    func reconnect() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        worker.apply(.drain(within: 10_000))
        worker.apply(.closed(Self.first))
        worker.welcome(Self.first)
        #expect(worker.sent == [.resume([grant.lease]), .draining])
    }

    @Test("a worker that nobody wants ends with the reason; one that somebody wants goes on")
    func refused() {
        var worker = Bench(slots: 2)
        let refusal = CoordinatorFrame.refused(code: "unauthorized", message: "wrong token")
        worker.apply(.opened(Self.first))
        worker.apply(.frames(Self.first, [refusal]))
        #expect(!worker.effects.contains { if case .stop = $0 { true } else { false } })
        worker.apply(.opened(Self.second))
        worker.apply(.frames(Self.second, [refusal]))
        #expect(worker.effects.contains(.stop(.refused(code: "unauthorized", message: "wrong token"))))
    }

    @Test("a refusal that time can heal is tried again")
    func retry() {
        var worker = Bench(slots: 2)
        worker.apply(.opened(Self.first))
        worker.apply(.frames(Self.first, [.refused(code: "limitExceeded", message: "full")]))
        #expect(worker.effects.contains(.disconnect(Self.first)))
        worker.apply(.closed(Self.first))
        #expect(worker.effects.contains { if case .connect(Self.first, _) = $0 { true } else { false } })
    }

    @Test("any story keeps the promises", arguments: UInt64(0)..<200)
    func stories(seed: UInt64) {
        var story = WorkerStory(seed: seed)
        for _ in 0..<300 { story.step() }
        story.end()
    }
}
