// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Stands between a runner and the code of its attempts: tests fail and lose attempts with it.
package protocol AttemptInterceptor: Sendable {
    /// Does an attempt by calling `body`, or answers in its place; `nil` when nobody will ever report it.
    func perform(
        _ grant: LeaseGrant,
        _ body: () async -> AttemptReport.Result
    ) async -> AttemptReport.Result?
}
