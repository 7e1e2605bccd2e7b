// SPDX-License-Identifier: Apache-2.0 OR MIT

internal import DequeModule

/// Work that waits for declared limits: a line for each limit and each kind of worker, first come, first served.
///
/// Lines of different kinds of workers are apart, so that work for which no worker is there holds up no other.
struct HeldWork: Sendable {
    private struct Place: Sendable {
        /// In which order work came to be held.
        var number: Int
        var offer: WorkOffer
    }

    private struct Line: Sendable {
        let capability: Capability
        var places = Deque<Place>()
        /// How many were let go into the queue and have not been looked at there yet.
        var released = 0
    }

    /// What was let go, and has not been looked at in the queue yet.
    private struct Released: Sendable {
        var number: Int
        var limit: LimitID
        var capability: Capability
    }

    /// The lines of each limit, in the order in which they began: few, and always looked through in the same order.
    private var lines: [LimitID: [Line]] = [:]
    private var released: [LimitBoard.Holder: Released] = [:]
    /// How much of each run is in the lines or was let go.
    private var runs: [RunID: Int] = [:]
    private var lastNumber = 0

    /// Puts work into the line of a limit; in the place that it had when it waited in a line before.
    ///
    /// - Returns: the limit that it had waited for before, when that is another one.
    mutating func hold(_ offer: WorkOffer, for limit: LimitID) -> LimitID? {
        let before = self.leave(LimitBoard.Holder(offer))
        if before == nil { self.lastNumber += 1 }
        let place = Place(number: before?.number ?? self.lastNumber, offer: offer)
        let index = self.place(limit, offer.capability)
        let later = self.lines[limit]?[index].places.lastIndex { $0.number < place.number }.map { $0 + 1 } ?? 0
        self.lines[limit]?[index].places.insert(place, at: later)
        self.runs[offer.key.run, default: 0] += 1
        return before.flatMap { $0.limit == limit ? nil : $0.limit }
    }

    /// Work that was let go is looked at in the queue: it may begin.
    mutating func admitted(_ holder: LimitBoard.Holder) {
        _ = self.leave(holder)
    }

    private mutating func leave(_ holder: LimitBoard.Holder) -> Released? {
        guard let released = self.released.removeValue(forKey: holder) else { return nil }
        if let index = self.index(released.limit, released.capability) {
            self.lines[released.limit]?[index].released -= 1
        }
        self.forget(holder.key.run)
        return released
    }

    private func index(_ limit: LimitID, _ capability: Capability) -> Int? {
        self.lines[limit]?.firstIndex { $0.capability == capability }
    }

    /// Where the line is; it begins if there is none.
    private mutating func place(_ limit: LimitID, _ capability: Capability) -> Int {
        if let index = self.index(limit, capability) { return index }
        self.lines[limit, default: []].append(Line(capability: capability))
        return (self.lines[limit]?.count ?? 1) - 1
    }

    /// The kinds of workers for which work waits for a limit.
    func capabilities(waitingFor limit: LimitID) -> [Capability] {
        self.lines[limit]?.filter { !$0.places.isEmpty }.map(\.capability) ?? []
    }

    /// What the first in a line declares.
    func first(_ limit: LimitID, _ capability: Capability) -> DeclaredLimit? {
        guard let index = self.index(limit, capability) else { return nil }
        return self.lines[limit]?[index].places.first?.offer.limits?.first { $0.id == limit }
    }

    /// Lets so many go, less those that were let go and have not been looked at.
    mutating func release(_ limit: LimitID, _ capability: Capability, room: Int) -> [WorkOffer] {
        guard let index = self.index(limit, capability), let line = self.lines[limit]?[index] else { return [] }
        let count = max(0, min(room - line.released, line.places.count))
        var offers: [WorkOffer] = []
        for place in line.places.prefix(count) {
            let holder = LimitBoard.Holder(place.offer)
            // What was offered twice is let go once.
            guard self.released[holder] == nil else {
                self.forget(place.offer.key.run)
                continue
            }
            self.released[holder] = Released(number: place.number, limit: limit, capability: capability)
            offers.append(place.offer)
        }
        self.lines[limit]?[index].places.removeFirst(count)
        self.lines[limit]?[index].released += offers.count
        return offers
    }

    /// Whether anything of a run waits here.
    func knows(_ run: RunID) -> Bool { self.runs[run] != nil }

    /// Nothing of these runs waits here any more: they are over, or another owner's.
    mutating func drop(where isGone: (RunID) -> Bool) {
        guard self.runs.keys.contains(where: isGone) else { return }
        for limit in self.lines.keys {
            for index in self.lines[limit]?.indices ?? 0..<0 {
                for place in self.lines[limit]?[index].places ?? [] where isGone(place.offer.key.run) {
                    self.forget(place.offer.key.run)
                }
                self.lines[limit]?[index].places.removeAll { isGone($0.offer.key.run) }
            }
        }
        for holder in self.released.keys where isGone(holder.key.run) { _ = self.leave(holder) }
    }

    private mutating func forget(_ run: RunID) {
        let rest = self.runs[run, default: 1] - 1
        self.runs[run] = rest > 0 ? rest : nil
    }

    /// What a run waits for, by the order in which it came to wait.
    func waits(of run: RunID) -> [(offer: WorkOffer, limit: LimitID)] {
        guard self.runs[run] != nil else { return [] }
        var found: [(number: Int, offer: WorkOffer, limit: LimitID)] = []
        for (limit, lines) in self.lines {
            for place in lines.flatMap(\.places) where place.offer.key.run == run {
                found.append((place.number, place.offer, limit))
            }
        }
        return found.sorted { $0.number < $1.number }.map { ($0.offer, $0.limit) }
    }
}
