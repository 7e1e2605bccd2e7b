// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Breaker")
struct BreakerTests {
    static func at(_ seconds: Int64) -> Instant { Instant(microseconds: seconds * 1_000_000) }

    static let policy = BreakerPolicy {
        $0.consecutiveFailures = 2
        $0.openTime = .seconds(10)
        $0.probes = 2
        $0.closingSuccesses = 2
    }

    /// The breakers of the table: each state, reached through events.
    static let states: [String: Breaker] = {
        var made: [String: Breaker] = ["closed": Breaker(policy: policy)]
        var failing = Breaker(policy: policy)
        fail(&failing, at: 0)
        made["failing"] = failing
        var open = failing
        fail(&open, at: 0)
        made["open"] = open
        var half = open
        _ = half.ask(at: at(10))
        made["half"] = half
        var full = half
        _ = full.ask(at: at(10))
        made["full"] = full
        var forcedOpen = half
        forcedOpen.forceOpen()
        made["forcedOpen"] = forcedOpen
        var forcedClosed = half
        forcedClosed.forceClosed()
        made["forcedClosed"] = forcedClosed
        return made
    }()

    static func fail(_ breaker: inout Breaker, at seconds: Int64) {
        guard case .admitted(let permit) = breaker.ask(at: at(seconds)) else { return }
        breaker.end(permit, .failed, at: at(seconds))
    }

    static func apply(_ event: String, to breaker: inout Breaker) -> String {
        let permit = Breaker.Permit(epoch: breaker.epoch)
        switch event {
        case "ask": return "\(breaker.ask(at: at(5)))".contains("admitted") ? "admitted" : "refused"
        case "ask later": return "\(breaker.ask(at: at(10)))".contains("admitted") ? "admitted" : "refused"
        case "succeeded": breaker.end(permit, .succeeded, at: at(5))
        case "failed": breaker.end(permit, .failed, at: at(5))
        case "cancelled": breaker.end(permit, .cancelled, at: at(5))
        case "late": breaker.end(Breaker.Permit(epoch: breaker.epoch - 1), .failed, at: at(5))
        case "force open": breaker.forceOpen()
        case "force closed": breaker.forceClosed()
        case "release": breaker.release()
        default: Issue.record("no event \(event)")
        }
        return "-"
    }

    /// What every event makes of every state: the answer, and the state behind it.
    static let table: [String: [String: (String, Breaker.State)]] = {
        let tripped = Breaker.State.open(since: at(5), until: at(15))
        let open = Breaker.State.open(since: at(0), until: at(10))
        let half = Breaker.State.halfOpen(probing: 1, succeeded: 0)
        let full = Breaker.State.halfOpen(probing: 2, succeeded: 0)
        let fresh = Breaker.State.closed(failures: 0)
        let one = Breaker.State.closed(failures: 1)
        return [
            "closed": [
                "ask": ("admitted", fresh), "ask later": ("admitted", fresh), "succeeded": ("-", fresh),
                "failed": ("-", one), "cancelled": ("-", fresh), "late": ("-", fresh), "release": ("-", fresh),
            ],
            "failing": [
                "ask": ("admitted", one), "ask later": ("admitted", one), "succeeded": ("-", fresh),
                "failed": ("-", tripped), "cancelled": ("-", one), "late": ("-", one), "release": ("-", one),
            ],
            "open": [
                "ask": ("refused", open), "ask later": ("admitted", half), "succeeded": ("-", open),
                "failed": ("-", open), "cancelled": ("-", open), "late": ("-", open), "release": ("-", open),
            ],
            "half": [
                "ask": ("admitted", full), "ask later": ("admitted", full),
                "succeeded": ("-", .halfOpen(probing: 0, succeeded: 1)), "failed": ("-", tripped),
                "cancelled": ("-", .halfOpen(probing: 0, succeeded: 0)), "late": ("-", half), "release": ("-", half),
            ],
            "full": [
                "ask": ("refused", full), "ask later": ("refused", full),
                "succeeded": ("-", .halfOpen(probing: 1, succeeded: 1)), "failed": ("-", tripped),
                "cancelled": ("-", half), "late": ("-", full), "release": ("-", full),
            ],
            "forcedOpen": [
                "ask": ("refused", .forcedOpen), "ask later": ("refused", .forcedOpen),
                "succeeded": ("-", .forcedOpen), "failed": ("-", .forcedOpen), "cancelled": ("-", .forcedOpen),
                "late": ("-", .forcedOpen), "release": ("-", fresh),
            ],
            "forcedClosed": [
                "ask": ("admitted", .forcedClosed), "ask later": ("admitted", .forcedClosed),
                "succeeded": ("-", .forcedClosed), "failed": ("-", .forcedClosed),
                "cancelled": ("-", .forcedClosed), "late": ("-", .forcedClosed), "release": ("-", fresh),
            ],
        ]
        .mapValues { row in
            row.merging(["force open": ("-", .forcedOpen), "force closed": ("-", .forcedClosed)]) { own, _ in own }
        }
    }()

