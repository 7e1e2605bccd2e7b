// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Dispatch of limited work")
struct DispatchLimitTests {
    static let work = Capability.handler("work")
    static let other = Capability.handler("other")

    static func at(_ milliseconds: Int64) -> Instant { Instant(microseconds: milliseconds * 1000) }

    static func offer(
        _ number: Int,
        _ limits: [DeclaredLimit]?,
        _ capability: Capability = work,
        attempt: Int = 1,
        isExclusive: Bool = false
    ) -> WorkOffer {
        let run = RunID(at: at(0), shard: ShardID(rawValue: UInt8(number % 2)), random: (1, 1))
        let key = WorkKey(run: run, visit: 1, path: .branch(number))
        return WorkOffer(key: key, attempt: attempt, capability: capability, isExclusive: isExclusive, limits: limits)
    }

    static func lease(_ offer: WorkOffer) -> LeaseRef {
        LeaseRef(key: offer.key, attempt: offer.attempt, token: Token(epoch: Epoch(rawValue: 1), counter: 1))
    }

    /// A dispatch with the work that is out, and the time.
    struct Fixture {
        var dispatch = Dispatch()
        var effects: [Dispatch.Effect] = []
        var out: [Int: (offer: WorkOffer, session: SessionID)] = [:]
        var now: Int64 = 0

        mutating func connect(_ session: Int64, credit: Int, _ capabilities: [Capability] = [work]) {
            let id = SessionID(rawValue: session)
            self.dispatch.connected(id, worker: WorkerID(rawValue: "w\(session)"), capabilities: capabilities)
            self.dispatch.credit(id, credit, effects: &self.effects)
        }

        mutating func ready(_ offers: WorkOffer...) {
            self.advance(to: self.now)
            self.dispatch.ready(offers, effects: &self.effects)
        }

        mutating func advance(to milliseconds: Int64) {
            self.now = milliseconds
            self.dispatch.advance(to: DispatchLimitTests.at(milliseconds), effects: &self.effects)
        }

        mutating func end(_ number: Int, _ result: AttemptReport.Result = .completed(.undone)) {
            guard let (offer, session) = self.out.removeValue(forKey: number) else { return }
            let report = AttemptReport(lease: DispatchLimitTests.lease(offer), result: result)
            self.dispatch.heard([report], effects: &self.effects)
            self.dispatch.ended(session, [offer.key], effects: &self.effects)
            self.dispatch.credit(session, 1, effects: &self.effects)
        }

        /// The numbers of the work that was granted since the last question.
        mutating func granted() -> [Int] {
            defer { self.effects = [] }
            return self.effects.compactMap { effect in
                guard case .grant(let grant) = effect, case .branch(let number) = grant.offer.key.path else {
                    return nil
                }
                self.out[number] = (grant.offer, grant.session)
                return number
            }
        }

        func waits(_ number: Int) -> [LimitWait] {
            self.dispatch.waits(of: DispatchLimitTests.offer(number, nil).key.run)
                .filter {
                    $0.key.path == .branch(number)
                }
        }
    }

    static let one = [DeclaredLimit("db", .concurrency(1))]
    static let two = [DeclaredLimit("db", .concurrency(2))]
    static let rate = [DeclaredLimit("api", .rate(2, per: .seconds(1)))]
    static let breaker = [
        DeclaredLimit(
            "pay",
            .breaker(
                BreakerPolicy {
                    $0.consecutiveFailures = 2
                    $0.openTime = .seconds(10)
                }
            )
        )
    ]
    static let failure = AttemptReport.Result.failed(Failure(code: "x", message: ""), retryAfter: nil)

    @Test("a grant that came to nothing lets held work go, also when nobody else wants credit")
    func ungrantedFreesTheLimit() {
        var fixture = Fixture()
        fixture.connect(1, credit: 3)
        let few = [DeclaredLimit("few", .concurrency(1))]
        fixture.ready(Self.offer(1, few), Self.offer(2, few))
        #expect(fixture.granted() == [1])
        fixture.dispatch.ungranted(SessionID(rawValue: 1), Self.offer(1, few), effects: &fixture.effects)
        #expect(fixture.granted() == [2])
    }

