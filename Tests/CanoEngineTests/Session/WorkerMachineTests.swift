// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Worker machine")
struct WorkerMachineTests {
    typealias Link = WorkerMachine.Link
    static let first = Link(rawValue: 0)
    static let second = Link(rawValue: 1)

    @Test("the first to welcome gets all credit, behind the offer of what is held")
    func firstCredit() {
        var worker = Bench(slots: 4)
        worker.welcome(Self.second)
        #expect(worker.sent == [.resume([]), .credit(4)])
        worker.welcome(Self.first)
        #expect(worker.sent == [.resume([])])
        #expect(worker.machine.creditGiven == 4)
    }

    @Test("leases are begun, and a free slot is credit in the same flush as the report")
    func report() {
        var worker = Bench(slots: 4)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        #expect(worker.effects == [.begin(Self.first, [grant])])
        worker.apply(.finished(grant.lease, .completed(.undone)))
        #expect(
            worker.sent == [.reports([AttemptReport(lease: grant.lease, result: .completed(.undone))]), .credit(1)]
        )
        worker.apply(.frames(Self.first, [.answers([LeaseAnswer(lease: grant.lease, answer: .accepted)])]))
        #expect(worker.machine.unansweredReports == 0)
    }

    @Test("leases beyond the credit are handed back")
    func beyondCredit() {
        var worker = Bench(slots: 1)
        worker.welcome(Self.first)
        let (one, two) = (Bench.grant(1), Bench.grant(2))
        worker.apply(.frames(Self.first, [.leases([one, two])]))
        #expect(worker.machine.busySlots == 1)
        #expect(worker.sent == [.reports([AttemptReport(lease: two.lease, result: .released)])])
    }

    @Test("a report is repeated in every session until it is answered, behind the leases still held")
    func repeated() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let (one, two) = (Bench.grant(1), Bench.grant(2))
        worker.apply(.frames(Self.first, [.leases([one, two])]))
        worker.apply(.finished(one.lease, .completed(.undone)))
        let report = AttemptReport(lease: one.lease, result: .completed(.undone))
        for _ in 0..<3 {
            worker.apply(.closed(Self.first))
            worker.welcome(Self.first)
            #expect(worker.sent == [.resume([two.lease]), .reports([report]), .credit(1)])
        }
        worker.apply(.frames(Self.first, [.answers([LeaseAnswer(lease: one.lease, answer: .already)])]))
        worker.apply(.closed(Self.first))
        worker.welcome(Self.first)
        #expect(worker.sent == [.resume([two.lease]), .credit(1)])
    }

    @Test("a task that finished while nobody was connected is reported to the next session")
    func finishedOffline() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        worker.apply(.closed(Self.first))
        worker.apply(.finished(grant.lease, .completed(.undone)))
        #expect(worker.sent == [])
        worker.welcome(Self.first)
        let report = AttemptReport(lease: grant.lease, result: .completed(.undone))
        #expect(worker.sent == [.resume([]), .reports([report]), .credit(2)])
    }

    @Test("a lost lease is cancelled, its outcome is not reported, its slot is free only when the task returns")
    func lost() {
        var worker = Bench(slots: 1)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        worker.apply(.frames(Self.first, [.lost([grant.lease])]))
        #expect(worker.effects == [.cancel([grant.lease])])
        #expect(worker.machine.busySlots == 1)
        worker.apply(.finished(grant.lease, .completed(.undone)))
        #expect(worker.sent == [.credit(1)])
    }

    @Test("a cancelled task is reported as it ends, and for it when it does not")
    func cancelled() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let (one, two) = (Bench.grant(1), Bench.grant(2))
        worker.apply(.frames(Self.first, [.leases([one, two])]))
        worker.apply(.frames(Self.first, [.cancel([one.lease, two.lease])]))
        #expect(worker.effects == [.cancel([one.lease, two.lease])])
        let stopped = AttemptReport.Result.stopped(Failure(code: "cancelled", message: "as asked"))
        worker.apply(.finished(one.lease, stopped))
        #expect(worker.sent == [.reports([AttemptReport(lease: one.lease, result: stopped)]), .credit(1)])

        worker.now += 1000
        worker.apply(.ticked)
        #expect(worker.reports.map(\.lease) == [two.lease])
        #expect(worker.machine.busySlots == 1, "a task that still runs keeps its slot")
        worker.apply(.finished(two.lease, stopped))
        #expect(worker.sent == [.credit(1)], "it is not reported twice")
    }

    @Test("an attempt that takes too long is stopped and told as such")
    func timeout() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let grant = Bench.grant(1, timeout: Span(milliseconds: 100))
        worker.apply(.frames(Self.first, [.leases([grant])]))
        #expect(worker.machine.nextTick == worker.now + 100)
        worker.now += 100
        worker.apply(.ticked)
        #expect(worker.effects == [.cancel([grant.lease])])
        worker.apply(.finished(grant.lease, .stopped(Failure(code: "cancelled", message: "x"))))
        guard case .stopped(let failure) = worker.reports.first?.result else {
            Issue.record("not stopped: \(worker.effects)")
            return
        }
        #expect(failure.code == "timeout")
        #expect(failure.message.contains("100 ms"))
    }

    @Test("without an answer in time the tasks are cancelled and their leases dropped, but outcomes stay")
    func distrust() {
        var worker = Bench(slots: 3)
        worker.welcome(Self.first)
        let (one, two) = (Bench.grant(1), Bench.grant(2))
        worker.apply(.frames(Self.first, [.leases([one, two])]))
        worker.apply(.finished(one.lease, .completed(.undone)))
        worker.now += 60_000
        worker.apply(.ticked)
        #expect(worker.effects.contains(.cancel([two.lease])))
        #expect(worker.effects.contains(.disconnect(Self.first)))
        worker.apply(.closed(Self.first))
        worker.apply(.finished(two.lease, .stopped(Failure(code: "cancelled", message: "as asked"))))
        worker.welcome(Self.first)
        #expect(worker.reports.map(\.lease) == [one.lease, two.lease])
        guard case .stopped(let failure) = worker.reports.last?.result else {
            Issue.record("not stopped: \(worker.reports)")
            return
        }
        #expect(failure.code == Failure.workerStops, "nobody died of it")
    }

    @Test("an offer that is refused stops the task: somebody else does the work")
    func refusedOffer() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let (one, two) = (Bench.grant(1), Bench.grant(2))
        worker.apply(.frames(Self.first, [.leases([one, two])]))
        worker.apply(.closed(Self.first))
        worker.welcome(Self.first)
        #expect(worker.sent.first == .resume([one.lease, two.lease]))
        worker.apply(.frames(Self.first, [.answers([LeaseAnswer(lease: one.lease, answer: .lost)])]))
        #expect(worker.effects == [.cancel([one.lease])])
        worker.apply(.finished(one.lease, .completed(.undone)))
        #expect(worker.sent == [.credit(1)], "its outcome is nobody's")
    }

    @Test("a coordinator cannot give credit by taking it back")
    func negativeRecall() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        worker.apply(.frames(Self.first, [.recalled(-5)]))
        #expect(worker.machine.creditGiven == 2)
    }

    @Test("leases and reports move to the coordinator that takes their shard")
    func owned() {
        var worker = Bench(slots: 3)
        worker.welcome(Self.first)
        let (one, two) = (Bench.grant(1), Bench.grant(2))
        worker.apply(.frames(Self.first, [.leases([one, two])]))
        worker.apply(.closed(Self.first))
        worker.apply(.finished(one.lease, .completed(.undone)))
        worker.welcome(Self.second)
        worker.apply(.frames(Self.second, [.owned([one.lease.shard: Epoch(rawValue: 2)])]))
        let report = AttemptReport(lease: one.lease, result: .completed(.undone))
        #expect(worker.sent == [.resume([two.lease]), .reports([report])])
        worker.apply(.frames(Self.second, [.owned([one.lease.shard: Epoch(rawValue: 2)])]))
        #expect(worker.sent == [], "it was offered under this epoch")
        worker.apply(.frames(Self.second, [.owned([one.lease.shard: Epoch(rawValue: 3)])]))
        #expect(worker.sent == [.resume([two.lease]), .reports([report])])
    }

    @Test("an epoch that is not higher moves no lease")
    func staleOwner() {
        var worker = Bench(slots: 3)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        worker.welcome(Self.second)
        worker.apply(.frames(Self.second, [.owned([grant.lease.shard: Epoch(rawValue: 1)])]))
        #expect(worker.sent == [])
    }

    @Test("what is not owned goes to the owner that is named, or waits for one")
    func notOwner() {
        var worker = Bench(slots: 3)
        worker.welcome(Self.first)
        let (one, two) = (Bench.grant(1), Bench.grant(2))
        worker.apply(.frames(Self.first, [.leases([one, two])]))
        worker.apply(.finished(one.lease, .completed(.undone)))
        let shard = one.lease.shard
        worker.apply(.frames(Self.first, [.notOwner(shard, Epoch(rawValue: 2), address: "second:2")]))
        #expect(worker.sent == [], "the second coordinator is not connected")
        worker.welcome(Self.second)
        worker.apply(.frames(Self.second, [.owned([shard: Epoch(rawValue: 2)])]))
        let report = AttemptReport(lease: one.lease, result: .completed(.undone))
        #expect(worker.sent == [.resume([two.lease]), .reports([report])])

        worker.apply(.frames(Self.second, [.notOwner(shard, Epoch(rawValue: 3), address: "first:1")]))
        #expect(worker.sent == [.resume([two.lease]), .reports([report])], "now back to the first")
    }

    @Test("a lease that nobody owns any more runs no longer than its trust")
    func orphan() {
        var worker = Bench(slots: 3)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        worker.apply(.frames(Self.first, [.notOwner(grant.lease.shard, Epoch(rawValue: 2), address: nil)]))
        for _ in 0..<4 {
            worker.now += 1000
            worker.apply(.ticked)
            if worker.effects.contains(.cancel([grant.lease])) { return }
            for frame in worker.sent {
                if case .heartbeat(let number) = frame { worker.apply(.frames(Self.first, [.heartbeat(number)])) }
            }
        }
        Issue.record("the orphan was never cancelled")
    }

    @Test("free credit goes to who asked last; who gave some back gets none before it asks")
    func demand() {
        var worker = Bench(slots: 4)
        worker.welcome(Self.first)
        worker.welcome(Self.second)
        worker.apply(.frames(Self.second, [.demand(9)]))
        #expect(worker.sent == [])
        worker.apply(.frames(Self.first, [.recalled(3)]))
        #expect(worker.effects == [.send(Self.second, [.credit(3)])])
        worker.apply(.frames(Self.second, [.recalled(3)]))
        #expect(worker.effects == [], "neither wants it")
        worker.apply(.frames(Self.first, [.demand(1)]))
        #expect(worker.effects == [.send(Self.first, [.credit(3)])])
    }

    @Test("a coordinator that takes shards has use for credit again")
    func standby() {
        var worker = Bench(slots: 4)
        worker.welcome(Self.first)
        worker.apply(.frames(Self.first, [.recalled(4)]))
        #expect(worker.effects == [])
        worker.apply(.frames(Self.first, [.owned([:])]))
        #expect(worker.effects == [])
        worker.apply(.frames(Self.first, [.owned([ShardID(rawValue: 1): Epoch(rawValue: 1)])]))
        #expect(worker.effects == [.send(Self.first, [.credit(4)])])
    }

    @Test("a worker that may not keep more outcomes takes no more work")
    func unansweredBound() {
        var worker = Bench(slots: 2, unanswered: 3)
        worker.welcome(Self.first)
        for number in 1...3 {
            let grant = Bench.grant(number)
            worker.apply(.frames(Self.first, [.leases([grant])]))
            worker.apply(.finished(grant.lease, .completed(.undone)))
        }
        #expect(worker.machine.unansweredReports == 3)
        #expect(worker.machine.creditGiven <= 1)
        let before = worker.machine.creditGiven
        worker.apply(.frames(Self.first, [.answers([LeaseAnswer(lease: Bench.grant(1).lease, answer: .lost)])]))
        #expect(worker.machine.creditGiven >= before)
    }

    @Test("a payload that the coordinator would not take fails the attempt by name")
    func payloadLimit() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        let payload = Payload(bytes: [UInt8](repeating: 0, count: Bench.payloadBytes + 1), type: .binary)
        worker.apply(.finished(grant.lease, .completed(.output(payload))))
        guard case .failed(let failure, nil) = worker.reports.first?.result else {
            Issue.record("not failed: \(worker.effects)")
            return
        }
        #expect(failure.code == "limitExceeded")
        #expect(!failure.isRetryable)
        #expect(failure.leavesDoubt, "the work is done")
    }

    @Test("a branch gets the context that came before it, and none after it was to be forgotten")
    func contexts() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let context = Payload.json(#"{"a":1}"#)
        let grant = Bench.grant(1, isBranch: true)
        let key = grant.lease.key
        worker.apply(.frames(Self.first, [.context(run: key.run, visit: key.visit, context), .leases([grant])]))
        guard case .begin(_, let begun) = worker.effects.first, case .branch(_, _, let filled) = begun.first?.input
        else {
            Issue.record("nothing begun: \(worker.effects)")
            return
        }
        #expect(filled == context)
        worker.apply(.finished(grant.lease, .released))
        let other = Bench.grant(2, isBranch: true)
        worker.apply(.frames(Self.first, [.forget(run: key.run, visit: key.visit), .leases([other])]))
        #expect(worker.effects == [.begin(Self.first, [other])])
    }

    @Test("leases that could not be said to begin are handed back")
    func unstarted() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        worker.apply(.closed(Self.first))
        worker.apply(.unstarted([grant.lease]))
        worker.welcome(Self.first)
        let report = AttemptReport(lease: grant.lease, result: .released)
        #expect(worker.sent == [.resume([]), .reports([report]), .credit(2)])
    }

    @Test("progress goes out at most once a second for each lease")
    func progress() {
        var worker = Bench(slots: 2)
        worker.welcome(Self.first)
        let grant = Bench.grant(1)
        worker.apply(.frames(Self.first, [.leases([grant])]))
        worker.apply(.progress(grant.lease, "one"))
        #expect(worker.sent == [.progress(grant.lease, "one")])
        worker.now += 999
        worker.apply(.progress(grant.lease, "two"))
        #expect(worker.sent == [])
        worker.now += 1
        worker.apply(.progress(grant.lease, "three"))
        #expect(worker.sent == [.progress(grant.lease, "three")])
    }
}
