// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Which addresses a worker may send requests to: `--allow-http PREFIX…`.
///
/// A prefix is a URL. Scheme, host and port must be the same, and the path must begin with the prefix's path, which
/// ends where a segment ends: `http://host/api` covers `/api` and `/api/v1`, not `/apis`.
package struct HTTPPolicy: Sendable {
    private let allowed: [WebAddress]

    /// Reads the prefixes.
    ///
    /// - Throws: `invalidInput` for a prefix that is not a plain URL without a query.
    package init(allowing prefixes: [String]) throws(CanoError) {
        var allowed: [WebAddress] = []
        for prefix in prefixes {
            do throws(WebAddress.Problem) {
                let address = try WebAddress(prefix)
                guard address.query.isEmpty else { throw WebAddress.Problem(text: "it has a query") }
                allowed.append(address)
            } catch {
                throw CanoError(
                    .invalidInput,
                    "--allow-http '\(prefix)' is not a prefix of URLs: \(error.text); write it like https://host/path"
                )
            }
        }
        self.allowed = allowed
    }

    /// The address of a URL, if requests to it are allowed.
    func address(of url: String) throws(WorkFailure) -> WebAddress {
        let address: WebAddress
        do throws(WebAddress.Problem) {
            address = try WebAddress(url)
        } catch {
            throw WorkFailure("invalidArguments", "'\(WorkFailure.cut(url))' is not a usable URL: \(error.text)")
        }
        guard self.allowed.contains(where: { Self.covers($0, address) }) else {
            throw WorkFailure(
                "notAllowed",
                "this worker may not send requests to '\(address.short)'; start the worker with "
                    + "--allow-http \(address.short)"
            )
        }
        return address
    }

    private static func covers(_ prefix: WebAddress, _ address: WebAddress) -> Bool {
        guard prefix.scheme == address.scheme, prefix.host == address.host, prefix.port == address.port else {
            return false
        }
        if prefix.path.hasSuffix("/") { return address.path.hasPrefix(prefix.path) }
        return address.path == prefix.path || address.path.hasPrefix(prefix.path + "/")
    }
}
