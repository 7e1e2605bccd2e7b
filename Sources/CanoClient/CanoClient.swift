// SPDX-License-Identifier: Apache-2.0 OR MIT

import AsyncHTTPClient
package import Cano
import CanoEngine
import NIOCore
import NIOHTTP1

/// A client of a coordinator's HTTP API.
///
/// Every method throws ``CanoError`` with the server's own code, `unreachable` when there is nobody to ask, and
/// `CancellationError` when its task is cancelled. Use ``withClient(_:_:)``, or call ``shutdown()`` at the end.
public final class CanoClient: Sendable {
    /// Whom to ask, and as whom.
    public struct Configuration: Hashable, Sendable {
        /// Where a coordinator listens when nothing else is said.
        public static let defaultURL = "http://127.0.0.1:7228"

        /// The coordinator's URL (default: ``defaultURL``).
        public var url = Configuration.defaultURL
        /// The secret the coordinator was started with; `nil` for none.
        public var token: String?
        /// Who asks, for the coordinator's audit; `nil` for `anonymous`.
        public var actor: String?
        /// How long one request may take, not counting the time it was asked to wait (default: 30 s).
        public var timeout: Duration = .seconds(30)
        /// How long whoever waits for a run goes on asking while nobody can answer (default: 2 minutes).
        ///
        /// A coordinator that is killed and started again, or replaced by another one, is then only a pause.
        public var patience: Duration = .seconds(120)
        /// Through what somebody asks, for the audit: `cli` or `library`.
        package var via = "library"

        /// The defaults.
        public init() {}

        /// The defaults, adjusted.
        public init(_ adjust: (inout Self) -> Void) {
            self.init()
            adjust(&self)
        }
    }

    let configuration: Configuration
    private let http: HTTPClient

    /// A client; it connects when it is first used.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        var settings = HTTPClient.Configuration.singletonConfiguration
        settings.redirectConfiguration = .disallow
        settings.timeout.connect = .seconds(5)
        settings.connectionPool.retryConnectionEstablishment = false
        self.http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    /// Closes the connections.
    ///
    /// Nothing may be asked afterwards.
    public func shutdown() async throws {
        try await self.http.shutdown()
    }

    /// Runs `body` with a client that is shut down behind it, whatever happens.
    public static func withClient<Result: Sendable>(
        _ configuration: Configuration = Configuration(),
        _ body: (CanoClient) async throws -> Result
    ) async throws -> Result {
        let client = CanoClient(configuration)
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        try await client.shutdown()
        return try result.get()
    }

    // MARK: Requests

    /// Sends a request and returns the answer's JSON; an answer that is an error is thrown.
    package func send(_ request: APIRequest) async throws -> JSONText {
        let (status, bytes) = try await self.exchange(request)
        guard (200..<300).contains(status) else { throw self.error(status: status, bytes) }
        do {
            return try JSONText(bytes, subject: "the answer")
        } catch {
            throw CanoError(.protocolViolation, "\(self.configuration.url) is no coordinator: \(error.message)")
        }
    }

    /// Asks again and again while nobody can answer, for as long as the client is patient, or for a shorter time.
    ///
    /// Only for what may be asked twice.
    package func patiently<Answer>(
        within time: Duration? = nil,
        _ ask: () async throws -> Answer
    ) async throws -> Answer {
        let patience = self.configuration.patience
        let end = ContinuousClock.now.advanced(by: min(time ?? patience, patience))
        var pause = Duration.milliseconds(50)
        while true {
            do {
                return try await ask()
            } catch let error as CanoError where error.code.isPassing && ContinuousClock.now.advanced(by: pause) < end {
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    private func exchange(_ request: APIRequest) async throws -> (status: Int, bytes: [UInt8]) {
        var outgoing = HTTPClientRequest(url: self.configuration.url.trimmingSlash + request.target)
        outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
        if let token = self.configuration.token {
            guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                let message = "the token has blanks or characters beyond ASCII: check --token or CANO_TOKEN"
                throw CanoError(.invalidInput, message)
            }
            outgoing.headers.add(name: "Authorization", value: "Bearer \(token)")
        }
        if let actor = self.configuration.actor {
            // A header has room for ASCII only; the rest of a name is not worth a failure.
            let name = String(actor.map { $0.isASCII && !$0.isNewline && ($0.asciiValue ?? 0) >= 0x20 ? $0 : "?" })
            outgoing.headers.add(name: "Cano-Actor", value: name)
        }
        outgoing.headers.add(name: "Cano-Via", value: self.configuration.via)
        if let body = request.body {
            outgoing.headers.add(name: "Content-Type", value: request.contentType)
            outgoing.body = .bytes(body, length: .known(Int64(body.count)))
        }
        do {
            let limit = NIODeadline.now() + TimeAmount(self.configuration.timeout + request.patience)
            let answer = try await self.http.execute(outgoing, deadline: limit)
            return (Int(answer.status.code), Array(buffer: try await answer.body.collect(upTo: 256 * 1024 * 1024)))
        } catch {
            throw self.translate(error)
        }
    }

    private func translate(_ error: any Error) -> any Error {
        let url = self.configuration.url
        if error is CancellationError { return error }
        if error is NIOTooManyBytesError {
            return CanoError(.limitExceeded, "the answer of \(url) is too long: ask for smaller pages")
        }
        switch error as? HTTPClientError {
        case .cancelled:
            return CancellationError()
        case .invalidURL, .emptyHost, .emptyScheme:
            return CanoError(.invalidInput, "'\(url)' is not an HTTP URL: write it like \(Configuration.defaultURL)")
        case .deadlineExceeded, .readTimeout:
            return CanoError(.unreachable, "\(url) did not answer in time: check the coordinator, then try again")
        case .remoteConnectionClosed:
            return CanoError(.unreachable, "\(url) broke off its answer: check the coordinator, then try again")
        default:
            let remedy = "start one with 'cano dev', or name another with --url or CANO_URL"
            return CanoError(.unreachable, "cannot connect to a coordinator at \(url): \(remedy)", cause: error)
        }
    }

    private func error(status: Int, _ bytes: [UInt8]) -> CanoError {
        let fallback: CanoError.Code = status >= 500 ? .storeUnavailable : .invalidInput
        let stranger = CanoError(
            .protocolViolation,
            "\(self.configuration.url) answered \(status) in a way no coordinator does: check the URL"
        )
        do {
            let body = try JSONMembers(JSONText(bytes, subject: "the answer"), subject: "the answer")
            return try ErrorBody.read(body, fallback: fallback) ?? stranger
        } catch {
            return stranger
        }
    }
}

extension String {
    fileprivate var trimmingSlash: String { self.hasSuffix("/") ? String(self.dropLast()) : self }
}

extension CanoError.Code {
    /// Whether the same request may well be answered a little later.
    fileprivate var isPassing: Bool {
        [.unreachable, .storeUnavailable, .storeBusy, .shuttingDown, .notOwner].contains(self)
    }
}
