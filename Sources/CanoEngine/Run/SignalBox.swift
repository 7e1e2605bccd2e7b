// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The signals that a run was sent: those that no wait has taken yet, and the ids of some that were taken.
public struct SignalBox: Hashable, Sendable {
    /// One signal, with the number of its record.
    public struct Kept: Hashable, Sendable {
        /// The number of its record.
        public var seq: Int
        /// The signal.
        public var signal: RunSignal
    }

    /// The id of a signal that was taken.
    public struct Past: Hashable, Sendable {
        /// The number of its record.
        public var seq: Int
        /// Its id.
        public var id: String
    }

    /// Those that wait, in the order in which they came.
    public private(set) var kept: [Kept] = []
    /// Those that were taken and have an id, in the order in which they were taken.
    public private(set) var past: [Past] = []

    /// An empty box.
    public init() {}

    /// Whether this id came before.
    func knows(_ id: String) -> Bool {
        self.kept.contains { $0.signal.id == id } || self.past.contains { $0.id == id }
    }

    /// The oldest one of this name.
    func first(named name: String) -> Kept? { self.kept.first { $0.signal.name == name } }

    mutating func keep(_ signal: RunSignal, seq: Int) {
        self.kept.append(Kept(seq: seq, signal: signal))
    }

    /// Takes a signal out; its id is remembered together with so many others.
    @discardableResult
    mutating func take(seq: Int, remembering limit: Int) -> RunSignal? {
        guard let index = self.kept.firstIndex(where: { $0.seq == seq }) else { return nil }
        let signal = self.kept.remove(at: index).signal
        if let id = signal.id { self.past.append(Past(seq: seq, id: id)) }
        if self.past.count > limit { self.past.removeFirst(self.past.count - limit) }
        return signal
    }

    /// What the record of the next state says about the box, when this signal is taken on the way there.
    func known(taking seq: Int?, remembering limit: Int) -> Record.KnownSignals {
        if self.kept.isEmpty, self.past.isEmpty { return Record.KnownSignals() }
        var box = self
        if let seq { box.take(seq: seq, remembering: limit) }
        var known = Record.KnownSignals()
        known.kept = box.kept.map(\.seq)
        known.past = box.past.map(\.seq)
        return known
    }

    /// The box as a record remembered it, from the records of its signals.
    init(_ known: Record.KnownSignals, from signals: [Int: RunSignal]) {
        self.kept = known.kept.compactMap { seq in signals[seq].map { Kept(seq: seq, signal: $0) } }
        self.past = known.past.compactMap { seq in signals[seq]?.id.map { Past(seq: seq, id: $0) } }
    }
}
