// SPDX-License-Identifier: Apache-2.0 OR MIT

import AsyncHTTPClient
package import Cano
package import CanoEngine
import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The built-in handler `http`: sends one request.
///
/// 2xx is success. 408, 425, 429, 5xx and a connection that cannot be made are failures that may be retried, after the
/// pause that `Retry-After` asks for; every other status is a failure for good, unless the step maps it otherwise.
/// Redirects are not followed: they could lead where the worker may not go.
///
/// The request carries `Idempotency-Key` unless the step sets it. All requests of a process share one client.
package struct HTTPHandler: WorkHandler {
    private let policy: HTTPPolicy
    private let limits: Limits
    private let cache = ArgumentCache<HTTPArguments>()

    /// Lives as long as the process, like the event loops it runs on.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        // The step's own policy says how often and how patiently.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(300))
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// A handler that sends requests where `policy` allows it.
    package init(policy: HTTPPolicy, limits: Limits = Limits()) {
        self.policy = policy
        self.limits = limits
    }

    package func perform(_ grant: LeaseGrant, _ task: TaskContext) async -> AttemptReport.Result {
        do throws(WorkFailure) {
            return .completed(try await self.attempt(grant, task))
        } catch {
            return error.result
        }
    }

    private func attempt(
        _ grant: LeaseGrant,
        _ task: TaskContext
    ) async throws(WorkFailure) -> AttemptReport.Completion {
        let arguments = try self.cache.arguments(of: grant)
        let input = WorkInput(grant: grant)
        let address = try self.policy.address(of: try Template.render(arguments.url, input, escaping: .url))
        let request = try Self.request(arguments, input, address)
        let output = StepOutput(rules: arguments.output, input: input, limits: self.limits)
        let answer: Answer
        do throws(WorkFailure) {
            answer = try await Self.send(request, address, limit: output.maximumBytes, task.deadline)
        } catch {
            throw error.failure.code == Self.unsent ? error : output.afterEffect(error, task)
        }
        let end: OutcomeRule
        do throws(WorkFailure) {
            end = try Self.end(answer, arguments, "\(request.method.rawValue) \(address.short)")
        } catch {
            throw Self.leavesDoubt(answer.status) ? output.afterEffect(error, task) : error
        }
        do throws(WorkFailure) {
            return try output.completion(of: answer.body, as: end)
        } catch {
            throw output.afterEffect(error, task)
        }
    }

    /// The code of a failure before anything was sent.
    private static let unsent = "connect"

    // MARK: Request

    private static func request(
        _ arguments: HTTPArguments,
        _ input: WorkInput,
        _ address: WebAddress
    ) throws(WorkFailure) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: address.description)
        request.method = HTTPMethod(rawValue: arguments.method ?? (arguments.body == nil ? "GET" : "POST"))
        for (name, template) in (arguments.headers ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard !HTTPArguments.isOwnHeader(name) else {
                throw WorkFailure(
                    "invalidArguments",
                    "the header '\(name)' follows from the URL and the body; leave it out"
                )
            }
            let value = try Template.render(template, input)
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw WorkFailure("invalidArguments", "the value of the header '\(name)' has a control character")
            }
            request.headers.replaceOrAdd(name: name, value: value)
        }
        if !request.headers.contains(name: "Idempotency-Key") {
            request.headers.add(name: "Idempotency-Key", value: input.grant.idempotencyKey)
        }
        switch arguments.body {
        case nil: break
        case .string(let template):
            request.body = .bytes(ByteBuffer(string: try Template.render(template, input)))
        case .some(let body):
            request.body = .bytes(ByteBuffer(bytes: try Template.render(body, input).bytes))
            if !request.headers.contains(name: "Content-Type") {
                request.headers.add(name: "Content-Type", value: "application/json")
            }
        }
        return request
    }

    // MARK: Exchange

    private struct Answer: Sendable {
        var status: Int
        var retryAfter: Span?
        var body: [UInt8]
    }

    private enum Event: Sendable {
        case answered(Answer)
        case failed(WorkFailure)
        case timeIsUp
        case isCancelled
    }

    private static func send(
        _ request: HTTPClientRequest,
        _ address: WebAddress,
        limit: Int,
        _ deadline: ContinuousClock.Instant?
    ) async throws(WorkFailure) -> Answer {
        let event = await withTaskGroup(of: Event.self) { group in
            group.addTask { await Self.exchange(request, address, limit: limit) }
            if let deadline {
                group.addTask {
                    do {
                        try await Task.sleep(until: deadline, clock: .continuous)
                        return .timeIsUp
                    } catch {
                        return .isCancelled
                    }
                }
            }
            // The first event decides; leaving the group cancels the other and waits for it.
            let first = await group.next() ?? .isCancelled
            group.cancelAll()
            return first
        }
        switch event {
        case .answered(let answer): return answer
        case .failed(let failure): throw Task.isCancelled ? .cancelled : failure
        case .timeIsUp: throw .timeout
        case .isCancelled: throw .cancelled
        }
    }

    private static func exchange(
        _ request: HTTPClientRequest,
        _ address: WebAddress,
        limit: Int
    ) async -> Event {
        let name = "\(request.method.rawValue) \(address.short)"
        do {
            let response = try await Self.client.execute(request, deadline: .distantFuture)
            let pause = response.headers.first(name: "Retry-After")
                .flatMap { value in
                    // Counted by the server's own clock, so that two clocks need not agree.
                    let now = response.headers.first(name: "Date").flatMap(RetryAfter.seconds(ofDate:))
                    return RetryAfter.pause(value, now: now ?? Int64(time(nil)))
                }
            let body = try await response.body.collect(upTo: limit)
            return .answered(
                Answer(status: Int(response.status.code), retryAfter: pause, body: Array(buffer: body))
            )
        } catch is NIOTooManyBytesError {
            let problem = "the answer to \(name) has more than the limit of \(limit) bytes"
            return .failed(WorkFailure("limitExceeded", problem))
        } catch {
            if let reason = Self.connectionProblem(error) {
                let problem = "cannot connect to \(address.origin): \(reason)"
                return .failed(WorkFailure(Self.unsent, problem, isRetryable: true))
            }
            return .failed(WorkFailure("http", "\(name) failed: \(error)", isRetryable: true))
        }
    }

    /// Why no connection could be made, so that the request was never sent; `nil` for every other error.
    private static func connectionProblem(_ error: any Error) -> String? {
        switch error {
        case let error as HTTPClientError where error == .connectTimeout: "it did not answer in time"
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { "\($0.error)" } ?? "its name cannot be resolved"
        case let error as IOError where [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode): "\(error)"
        default: nil
        }
    }

    // MARK: Status

    /// What a status means; throws when it means a failure.
    private static func end(
        _ answer: Answer,
        _ arguments: HTTPArguments,
        _ name: String
    ) throws(WorkFailure) -> OutcomeRule {
        let status = answer.status
        let named = arguments.status?[String(status)] ?? arguments.status?["\(status / 100)xx"]
        let rule = named ?? Self.usual(status)
        let start = WorkFailure.cut(String(decoding: answer.body.prefix(400), as: UTF8.self), to: 200)
        let problem = "\(name) answered \(status)" + (start.isEmpty ? "" : ": \(start)")
        switch rule {
        case .ok, .next, .pending: return rule
        case .fail: throw WorkFailure("status", problem)
        case .retry:
            var failure = WorkFailure("status", problem, isRetryable: true)
            failure.retryAfter = answer.retryAfter
            throw failure
        }
    }

    /// Whether a server that answers so may have done what it was asked: it broke in the middle, or did not hear from
    /// another one behind it in time.
    private static func leavesDoubt(_ status: Int) -> Bool {
        (500..<600).contains(status) && status != 501 && status != 503
    }

    private static func usual(_ status: Int) -> OutcomeRule {
        switch status {
        case 200..<300: .ok
        case 408, 425, 429, 500..<600: .retry
        default: .fail
        }
    }
}
