// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import HTTPTypes
import Hummingbird

/// Answers only requests that carry the secret, when one is configured.
///
/// Health checks need none.
struct TokenGuard: RouterMiddleware {
    typealias Context = BasicRequestContext

    let token: String?

    @concurrent
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let token = self.token, request.uri.path != "/healthz", request.uri.path != "/readyz" else {
            return try await next(request, context)
        }
        guard let header = request.headers[.authorization] else {
            throw CanoError(.unauthorized, "a token is needed: send 'Authorization: Bearer …' (--token, CANO_TOKEN)")
        }
        guard Self.areEqual(header, "Bearer \(token)") else {
            throw CanoError(.unauthorized, "the token is wrong: check --token or CANO_TOKEN")
        }
        return try await next(request, context)
    }

    /// Takes the same time wherever the texts differ, so that nobody can guess a token byte by byte.
    private static func areEqual(_ left: String, _ right: String) -> Bool {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        var difference = UInt8(left.count == right.count ? 0 : 1)
        for (index, byte) in right.enumerated() {
            difference |= byte ^ (index < left.count ? left[index] : 0)
        }
        return difference == 0
    }
}
