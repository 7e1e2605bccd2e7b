// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

extension DeclaredLimit {
    /// So many attempts at once, over all workers and all runs.
    ///
    /// - Parameters:
    ///   - name: what is shared, such as `db`.
    ///   - count: how many at once.
    /// - Returns: the limit.
    public static func concurrency(_ name: String, _ count: Int) -> DeclaredLimit {
        DeclaredLimit(name, .concurrency(count))
    }

    /// So many attempts begun in any window of this length, over all workers and all runs.
    ///
    /// - Parameters:
    ///   - name: what is shared, such as `github`.
    ///   - count: how many may begin in one window.
    ///   - window: the length of the window, to the millisecond.
    /// - Returns: the limit.
    public static func rate(_ name: String, _ count: Int, per window: Duration) -> DeclaredLimit {
        DeclaredLimit(name, .rate(count, per: Span(window)))
    }

    /// None while recent attempts failed, over all workers and all runs.
    ///
    /// A failure that another attempt cannot mend, a cancelled attempt and a worker that died say nothing about what
    /// the attempt called: they do not count.
    ///
    /// - Parameters:
    ///   - name: what is shared, such as `payments`.
    ///   - failures: how many failures in a row open it.
    ///   - openFor: how long it stays open before one attempt probes, to the millisecond.
    /// - Returns: the limit.
    public static func breaker(
        _ name: String,
        failures: Int = 5,
        openFor: Duration = .seconds(30)
    ) -> DeclaredLimit {
        .breaker(
            name,
            BreakerPolicy {
                $0.consecutiveFailures = failures
                $0.openTime = Span(openFor)
            }
        )
    }

    /// The same with everything that a breaker can be told.
    ///
    /// - Parameters:
    ///   - name: what is shared.
    ///   - policy: when it opens and closes.
    /// - Returns: the limit.
    public static func breaker(_ name: String, _ policy: BreakerPolicy) -> DeclaredLimit {
        DeclaredLimit(name, .breaker(policy))
    }
}
