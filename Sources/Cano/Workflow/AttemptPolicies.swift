// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

/// What a step says about the attempts of its task.
@usableFromInline
struct AttemptPolicies: Sendable {
    var retry: RetryPolicy
    var timeout: Duration?
    var limits: [DeclaredLimit]

    @usableFromInline
    init(_ retry: RetryPolicy = RetryPolicy(), _ timeout: Duration? = nil, _ limits: [DeclaredLimit] = []) {
        self.retry = retry
        self.timeout = timeout
        self.limits = limits
    }
}
