// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The worker's side of its sessions with one coordinator: when to connect, to greet and to beat, and until when the
/// leases of this coordinator may be trusted.
///
/// Trust outlives a connection. It is counted from before the heartbeat was sent that was answered last, so that a
/// pause of any length on either side makes the worker distrust itself before the coordinator gives its leases away.
package struct WorkerSession: Hashable, Sendable {
    /// What is true while the session lives.
    package struct Beat: Hashable, Sendable {
        /// How long leases live without a heartbeat.
        package var ttl: Int64
        /// When the next heartbeat is due.
        package var nextAt: Int64
        /// The number of the heartbeat that was sent last.
        package var number: Int64 = 0
        /// When each unanswered heartbeat was sent, the oldest first.
        package var unanswered: [Sent] = []

        package struct Sent: Hashable, Sendable {
            package var number: Int64
            package var at: Int64
        }
    }

    package enum State: Hashable, Sendable {
        /// A connection was asked for.
        case connecting
        /// The greeting was sent.
        case greeted(at: Int64)
        /// The coordinator has welcomed us.
        case welcomed(Beat)
        /// The connection was asked to close; `isLast`: no further one is wanted.
        case closing(isLast: Bool)
        /// There will be no further connection.
        case closed
    }

    package enum Event: Hashable, Sendable {
        /// The connection is open.
        case opened
        /// The connection is closed, or none could be opened.
        case closed
        /// The coordinator answered the greeting.
        case welcomed(ttl: Int64)
        /// The coordinator refused us; `isFinal`: asking again is of no use.
        case refused(isFinal: Bool)
        /// The coordinator answered a heartbeat.
        case heartbeat(Int64)
        /// The coordinator said anything else.
        case message
        /// Time has passed.
        case ticked
        /// No session is wanted any more.
        case stopped
    }

    package enum Effect: Hashable, Sendable {
        /// Open a connection after so many milliseconds.
        case connect(after: Int64)
        /// Send the greeting.
        case greet
        /// The session begins.
        case begin
        /// Send this heartbeat.
        case heartbeat(Int64)
        /// The message may be acted on.
        case accept
        /// The session is over; leases and reports stay.
        case end
        /// The leases of this coordinator may not be trusted any more.
        case distrust
        /// The coordinator broke the protocol.
        case complain
        /// Close the connection.
        case disconnect
        /// There will be no further connection.
        case leave
    }

    /// No TTL counts for more than a day, which keeps sums of times far from overflow whatever a coordinator says.
    private static let longestTTL: Int64 = 86_400_000

    package private(set) var state = State.connecting
    /// Until when the leases of this coordinator may be trusted; `nil` before the first welcome and when trust is lost.
    package private(set) var trustedUntil: Int64?
    private var failures = 0
    private var random: SplitMix64
    private let rules: WorkerRules

    /// A session whose first connection has been asked for.
    package init(rules: WorkerRules, seed: UInt64) {
        self.rules = rules
        self.random = SplitMix64(seed: seed)
    }

    package var isWelcomed: Bool {
        if case .welcomed = self.state { true } else { false }
    }

    package var isClosed: Bool { self.state == .closed }

    /// When the next tick is needed; `nil` when time alone changes nothing.
    package var nextTick: Int64? {
        let due: Int64? =
            switch self.state {
            case .greeted(let at): at + self.rules.greetingPatience
            case .welcomed(let beat): beat.nextAt
            case .connecting, .closing, .closed: nil
            }
        guard let due, let trust = self.trustedUntil else { return due ?? self.trustedUntil }
        return min(due, trust)
    }

    /// The only place where a session changes.
    package mutating func apply(_ event: Event, at now: Int64) -> [Effect] {
        switch self.state {
        case .connecting: self.whileConnecting(event, at: now)
        case .greeted(let sentAt): self.whileGreeted(since: sentAt, event, at: now)
        case .welcomed(let beat): self.whileWelcomed(beat, event, at: now)
        case .closing(let isLast): self.whileClosing(isLast: isLast, event, at: now)
        case .closed: event == .ticked ? self.checkTrust(at: now) : []
        }
    }

    private mutating func whileConnecting(_ event: Event, at now: Int64) -> [Effect] {
        switch event {
        case .opened:
            self.state = .greeted(at: now)
            return [.greet]
        case .closed: return self.reconnect()
        case .ticked: return self.checkTrust(at: now)
        case .stopped:
            self.state = .closed
            return [.leave]
        case .welcomed, .refused, .heartbeat, .message: return []
        }
    }

    private mutating func whileGreeted(since sentAt: Int64, _ event: Event, at now: Int64) -> [Effect] {
        switch event {
        case .welcomed(let promised):
            let ttl = min(max(promised, 3), Self.longestTTL)
            self.failures = 0
            self.state = .welcomed(Beat(ttl: ttl, nextAt: now + ttl / 3))
            self.trust(until: sentAt + ttl - self.rules.margin(ofTTL: ttl))
            return [.begin]
        case .refused(let isFinal): return self.disconnect(isLast: isFinal)
        case .heartbeat, .message: return [.complain] + self.disconnect(isLast: false)
        case .closed: return self.reconnect()
        case .ticked:
            let effects = self.checkTrust(at: now)
            return now < sentAt + self.rules.greetingPatience ? effects : effects + self.disconnect(isLast: false)
        case .stopped: return self.disconnect(isLast: true)
        case .opened: return []
        }
    }

    private mutating func whileWelcomed(_ beat: Beat, _ event: Event, at now: Int64) -> [Effect] {
        switch event {
        case .heartbeat(let number): return self.heard(number, beat)
        case .message: return [.accept]
        case .ticked:
            let effects = self.checkTrust(at: now)
            // A coordinator that goes on prolonging leases that we dropped would never grant them anew, so the session
            // ends with the trust.
            if !effects.isEmpty { return effects + [.end] + self.disconnect(isLast: false) }
            return self.beat(beat, at: now)
        case .welcomed: return [.complain, .end] + self.disconnect(isLast: false)
        case .refused(let isFinal): return [.end] + self.disconnect(isLast: isFinal)
        case .closed: return [.end] + self.reconnect()
        case .stopped: return [.end] + self.disconnect(isLast: true)
        case .opened: return []
        }
    }

    private mutating func whileClosing(isLast: Bool, _ event: Event, at now: Int64) -> [Effect] {
        switch event {
        case .closed:
            guard isLast else { return self.reconnect() }
            self.state = .closed
            return [.leave]
        case .stopped:
            self.state = .closing(isLast: true)
            return []
        case .ticked: return self.checkTrust(at: now)
        case .opened, .welcomed, .refused, .heartbeat, .message: return []
        }
    }

    // MARK: Parts of a transition

    private mutating func heard(_ number: Int64, _ beat: Beat) -> [Effect] {
        guard let sent = beat.unanswered.first(where: { $0.number == number }) else { return [] }
        var beat = beat
        beat.unanswered.removeAll { $0.number <= number }
        self.state = .welcomed(beat)
        self.trust(until: sent.at + beat.ttl - self.rules.margin(ofTTL: beat.ttl))
        return []
    }

    private mutating func beat(_ beat: Beat, at now: Int64) -> [Effect] {
        guard now >= beat.nextAt else { return [] }
        var beat = beat
        beat.number += 1
        beat.nextAt = now + beat.ttl / 3
        beat.unanswered.append(Beat.Sent(number: beat.number, at: now))
        self.state = .welcomed(beat)
        return [.heartbeat(beat.number)]
    }

    private mutating func trust(until: Int64) {
        self.trustedUntil = max(self.trustedUntil ?? until, until)
    }

    private mutating func checkTrust(at now: Int64) -> [Effect] {
        guard let until = self.trustedUntil, now >= until else { return [] }
        self.trustedUntil = nil
        return [.distrust]
    }

    private mutating func disconnect(isLast: Bool) -> [Effect] {
        self.state = .closing(isLast: isLast)
        return [.disconnect]
    }

    private mutating func reconnect() -> [Effect] {
        self.state = .connecting
        let doubled = self.rules.firstPause << Int64(min(self.failures, 20))
        let pause = min(doubled, self.rules.longestPause)
        self.failures += 1
        // Half of the pause is by chance, so that the workers of a restarted coordinator do not come all at once.
        let chance = Int64(self.random.next() % UInt64(max(1, pause / 2)))
        return [.connect(after: pause - chance)]
    }
}
