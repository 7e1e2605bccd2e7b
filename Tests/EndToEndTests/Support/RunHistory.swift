// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A run's durable history, as the API shows it.
struct RunHistory: Decodable {
    struct Run: Decodable {
        var id: String
        var status: String
        var key: String?
        var note: String?
    }

    struct Lost: Decodable {
        var path: String
        var attempt: Int
        var worker: String?
        var token: String?
    }

    struct Entry: Decodable {
        var seq: Int
        var kind: String
        var state: String?
        var visit: Int?
        var path: String?
        var attempt: Int?
        var worker: String?
        var token: String?
        var reason: String?
        var detail: String?
        var lost: [Lost]?

        /// The attempts that this entry says were lost.
        var losses: [Lost] {
            guard self.kind == "attemptLost" else { return [] }
            if let lost = self.lost, !lost.isEmpty { return lost }
            return [Lost(path: self.path ?? "", attempt: self.attempt ?? 0, worker: self.worker, token: self.token)]
        }
    }

    /// Somebody's work: what the API calls visit and path.
    struct Work: Hashable, CustomStringConvertible {
        var visit: Int
        var path: String

        var description: String { "\(self.visit)/\(self.path)" }
    }

    /// An outcome that counted.
    struct Outcome {
        var work: Work
        var attempt: Int
        var worker: String?
        var token: String?
    }

    static let ends: Set<String> = ["succeeded", "failed", "cancelled", "timedOut"]

    var run: Run
    var timeline: [Entry]
    var next: Int?

    func continued(by page: RunHistory) -> RunHistory {
        RunHistory(run: page.run, timeline: self.timeline + page.timeline, next: page.next)
    }

    var losses: [Lost] { self.timeline.flatMap(\.losses) }

    /// The outcomes that moved the run, with the work that they are of.
    var outcomes: [Outcome] {
        var outcomes: [Outcome] = []
        var visit = 0
        var visitOfPush: [Int: Int] = [:]
        for entry in self.timeline {
            func accept(_ path: String, in visit: Int) {
                guard let attempt = entry.attempt else { return }
                let work = Work(visit: visit, path: path)
                outcomes.append(Outcome(work: work, attempt: attempt, worker: entry.worker, token: entry.token))
            }
            switch entry.kind {
            case "started": visit = entry.visit ?? 1
            case "entered":
                // The record of a state names the attempt that led there, which was of the visit before.
                accept("step", in: visit)
                visit = entry.visit ?? visit
            case "finished": accept("step", in: visit)
            case "expanded": accept("expand", in: visit)
            case "branchDone": accept(entry.path ?? "", in: visit)
            case "sagaPushed": visitOfPush[entry.seq] = entry.visit
            case "compensated":
                let path = entry.path ?? ""
                let push = path.split(separator: "/").last.flatMap { Int($0) }
                accept(path, in: push.flatMap { visitOfPush[$0] } ?? 0)
            default: break
            }
        }
        return outcomes
    }

    /// What was pushed to be undone, by number: the key that its work runs under.
    var pushes: [(seq: Int, work: Work)] {
        self.timeline.filter { $0.kind == "sagaPushed" }
            .map { ($0.seq, Work(visit: $0.visit ?? 0, path: $0.path ?? "")) }
    }

    /// The numbers of the pushes that were undone, in the order in which it was recorded.
    var undone: [Int] {
        self.timeline.filter { $0.kind == "compensated" }
            .compactMap { $0.path?.split(separator: "/").last.flatMap { Int($0) } }
    }
}
