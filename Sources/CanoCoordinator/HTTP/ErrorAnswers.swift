// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Hummingbird
import Logging
import NIOCore

/// Turns whatever a request threw into one line with a code and a fitting status.
struct ErrorAnswers: RouterMiddleware {
    typealias Context = BasicRequestContext

    let logger: Logger

    @concurrent
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let failure as HTTPFailure {
            return Self.answer(failure.error, failure.status)
        } catch let error as CanoError {
            if error.status == .internalServerError {
                self.logger.error(
                    "request failed",
                    metadata: ["error.code": "\(error.code.name)", "error.message": "\(error.message)"]
                )
            }
            return Self.answer(error, error.status)
        } catch let error as HTTPError where error.status == .notFound {
            let message = "there is no \(request.method) \(request.uri.path): the API is described in docs/http.md"
            return Self.answer(CanoError(.invalidInput, message), .notFound)
        } catch let error as any HTTPResponseError {
            let answer = try error.response(from: request, context: context)
            return Self.answer(CanoError(.invalidInput, "the request is malformed: \(error)"), answer.status)
        } catch is CancellationError {
            return Self.answer(CanoError(.shuttingDown, "the coordinator is stopping: try again"), .serviceUnavailable)
        } catch {
            self.logger.error("request failed", metadata: ["error.message": "\(error)"])
            let message = "the coordinator failed inside: its log has the reason"
            return Self.answer(CanoError(.storeCorrupt, message), .internalServerError)
        }
    }

    private static func answer(_ error: CanoError, _ status: HTTPResponse.Status) -> Response {
        var response = Response.json(status: status) { ErrorBody.write(error, to: &$0) }
        if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        // The rest of a refused body is not read, so the connection cannot be used again.
        if status == .contentTooLarge { response.headers[.connection] = "close" }
        return response
    }
}

extension Response {
    /// An answer whose body is written by hand.
    static func json(status: HTTPResponse.Status = .ok, _ write: (inout JSONWriter) -> Void) -> Response {
        var writer = JSONWriter()
        write(&writer)
        return Response(
            status: status,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: writer.bytes))
        )
    }
}
