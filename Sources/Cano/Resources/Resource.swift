// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Something that tasks use and that lives as long as the process: a client, a pool, a cache.
///
/// ``Resources/open(_:named:)`` sets it up; it is torn down when the scope of the ``Resources`` ends, after everything
/// that was set up behind it.
public protocol Resource: Sendable {
    /// Makes it ready; one that throws is not torn down.
    func setUp() async throws
    /// Gives up what it holds; its task is cancelled when the time for that is up.
    func tearDown() async throws
    /// How well it works; throwing means that it does not.
    func health() async throws -> Health
}

extension Resource {
    /// Nothing to do.
    public func setUp() async throws {}

    /// Nothing to do.
    public func tearDown() async throws {}

    /// Healthy.
    public func health() async throws -> Health { .healthy }
}
