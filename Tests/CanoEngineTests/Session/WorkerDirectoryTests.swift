// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Worker directory")
struct WorkerDirectoryTests {
    private static let worker = WorkerID(rawValue: "w")

    @Test("a worker that does not come back within the grace loses what it held")
    func gone() {
        var directory = Self.holding([Self.lease(1)])
        directory.closed(Self.worker, on: Self.session(1), at: Self.at(100))
        let before2099 = directory.tick(at: Self.at(2099))
        #expect(before2099.isEmpty)
        let departure = directory.tick(at: Self.at(2100)).first
        #expect(departure?.reason == .workerGone)
        #expect(departure?.leases == [Self.lease(1)])
        let before9000 = directory.tick(at: Self.at(9000))
        #expect(before9000.isEmpty)
    }

    @Test("a mute worker loses what it held, and its connection is named")
    func mute() {
        var directory = Self.holding([Self.lease(1)])
        for late in stride(from: Int64(200), to: 15_000, by: 200) {
            let departures = directory.tick(at: Self.at(late))
            #expect(departures.isEmpty)
            guard late == 5000 else { continue }
            let isHeard = directory.heard(Self.worker, on: Self.session(1), at: Self.at(5000))
            #expect(isHeard)
        }
        let beforeLate = directory.tick(at: Self.at(14_999))
        #expect(beforeLate.isEmpty)
        let departure = directory.tick(at: Self.at(15_000)).first
        #expect(departure?.reason == .workerMute)
        #expect(departure?.connection == Self.session(1))
        let isHeardLate = directory.heard(Self.worker, on: Self.session(1), at: Self.at(15_001))
        #expect(!isHeardLate)
    }

    @Test("a lease that a worker does not offer after it came back is lost, the others stay")
    func unconfirmed() {
        var directory = Self.holding([Self.lease(1), Self.lease(2), Self.lease(3)])
        directory.closed(Self.worker, on: Self.session(1), at: Self.at(100))
        let admission = directory.greet(Self.hello(session: 2), on: Self.session(2), at: Self.at(500))
        #expect(admission == .welcome(replacing: nil))
        let isHere = directory.adopts(Self.worker, Self.lease(1), on: Self.session(2), at: Self.at(500))
        #expect(isHere)
        let released = directory.releases(Self.worker, [Self.lease(2)])
        #expect(released == 1)
        let before2499 = directory.tick(at: Self.at(2499))
        #expect(before2499.isEmpty)
        let departure = directory.tick(at: Self.at(2500)).first
        #expect(departure?.leases == [Self.lease(3)])
        #expect(departure?.connection == nil)
        #expect(directory.entries[Self.worker]?.leases.keys.map { $0 } == [Self.lease(1)])
    }

    @Test("an older connection is outdated, a newer one replaces it")
    func sessions() {
        var directory = Self.holding([])
        let refusal = directory.greet(Self.hello(session: 1), on: Self.session(9), at: Self.at(1))
        #expect(refusal == .outdated)
        let admission = directory.greet(Self.hello(session: 2), on: Self.session(2), at: Self.at(1))
        #expect(admission == .welcome(replacing: Self.session(1)))
        directory.closed(Self.worker, on: Self.session(1), at: Self.at(2))
        #expect(directory.entries[Self.worker]?.connection == Self.session(2))
    }

    @Test("a lease for a connection that is gone, or not the newest, is not noted as held")
    func staleConnection() {
        var directory = Self.holding([])
        _ = directory.greet(Self.hello(session: 2), on: Self.session(2), at: Self.at(1))
        let isHeld = directory.holds(Self.worker, Self.lease(1), state: "s", on: Self.session(1), at: Self.at(2))
        #expect(!isHeld)
        directory.closed(Self.worker, on: Self.session(2), at: Self.at(3))
        let isHeldAway = directory.holds(Self.worker, Self.lease(1), state: "s", on: Self.session(2), at: Self.at(4))
        #expect(!isHeldAway)
        #expect(directory.entries[Self.worker]?.leases.isEmpty == true)
    }

    @Test("a lease adopted for an older connection has to be offered on the newer one")
    func staleAdoption() {
        var directory = Self.holding([])
        _ = directory.greet(Self.hello(session: 2), on: Self.session(2), at: Self.at(1))
        let isHere = directory.adopts(Self.worker, Self.lease(1), on: Self.session(1), at: Self.at(2))
        #expect(isHere)
        let departures = directory.tick(at: Self.at(2003))
        #expect(departures.map(\.leases) == [[Self.lease(1)]])
        let stranger = WorkerID(rawValue: "stranger")
        let isGone = directory.adopts(stranger, Self.lease(1), on: Self.session(7), at: Self.at(3))
        #expect(!isGone)
    }

    @Test("time in which the coordinator itself was away is no worker's silence")
    func ownAbsence() {
        var directory = Self.holding([Self.lease(1)])
        _ = directory.tick(at: Self.at(200))
        let afterPause = directory.tick(at: Self.at(60_000))
        #expect(afterPause.isEmpty)
        var departures: [WorkerDirectory.Departure] = []
        var now: Int64 = 60_000
        while departures.isEmpty, now < 90_000 {
            now += 200
            departures = directory.tick(at: Self.at(now))
        }
        #expect(departures.map(\.reason) == [.workerMute], "it is mute all the same")
        #expect(now >= 69_000)
    }

    private static func holding(_ leases: [LeaseRef]) -> WorkerDirectory {
        var directory = WorkerDirectory(ttl: .seconds(10), grace: .seconds(2))
        _ = directory.greet(Self.hello(session: 1), on: Self.session(1), at: Self.at(0))
        for lease in leases { _ = directory.holds(Self.worker, lease, state: "s", on: Self.session(1), at: Self.at(0)) }
        return directory
    }

    private static func hello(session: Int64) -> WorkerFrame.Hello {
        WorkerFrame.Hello(
            secret: "",
            worker: Self.worker,
            session: session,
            definitions: [],
            handlers: [],
            slots: 4,
            build: "test"
        )
    }

    private static func session(_ number: Int64) -> SessionID { SessionID(rawValue: number) }

    private static func at(_ milliseconds: Int64) -> Instant { Instant(microseconds: milliseconds * 1000) }

    private static func lease(_ counter: Int64) -> LeaseRef {
        let run = RunID(at: Self.at(0), shard: ShardID(rawValue: 1), random: (1, 2))
        let key = WorkKey(run: run, visit: 1, path: .branch(Int(counter)))
        return LeaseRef(key: key, attempt: 1, token: Token(epoch: Epoch(rawValue: 1), counter: counter))
    }
}
