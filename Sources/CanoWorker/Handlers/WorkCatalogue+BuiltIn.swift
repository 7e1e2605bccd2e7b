// SPDX-License-Identifier: Apache-2.0 OR MIT

package import Cano
package import CanoEngine

extension WorkCatalogue {
    /// Adds the built-in handlers that a worker was started to allow.
    ///
    /// `route` is always there, `exec` and `http` when something is allowed for them: a worker never asks for work that
    /// it would have to refuse altogether.
    ///
    /// - Parameters:
    ///   - execPaths: files and directories (`--allow-exec`); see ``ExecPolicy``.
    ///   - httpPrefixes: prefixes of URLs (`--allow-http`); see ``HTTPPolicy``.
    ///   - limits: what outputs are measured against.
    /// - Throws: `invalidInput` for a path that does not exist or a prefix that is not a URL.
    package mutating func addBuiltIn(
        allowingExec execPaths: [String],
        allowingHTTP httpPrefixes: [String],
        limits: Limits = Limits()
    ) throws(CanoError) {
        self.add(builtIn: RouteArguments.handler, handler: RouteHandler(limits: limits))
        if !execPaths.isEmpty {
            let policy = try ExecPolicy(allowing: execPaths)
            self.add(builtIn: ExecArguments.handler, handler: ExecHandler(policy: policy, limits: limits))
        }
        if !httpPrefixes.isEmpty {
            let policy = try HTTPPolicy(allowing: httpPrefixes)
            self.add(builtIn: HTTPArguments.handler, handler: HTTPHandler(policy: policy, limits: limits))
        }
    }
}