    @Test("L-RES-03: so many at once over all workers, first come, first served; unlimited work goes by")
    func concurrency() {
        var fixture = Fixture()
        fixture.connect(1, credit: 5)
        fixture.connect(2, credit: 5)
        fixture.ready(
            Self.offer(1, Self.two),
            Self.offer(2, Self.two),
            Self.offer(3, Self.two),
            Self.offer(4, Self.two),
            Self.offer(5, nil)
        )
        #expect(fixture.granted() == [1, 2, 5])
        #expect(
            fixture.waits(3) == [
                LimitWait(key: Self.offer(3, nil).key, attempt: 1, limit: LimitID(kind: .concurrency, name: "db"))
            ]
        )
        fixture.end(5)
        #expect(fixture.granted() == [])
        fixture.end(2)
        #expect(fixture.granted() == [3])
        fixture.end(1)
        #expect(fixture.granted() == [4])
        #expect(fixture.waits(4) == [])
    }

    @Test("work that waits for a worker takes no place from work that has one")
    func withoutWorker() {
        var fixture = Fixture()
        fixture.ready(Self.offer(1, Self.one, Self.other), Self.offer(2, Self.one))
        fixture.connect(1, credit: 1)
        #expect(fixture.granted() == [2])
        fixture.connect(2, credit: 1, [Self.other])
        #expect(fixture.granted() == [])
        fixture.ready(Self.offer(3, Self.one))
        fixture.end(2)
        #expect(fixture.granted().count == 1)
    }

    @Test("so many begin in any window; then the dispatch asks to be woken")
    func rate() {
        var fixture = Fixture()
        fixture.connect(1, credit: 9)
        fixture.ready(Self.offer(1, Self.rate), Self.offer(2, Self.rate), Self.offer(3, Self.rate))
        #expect(fixture.effects.contains(.wake(at: Self.at(1000))))
        #expect(fixture.granted() == [1, 2])
        #expect(fixture.waits(3).first?.until == Self.at(1000))
        fixture.end(1)
        fixture.advance(to: 999)
        #expect(fixture.granted() == [])
        fixture.advance(to: 1000)
        #expect(fixture.granted() == [3])
    }

    @Test("what the shard refused gives its place and its part of the rate back")
    func refused() {
        var fixture = Fixture()
        fixture.connect(1, credit: 1)
        let both = Self.one + [DeclaredLimit("api", .rate(1, per: .seconds(60)))]
        fixture.ready(Self.offer(1, both), Self.offer(2, both))
        #expect(fixture.granted() == [1])
        fixture.dispatch.ungranted(SessionID(rawValue: 1), Self.offer(1, both), effects: &fixture.effects)
        #expect(fixture.granted() == [2])
    }

    @Test("a breaker opens after failures, lets one attempt probe, and closes when that works")
    func breaker() {
        var fixture = Fixture()
        fixture.connect(1, credit: 9)
        fixture.ready(Self.offer(1, Self.breaker), Self.offer(2, Self.breaker))
        #expect(fixture.granted() == [1, 2])
        fixture.end(1, Self.failure)
        fixture.end(2, Self.failure)
        fixture.ready(Self.offer(3, Self.breaker), Self.offer(4, Self.breaker), Self.offer(5, Self.breaker))
        #expect(fixture.waits(3).first?.until == Self.at(10_000))
        #expect(fixture.granted() == [])
        fixture.advance(to: 10_000)
        #expect(fixture.granted() == [3])
        #expect(fixture.waits(4).first?.until == nil)
        fixture.end(3, Self.failure)
        #expect(fixture.granted() == [])
        fixture.advance(to: 20_000)
        #expect(fixture.granted() == [4])
        fixture.end(4)
        #expect(fixture.granted() == [5])
    }

    @Test(
        "what says nothing about whom the attempt called does not open a breaker",
        arguments: [
            AttemptReport.Result.released,
            .stopped(Failure(code: "cancelled", message: "")),
            .failed(Failure(code: "declined", message: "", isRetryable: false), retryAfter: nil),
            .failed(Failure(code: Failure.circuitOpen, message: ""), retryAfter: nil),
        ]
    )
    func neutral(result: AttemptReport.Result) {
        var fixture = Fixture()
        fixture.connect(1, credit: 1)
        for number in 1...4 {
            fixture.ready(Self.offer(number, Self.breaker))
            #expect(fixture.granted() == [number])
            fixture.end(number, result)
        }
    }

    @Test("a timeout counts as a failure; a worker that died does not")
    func timeouts() {
        var fixture = Fixture()
        fixture.connect(1, credit: 9)
        for number in 1...3 {
            fixture.ready(Self.offer(number, Self.breaker))
            #expect(fixture.granted() == [number])
            fixture.dispatch.freed([Self.lease(Self.offer(number, nil))], effects: &fixture.effects)
        }
        fixture.ready(Self.offer(4, Self.breaker), Self.offer(5, Self.breaker))
        #expect(fixture.granted() == [4, 5])
        fixture.end(4, .stopped(Failure(code: "timeout", message: "")))
        fixture.end(5, .stopped(Failure(code: "timeout", message: "")))
        fixture.ready(Self.offer(6, Self.breaker))
        #expect(fixture.granted() == [])
    }

    @Test("somebody may force a breaker, and release it")
    func forced() {
        var fixture = Fixture()
        fixture.connect(1, credit: 9)
        #expect(fixture.dispatch.force(breaker: "pay", .open, effects: &fixture.effects) == false)
        fixture.ready(Self.offer(1, Self.breaker))
        #expect(fixture.granted() == [1])
        #expect(fixture.dispatch.force(breaker: "pay", .open, effects: &fixture.effects) == true)
        fixture.ready(Self.offer(2, Self.breaker))
        fixture.advance(to: 1_000_000)
        #expect(fixture.granted() == [])
        #expect(fixture.dispatch.force(breaker: "pay", .release, effects: &fixture.effects) == true)
        #expect(fixture.granted() == [2])
    }

    @Test("a late report of an attempt that was lost frees nothing of the attempt behind it")
    func lateReport() {
        var fixture = Fixture()
        fixture.connect(1, credit: 9)
        fixture.ready(Self.offer(1, Self.one))
        #expect(fixture.granted() == [1])
        fixture.dispatch.freed([Self.lease(Self.offer(1, nil))], effects: &fixture.effects)
        fixture.ready(Self.offer(1, Self.one, attempt: 2), Self.offer(3, Self.one))
        #expect(fixture.granted() == [1])
        let late = AttemptReport(lease: Self.lease(Self.offer(1, nil)), result: .completed(.undone))
        fixture.dispatch.heard([late], effects: &fixture.effects)
        #expect(fixture.granted() == [])
        fixture.end(1)
        #expect(fixture.granted() == [3])
    }

    @Test("after a change of owner, nothing begins before leases were heard, and those adopted count")
    func failover() {
        var fixture = Fixture()
        fixture.connect(1, credit: 9)
        fixture.dispatch.listen(until: Self.at(500))
        fixture.ready(Self.offer(1, Self.one), Self.offer(3, nil))
        #expect(fixture.granted() == [3])
        fixture.dispatch.claimed(Self.lease(Self.offer(5, nil)), Self.one, since: Self.at(0))
        fixture.advance(to: 500)
        #expect(fixture.granted() == [])
        fixture.dispatch.freed([Self.lease(Self.offer(5, nil))], effects: &fixture.effects)
        #expect(fixture.granted() == [1])
    }

    @Test("a shard that is lost takes its claims and its waiting work with it")
    func lostShard() {
        var fixture = Fixture()
        fixture.connect(1, credit: 9)
        fixture.ready(Self.offer(1, Self.one), Self.offer(3, Self.one), Self.offer(2, Self.one))
        #expect(fixture.granted() == [1])
        fixture.dispatch.lost(ShardID(rawValue: 1), effects: &fixture.effects)
        #expect(fixture.granted() == [2])
        fixture.end(2)
        #expect(fixture.granted() == [])
    }

    @Test("a run that is over leaves the lines, and whoever stood behind it goes on")
    func finishedRun() {
        var fixture = Fixture()
        fixture.connect(1, credit: 9)
        fixture.ready(Self.offer(1, Self.one), Self.offer(3, Self.one), Self.offer(2, Self.one))
        #expect(fixture.granted() == [1])
        fixture.dispatch.finished(Self.offer(3, nil).key.run)
        #expect(fixture.waits(3) == [])
        fixture.end(1)
        #expect(fixture.granted() == [2])
    }

    @Test("suspect work obeys its limits too")
    func exclusive() {
        var fixture = Fixture()
        fixture.connect(1, credit: 2)
        fixture.connect(2, credit: 2)
        fixture.ready(Self.offer(1, Self.one))
        #expect(fixture.granted() == [1])
        fixture.ready(Self.offer(3, Self.one, isExclusive: true))
        #expect(fixture.granted() == [])
        fixture.end(1)
        #expect(fixture.granted() == [3])
    }

    @Test("whatever happens, limits hold and nothing is forgotten", arguments: UInt64(0)..<100)
    func stories(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var fixture = Fixture()
        let kinds = [Self.two[0], Self.rate[0], Self.breaker[0], DeclaredLimit("db", .concurrency(1))]
        var limits: [Int: [DeclaredLimit]] = [:]
        var begun: [Int64] = []
        var number = 0
        var waiting: Set<Int> = []
        func check(_ granted: [Int]) {
            waiting.subtract(granted)
            for one in granted where limits[one]?.contains(Self.rate[0]) ?? false { begun.append(fixture.now) }
            #expect(begun.filter { $0 > fixture.now - 1000 }.count <= 2, "seed \(seed)")
            let db = fixture.out.keys.filter { limits[$0]?.contains { $0.name == "db" } ?? false }.count
            #expect(db <= 2, "seed \(seed)")
        }
        fixture.connect(1, credit: 2)
        fixture.connect(2, credit: 1, [Self.work, Self.other])
        for _ in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                number += 1
                let own = kinds.prefix(3).filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
                limits[number] = own
                waiting.insert(number)
                let capability = Bool.random(using: &random) ? Self.work : Self.other
                fixture.ready(Self.offer(number, own.isEmpty ? nil : own, capability))
            case 4..<8:
                guard let one = fixture.out.keys.sorted().randomElement(using: &random) else { continue }
                fixture.end(one, Int.random(in: 0..<3, using: &random) == 0 ? Self.failure : .completed(.undone))
            default: fixture.advance(to: fixture.now + Int64.random(in: 0...700, using: &random))
            }
            check(fixture.granted())
        }
        for _ in 0..<3000 where !waiting.isEmpty {
            for one in fixture.out.keys.sorted() {
                fixture.end(one)
                check(fixture.granted())
            }
            fixture.advance(to: fixture.now + 100)
            check(fixture.granted())
        }
        #expect(waiting.isEmpty, "seed \(seed): \(waiting.sorted()) never began")
    }
}
