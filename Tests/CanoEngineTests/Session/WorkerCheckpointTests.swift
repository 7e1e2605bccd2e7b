// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Checkpoints and heartbeats of a worker")
struct WorkerCheckpointTests {
    private static let link = WorkerMachine.Link(rawValue: 0)

    private static func worker(_ grant: LeaseGrant) -> Bench {
        var worker = Bench(slots: 2)
        worker.welcome(Self.link)
        worker.apply(.frames(Self.link, [.leases([grant])]))
        return worker
    }

    @Test("a checkpoint is sent, repeated behind the offer in the next session, and told to the task once answered")
    func repeated() {
        let grant = Bench.grant(1)
        var worker = Self.worker(grant)
        let checkpoint = LeaseCheckpoint(lease: grant.lease, number: 7, cursor: .json("1"))
        worker.apply(.checkpoint(checkpoint))
        #expect(worker.sent == [.checkpoints([checkpoint])])
        worker.apply(.closed(Self.link))
        worker.welcome(Self.link)
        #expect(worker.sent == [.resume([grant.lease]), .checkpoints([checkpoint]), .credit(1)])
        let old = CheckpointAnswer(lease: grant.lease, number: 6, answer: .accepted)
        worker.apply(.frames(Self.link, [.checkpointed([old])]))
        #expect(worker.effects == [])
        let answer = CheckpointAnswer(lease: grant.lease, number: 7, answer: .accepted)
        worker.apply(.frames(Self.link, [.checkpointed([answer])]))
        #expect(worker.effects == [.checkpointed(answer)])
        worker.apply(.closed(Self.link))
        worker.welcome(Self.link)
        #expect(worker.sent == [.resume([grant.lease]), .credit(1)])
    }

    @Test("a checkpoint of a lease that is gone is lost at once")
    func gone() {
        let grant = Bench.grant(1)
        var worker = Self.worker(grant)
        worker.apply(.frames(Self.link, [.lost([grant.lease])]))
        worker.apply(.checkpoint(LeaseCheckpoint(lease: grant.lease, number: 1, cursor: .json("1"))))
        #expect(worker.effects == [.checkpointed(CheckpointAnswer(lease: grant.lease, number: 1, answer: .lost))])
    }

    @Test(
        "an attempt that gives no sign of life is stopped and told as such; progress and checkpoints are signs of life"
    )
    func heartbeat() {
        var grant = Bench.grant(1)
        grant.heartbeat = Span(milliseconds: 100)
        var worker = Self.worker(grant)
        let signs: [WorkerMachine.Event] = [
            .progress(grant.lease, ""), .progress(grant.lease, "half"),
            .checkpoint(LeaseCheckpoint(lease: grant.lease, number: 1, cursor: .json("1"))),
        ]
        for sign in signs {
            worker.now += 99
            worker.apply(.ticked)
            #expect(!worker.effects.contains(.cancel([grant.lease])))
            worker.apply(sign)
        }
        worker.now += 100
        #expect(worker.machine.nextTick.map { $0 <= worker.now } ?? false)
        worker.apply(.ticked)
        #expect(worker.effects.contains(.cancel([grant.lease])))
        worker.apply(.finished(grant.lease, .stopped(Failure(code: "cancelled", message: ""))))
        guard case .stopped(let failure) = worker.reports.first?.result else {
            return #expect(Bool(false), "no report")
        }
        #expect(failure.code == "heartbeatMissed")
    }
}
