// SPDX-License-Identifier: Apache-2.0 OR MIT

public import Cano
public import CanoEngine

extension CanoClient {
    /// How long one request waits at the server before it is repeated.
    private static let wait = Duration.seconds(30)
    /// The least time between two questions of one who waits.
    private static let pause = Duration.milliseconds(50)

    // MARK: Starting

    /// Starts one run, or finds the one that has the key.
    ///
    /// - Throws: ``CanoError``, `keyInUse` when the key belongs to a run with another input.
    public func start(_ request: StartRequest) async throws -> StartedRun {
        let answer = try JSONMembers(try await self.send(Self.request(start: request)), subject: "the answer")
        switch try StartBody.readAnswer(answer) {
        case .created(let id): return StartedRun(id: id, isNew: true)
        case .existing(let id): return StartedRun(id: id, isNew: false)
        case .refused(let error): throw error
        }
    }

    /// Starts many runs with one request; one answer for each, in order.
    ///
    /// - Throws: ``CanoError`` only when none was tried.
    public func startBatch(_ requests: [StartRequest]) async throws -> [StartAnswer] {
        var message = APIRequest(.post, ["runs:batch"])
        message.json { StartBody.write(requests, to: &$0) }
        let answer = try JSONMembers(try await self.send(message), subject: "the answer")
        let answers = try StartBody.readAnswers(answer)
        guard answers.count == requests.count else {
            throw CanoError(.protocolViolation, "\(requests.count) starts got \(answers.count) answers: check the URL")
        }
        return answers
    }

    // MARK: Looking

    /// One run with a page of its timeline and what runs now.
    ///
    /// - Parameters:
    ///   - id: the run.
    ///   - after: the sequence number behind which the page begins.
    ///   - limit: how many records at most; `nil` for the server's default.
    ///   - wait: how long the server waits for the run's end before it answers, at most five minutes.
    /// - Returns: the run as it is then, finished or not.
    /// - Throws: ``CanoError``, `unknownRun` when there is none.
    public func run(
        _ id: RunID,
        after: Int = 0,
        limit: Int? = nil,
        wait: Duration = .zero
    ) async throws -> RunDetail {
        let message = Self.request(run: id, after: after, limit: limit, wait: wait)
        return try RunDetail(JSONMembers(try await self.send(message), subject: "the answer"))
    }

    /// Runs, newest first.
    public func runs(_ query: RunQuery = RunQuery()) async throws -> [RunView] {
        let answer = try JSONMembers(try await self.send(Self.request(query)), subject: "the answer")
        var runs: [RunView] = []
        for (index, run) in try answer.array("runs").enumerated() {
            runs.append(try RunView(JSONMembers(run, subject: "runs[\(index)]")))
        }
        return runs
    }

    /// Waits until the run has ended, also while no coordinator can be reached: see ``Configuration/patience``.
    ///
    /// - Parameters:
    ///   - id: the run.
    ///   - timeout: how long to wait; `nil` for ever.
    /// - Returns: the run as it is then; it has not ended when the time was up.
    /// - Throws: ``CanoError``, `unknownRun` when there is none; `unreachable` when nobody answered for too long.
    public func waitUntilFinished(_ id: RunID, timeout: Duration? = nil) async throws -> RunView {
        let clock = ContinuousClock()
        let end = timeout.map { clock.now.advanced(by: $0) }
        while true {
            let left = end.map { max(.zero, clock.now.duration(to: $0)) } ?? Self.wait
            let asked = clock.now
            let run = try await self.patiently(within: end == nil ? nil : left) {
                try await self.run(id, limit: 0, wait: min(left, Self.wait)).run
            }
            if run.status.isFinished || left == .zero { return run }
            // Whoever answers too early is not asked again at once.
            if asked.duration(to: clock.now) < min(left, Self.pause) { try await clock.sleep(for: Self.pause) }
        }
    }

    // MARK: Ending

    /// Asks a run to end; what it did is undone.
    ///
    /// A finished run stays as it is.
    ///
    /// - Returns: the run at that moment.
    public func cancel(_ id: RunID) async throws -> RunView {
        try RunView(JSONMembers(try await self.send(Self.request(cancel: id)), subject: "the answer"))
    }

    // MARK: Limits

    /// Forces a breaker that definitions declare, or lets it decide by itself again.
    ///
    /// - Parameters:
    ///   - name: the name that the definitions give it.
    ///   - force: what is done to it.
    /// - Throws: ``CanoError``, `unknownLimit` when no work has declared a breaker of that name yet.
    public func force(breaker name: String, _ force: BreakerForce) async throws {
        _ = try await self.send(Self.request(breaker: name, force))
    }

    // MARK: Requests

    /// The request of ``start(_:)``.
    package static func request(start request: StartRequest) -> APIRequest {
        var message = APIRequest(.post, ["runs"])
        message.json { StartBody.write(request, to: &$0) }
        return message
    }

    /// The request of ``force(breaker:_:)``.
    package static func request(breaker name: String, _ force: BreakerForce) -> APIRequest {
        APIRequest(.post, ["breakers", name, force.rawValue])
    }

    /// The request of ``cancel(_:)``.
    package static func request(cancel id: RunID) -> APIRequest {
        APIRequest(.post, ["runs", id.description, "cancel"])
    }

    /// The request of ``run(_:after:limit:wait:)``.
    package static func request(run id: RunID, after: Int, limit: Int?, wait: Duration) -> APIRequest {
        var message = APIRequest(.get, ["runs", id.description])
        if after > 0 { message.query("after", String(after)) }
        message.query("limit", limit.map { String($0) })
        if wait > .zero {
            message.query("wait", "\(max(1, Span(wait).milliseconds))ms")
            message.patience = wait
        }
        return message
    }

    /// The request of ``runs(_:)``.
    package static func request(_ query: RunQuery) -> APIRequest {
        var message = APIRequest(.get, ["runs"])
        message.query("workflow", query.workflow)
        message.query("status", query.status?.name)
        message.query("before", query.before?.description)
        message.query("limit", String(query.limit))
        return message
    }
}

/// A run that was started, or found by its key.
public struct StartedRun: Hashable, Sendable {
    /// The run.
    public var id: RunID
    /// Whether this request created it.
    public var isNew: Bool

    /// A started run from its parts.
    public init(id: RunID, isNew: Bool) {
        self.id = id
        self.isNew = isNew
    }
}
