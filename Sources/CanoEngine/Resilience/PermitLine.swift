// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule

/// A bulkhead as a value: so many at once, so many more in line, first come, first served.
public struct PermitLine: Hashable, Sendable {
    /// A place in the line.
    public struct Ticket: RawRepresentable, Hashable, Sendable {
        /// The number, unique for its line.
        public let rawValue: Int

        /// A ticket by its number.
        public init(rawValue: Int) { self.rawValue = rawValue }
    }

    /// The answer to somebody who asks for a permit.
    public enum Answer: Hashable, Sendable {
        /// It is yours; give it back.
        case granted
        /// Wait; ``PermitLine/giveBack()`` will name your ticket.
        case queued(Ticket)
        /// The line is full.
        case full
    }

    /// How many permits there are.
    public let permits: Int
    /// How many may wait.
    public let queueLimit: Int
    /// How many permits are out.
    public private(set) var inUse = 0
    private var line = Deque<Ticket>()
    private var lastTicket = 0

    /// A line nobody stands in.
    ///
    /// - Parameters:
    ///   - permits: how many at once, 1 or more.
    ///   - queueLimit: how many may wait, 0 or more.
    /// - Throws: `invalidInput` for a line that lets nobody through.
    public init(permits: Int, queueLimit: Int) throws(CanoError) {
        guard permits >= 1, queueLimit >= 0 else {
            throw CanoError(
                .invalidInput,
                "a bulkhead of \(permits) with a line of \(queueLimit) lets nobody through: "
                    + "use 1 permit or more and a line of 0 or more"
            )
        }
        self.permits = permits
        self.queueLimit = queueLimit
    }

    /// How many wait.
    public var waiting: Int { self.line.count }

    /// Somebody wants a permit and can wait.
    public mutating func ask() -> Answer {
        if self.take() { return .granted }
        guard self.line.count < self.queueLimit else { return .full }
        self.lastTicket += 1
        let ticket = Ticket(rawValue: self.lastTicket)
        self.line.append(ticket)
        return .queued(ticket)
    }

    /// Takes a permit if one is free and nobody waits.
    public mutating func take() -> Bool {
        guard self.inUse < self.permits, self.line.isEmpty else { return false }
        self.inUse += 1
        return true
    }

    /// A permit comes back: it goes to the first in line, who is named, or is free.
    public mutating func giveBack() -> Ticket? {
        invariant(self.inUse > 0, "a bulkhead got back more permits than it gave")
        if let next = self.line.popFirst() { return next }
        self.inUse -= 1
        return nil
    }

    /// Somebody leaves the line; false when the ticket is not in it (any more).
    public mutating func leave(_ ticket: Ticket) -> Bool {
        guard let index = self.line.firstIndex(of: ticket) else { return false }
        self.line.remove(at: index)
        return true
    }
}