    @Test("every event means something in every state", arguments: states.keys.sorted())
    func total(name: String) throws {
        let start = try #require(Self.states[name])
        for (event, (answer, state)) in try #require(Self.table[name]) {
            var breaker = start
            #expect(Self.apply(event, to: &breaker) == answer, "\(event) in \(name)")
            #expect(breaker.state == state, "\(event) in \(name)")
            #expect((breaker.epoch > start.epoch) == Self.isOther(breaker.state, start.state), "\(event) in \(name)")
        }
    }

    /// Whether the kind of the state changed: exactly then a new epoch begins.
    private static func isOther(_ left: Breaker.State, _ right: Breaker.State) -> Bool {
        func kind(_ state: Breaker.State) -> Int {
            switch state {
            case .closed: 0
            case .open: 1
            case .halfOpen: 2
            case .forcedOpen: 3
            case .forcedClosed: 4
            }
        }
        return kind(left) != kind(right)
    }

    @Test("a result of an earlier epoch changes nothing, whichever way it ended")
    func lateResults() {
        var breaker = Breaker(policy: Self.policy)
        guard case .admitted(let old) = breaker.ask(at: Self.at(0)) else { return #expect(Bool(false)) }
        Self.fail(&breaker, at: 0)
        Self.fail(&breaker, at: 0)
        _ = breaker.ask(at: Self.at(10))
        let before = breaker
        for outcome in [Breaker.Outcome.succeeded, .failed, .cancelled] {
            breaker.end(old, outcome, at: Self.at(11))
            #expect(breaker == before)
        }
    }

    @Test("successes before a probe failed do not help the next round")
    func probesStartAnew() {
        var breaker = Self.states["half"] ?? Breaker(policy: Self.policy)
        breaker.end(Breaker.Permit(epoch: breaker.epoch), .succeeded, at: Self.at(11))
        Self.fail(&breaker, at: 11)
        guard case .admitted(let probe) = breaker.ask(at: Self.at(21)) else { return #expect(Bool(false)) }
        breaker.end(probe, .succeeded, at: Self.at(21))
        #expect(breaker.state == .halfOpen(probing: 0, succeeded: 1))
    }

    @Test("a share of failures opens it, once enough calls were made in the window")
    func failureRate() {
        var policy = BreakerPolicy { $0.consecutiveFailures = nil }
        policy.failureRate = .init(percent: 50, minimumCalls: 4, window: .seconds(10))
        var breaker = Breaker(policy: policy)
        func end(_ outcome: Breaker.Outcome, _ seconds: Int64) {
            breaker.end(Breaker.Permit(epoch: breaker.epoch), outcome, at: Self.at(seconds))
        }
        for second in Int64(0)..<2 { end(.failed, second) }
        end(.succeeded, 1)
        #expect(breaker.state == .closed(failures: 0))
        // The two failures have left the window by now: one of four is not half.
        for second in Int64(12)..<15 { end(.succeeded, second) }
        end(.failed, 15)
        #expect(breaker.state == .closed(failures: 1))
        end(.failed, 16)
        end(.failed, 16)
        #expect(breaker.state == .open(since: Self.at(16), until: Self.at(46)))
    }

    @Test("a clock that goes back does not keep it open for ever")
    func clockGoesBack() {
        var breaker = Self.states["open"] ?? Breaker(policy: Self.policy)
        #expect(breaker.ask(at: Self.at(-1000)) == .refused(until: Self.at(-990)))
        if case .refused = breaker.ask(at: Self.at(-990)) { Issue.record("it must probe ten seconds later") }
    }

    @Test("any story keeps the promises", arguments: UInt64(0)..<200)
    func stories(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var breaker = Breaker(policy: Self.policy)
        var permits: [Breaker.Permit] = []
        var now: Int64 = 0
        for _ in 0..<200 {
            now += Int64.random(in: -1...4, using: &random)
            let before = breaker
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<5:
                if case .admitted(let permit) = breaker.ask(at: Self.at(now)) { permits.append(permit) }
            case 5..<10:
                guard let permit = permits.randomElement(using: &random) else { continue }
                permits.removeAll { $0 == permit }
                let outcomes = [Breaker.Outcome.succeeded, .failed, .cancelled]
                let outcome = outcomes.randomElement(using: &random) ?? .failed
                breaker.end(permit, outcome, at: Self.at(now))
                if outcome == .cancelled {
                    #expect(!Self.isOther(breaker.state, before.state), "a cancelled call moved it, seed \(seed)")
                }
            case 10: Bool.random(using: &random) ? breaker.forceOpen() : breaker.forceClosed()
            default: breaker.release()
            }
            #expect(breaker.epoch >= before.epoch, "seed \(seed)")
            if case .halfOpen(let probing, let succeeded) = breaker.state {
                #expect((0...2).contains(probing) && succeeded < 2, "seed \(seed)")
            }
        }
    }

    @Test("policies that cannot work are told with their remedy")
    func problems() {
        let usual = BreakerPolicy()
        #expect(usual.problems.isEmpty)
        #expect(usual.consecutiveFailures == 5 && usual.failureRate == nil)
        #expect(usual.openTime == .seconds(30) && usual.probes == 1 && usual.closingSuccesses == 1)
        let bad: [BreakerPolicy] = [
            BreakerPolicy { $0.consecutiveFailures = nil }, BreakerPolicy { $0.consecutiveFailures = 0 },
            BreakerPolicy { $0.openTime = Span(milliseconds: 0) }, BreakerPolicy { $0.probes = 0 },
            BreakerPolicy { $0.closingSuccesses = 0 },
            BreakerPolicy { $0.failureRate = .init(percent: 0) },
            BreakerPolicy { $0.failureRate = .init(percent: .nan) },
            BreakerPolicy { $0.failureRate = .init(percent: 50, minimumCalls: 0) },
            BreakerPolicy { $0.failureRate = .init(percent: 50, window: Span(milliseconds: 1)) },
        ]
        for policy in bad { #expect(policy.problems.count == 1, "\(policy)") }
    }
}
