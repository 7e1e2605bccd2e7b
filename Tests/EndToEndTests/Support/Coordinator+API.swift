// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A worker as the API shows it.
struct WorkerShown: Decodable {
    var id: String
    var leases: Int
    var connected: Bool
    var draining: Bool
}

extension Coordinator {
    /// Registers a definition in YAML.
    func apply(_ yaml: String, named name: String) throws {
        let answer = try self.http.ask("PUT", "/v1/workflows/\(name)", body: yaml, ["Content-Type": "application/yaml"])
        try require(answer.status == 201, "\(name) was not registered: \(answer.text)")
    }

    /// Starts runs, each given as the JSON of a start.
    @discardableResult
    func start(_ runs: [String]) throws -> [String] {
        struct Body: Decodable {
            struct Start: Decodable { var id: String? }
            var runs: [Start]
        }
        let answer = try self.http.post("/v1/runs:batch", #"{"runs": [\#(runs.joined(separator: ","))]}"#)
        try require(answer.status == 200, "the runs were not started: \(answer.text)")
        let ids = try answer.decoded(as: Body.self).runs.compactMap(\.id)
        try require(ids.count == runs.count, "only \(ids.count) of \(runs.count) runs were started: \(answer.text)")
        return ids
    }

    func connectedWorkers() throws -> [WorkerShown] {
        struct Body: Decodable { var workers: [WorkerShown] }
        return try self.http.get("/v1/workers").decoded(as: Body.self).workers
    }

    /// How many leases are out.
    func leases() throws -> Int {
        try self.connectedWorkers().reduce(0) { $0 + $1.leases }
    }

    /// A run with its whole timeline, read page by page.
    func history(of run: String, pageRows: Int = 20) throws -> RunHistory {
        var history: RunHistory?
        var after = 0
        while true {
            let answer = try self.http.get("/v1/runs/\(run)?after=\(after)&limit=\(pageRows)")
            try require(answer.status == 200, "run \(run) is not shown: \(answer.text)")
            let page = try answer.decoded(as: RunHistory.self)
            history = history?.continued(by: page) ?? page
            guard let next = page.next else { break }
            after = next
        }
        return try require(history, "run \(run) has no page")
    }

    /// Waits until all runs have ended, and reads what they did.
    func waitForEnd(of runs: [String], upTo seconds: Double = 400) throws -> [RunHistory] {
        struct Body: Decodable {
            struct Run: Decodable { var status: String }
            var run: Run
        }
        var left = Set(runs)
        var last = ""
        do {
            try wait(upTo: seconds, for: "\(runs.count) runs to end") {
                for run in left {
                    let answer = try self.http.get("/v1/runs/\(run)?limit=0")
                    guard answer.status == 200 else { return false }
                    let status = try answer.decoded(as: Body.self).run.status
                    guard RunHistory.ends.contains(status) else {
                        last = "\(run) is \(status)"
                        return false
                    }
                    left.remove(run)
                }
                return true
            }
        } catch {
            throw Problem("\(error); \(left.count) are left, \(last)")
        }
        return try runs.map { try self.history(of: $0) }
    }
}
