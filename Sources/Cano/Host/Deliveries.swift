// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// What sessions are to be told, each in the order in which it is said; mostly there is one session.
struct Deliveries {
    private(set) var all: [(session: SessionID, deliveries: [Delivery])] = []
    /// Where each session is.
    private var places: [SessionID: Int] = [:]
    /// Where the last one is.
    private var last = 0

    mutating func add(_ delivery: Delivery, to session: SessionID) {
        if !self.all.indices.contains(self.last) || self.all[self.last].session != session {
            self.last = self.place(of: session)
        }
        self.all[self.last].deliveries.append(delivery)
    }

    private mutating func place(of session: SessionID) -> Int {
        if let place = self.places[session] { return place }
        self.all.append((session, []))
        self.places[session] = self.all.count - 1
        return self.all.count - 1
    }
}
