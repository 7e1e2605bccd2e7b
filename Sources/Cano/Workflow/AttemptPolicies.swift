// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

/// What a step says about the attempts of its task.
struct AttemptPolicies: Sendable {
    var retry: RetryPolicy
    var timeout: Duration?
    var limits: [DeclaredLimit]

    init(_ retry: RetryPolicy = RetryPolicy(), _ timeout: Duration? = nil, _ limits: [DeclaredLimit] = []) {
        self.retry = retry
        self.timeout = timeout
        self.limits = limits
    }
}
