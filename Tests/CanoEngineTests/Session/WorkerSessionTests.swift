// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Worker session")
struct WorkerSessionTests {
    static let rules = WorkerRules()

    /// A session brought into each of its states by what leads there; the clock stands at 1000.
    static func session(_ story: [WorkerSession.Event]) -> WorkerSession {
        var session = WorkerSession(rules: self.rules, seed: 1)
        for event in story { _ = session.apply(event, at: 1000) }
        return session
    }

    static let stories: [(name: String, events: [WorkerSession.Event])] = [
        ("connecting", []),
        ("greeted", [.opened]),
        ("welcomed", [.opened, .welcomed(ttl: 3000)]),
        ("closing", [.opened, .message]),
        ("closing for good", [.opened, .refused(isFinal: true)]),
        ("closed", [.stopped]),
    ]

    static let events: [WorkerSession.Event] = [
        .opened, .closed, .welcomed(ttl: 3000), .refused(isFinal: false), .refused(isFinal: true), .heartbeat(1),
        .message, .ticked, .stopped,
    ]

    /// What each pair gives, in a form short enough to read: the effects, then the state behind them.
    static let table: [String: [String]] = [
        "connecting": [
            "greet > greeted", "connect > connecting", "- > connecting", "- > connecting", "- > connecting",
            "- > connecting", "- > connecting", "- > connecting", "leave > closed",
        ],
        "greeted": [
            "- > greeted", "connect > connecting", "begin > welcomed", "disconnect > closing",
            "disconnect > closing for good", "complain disconnect > closing", "complain disconnect > closing",
            "- > greeted", "disconnect > closing for good",
        ],
        "welcomed": [
            "- > welcomed", "end connect > connecting", "complain end disconnect > closing", "end disconnect > closing",
            "end disconnect > closing for good", "- > welcomed", "accept > welcomed", "- > welcomed",
            "end disconnect > closing for good",
        ],
        "closing": [
            "- > closing", "connect > connecting", "- > closing", "- > closing", "- > closing", "- > closing",
            "- > closing", "- > closing", "- > closing for good",
        ],
        "closing for good": [
            "- > closing for good", "leave > closed", "- > closing for good", "- > closing for good",
            "- > closing for good", "- > closing for good", "- > closing for good", "- > closing for good",
            "- > closing for good",
        ],
        "closed": [
            "- > closed", "- > closed", "- > closed", "- > closed", "- > closed", "- > closed", "- > closed",
            "- > closed", "- > closed",
        ],
    ]

    @Test("every state answers every event", arguments: Self.stories.map(\.name))
    func total(name: String) throws {
        let story = try #require(Self.stories.first { $0.name == name })
        let expected = try #require(Self.table[name])
        for (event, line) in zip(Self.events, expected) {
            var session = Self.session(story.events)
            let effects = session.apply(event, at: 1001)
            #expect(Self.line(effects, session) == line, "\(name), \(event)")
        }
    }

    private static func line(_ effects: [WorkerSession.Effect], _ session: WorkerSession) -> String {
        let words = effects.map { effect in
            switch effect {
            case .connect: "connect"
            case .greet: "greet"
            case .begin: "begin"
            case .heartbeat: "heartbeat"
            case .accept: "accept"
            case .end: "end"
            case .distrust: "distrust"
            case .complain: "complain"
            case .disconnect: "disconnect"
            case .leave: "leave"
            }
        }
        let state =
            switch session.state {
            case .connecting: "connecting"
            case .greeted: "greeted"
            case .welcomed: "welcomed"
            case .closing(let isLast): isLast ? "closing for good" : "closing"
            case .closed: "closed"
            }
        return "\(words.isEmpty ? "-" : words.joined(separator: " ")) > \(state)"
    }

    @Test("a heartbeat is sent every third of the TTL")
    func beats() {
        var session = Self.session([.opened, .welcomed(ttl: 3000)])
        #expect(session.nextTick == 2000)
        #expect(session.apply(.ticked, at: 1999) == [])
        #expect(session.apply(.ticked, at: 2000) == [.heartbeat(1)])
        #expect(session.apply(.ticked, at: 2001) == [])
        #expect(session.apply(.ticked, at: 3000) == [.heartbeat(2)])
    }

    @Test("trust counts from before the heartbeat was sent, not from its answer")
    func trust() {
        var session = Self.session([.opened, .welcomed(ttl: 3000)])
        #expect(session.trustedUntil == 3700, "the greeting at 1000, a TTL of 3000, a margin of 300")
        _ = session.apply(.ticked, at: 2000)
        _ = session.apply(.heartbeat(1), at: 3500)
        #expect(session.trustedUntil == 4700)
    }

    @Test("an answer to a heartbeat that was never sent prolongs nothing")
    func inventedAnswer() {
        var session = Self.session([.opened, .welcomed(ttl: 3000)])
        _ = session.apply(.heartbeat(5), at: 1500)
        #expect(session.trustedUntil == 3700)
    }

    @Test("a worker that was paused distrusts itself and begins anew")
    func pause() {
        var session = Self.session([.opened, .welcomed(ttl: 3000)])
        #expect(session.apply(.ticked, at: 60_000) == [.distrust, .end, .disconnect])
        #expect(session.state == .closing(isLast: false))
    }

    @Test("trust outlives the connection, and ends without one")
    func disconnected() {
        var session = Self.session([.opened, .welcomed(ttl: 3000), .closed])
        #expect(session.nextTick == 3700)
        #expect(session.apply(.ticked, at: 3699) == [])
        #expect(session.apply(.ticked, at: 3700) == [.distrust])
        #expect(session.apply(.ticked, at: 3701) == [])
    }

    @Test("a greeting that is not answered in time is given up")
    func muteCoordinator() {
        var session = Self.session([.opened])
        #expect(session.apply(.ticked, at: 1000 + Self.rules.greetingPatience) == [.disconnect])
    }

    @Test("pauses grow to the longest one and begin anew after a welcome", arguments: UInt64(0)..<20)
    func pauses(seed: UInt64) {
        var session = WorkerSession(rules: Self.rules, seed: seed)
        var longest: Int64 = 50
        for _ in 0..<12 {
            let pause = Self.pause(session.apply(.closed, at: 0))
            #expect(pause > longest / 2 - 1 && pause <= longest, "seed \(seed)")
            longest = min(longest * 2, 1000)
        }
        for event in [WorkerSession.Event.opened, .welcomed(ttl: 3000)] { _ = session.apply(event, at: 0) }
        #expect(Self.pause(session.apply(.closed, at: 0)) <= 50, "seed \(seed)")
    }

    @Test("no TTL that a coordinator may say can overflow", arguments: [Int64.max, .min, 0, -1])
    func hostileTTL(ttl: Int64) {
        var session = Self.session([.opened])
        _ = session.apply(.welcomed(ttl: ttl), at: 1000)
        _ = session.apply(.ticked, at: 1 << 40)
    }

    private static func pause(_ effects: [WorkerSession.Effect]) -> Int64 {
        for case .connect(let pause) in effects { return pause }
        return -1
    }
}
