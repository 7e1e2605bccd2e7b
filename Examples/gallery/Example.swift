// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One runnable example of the gallery.
protocol Example: Sendable {
    /// What it is called on the command line.
    static var name: String { get }
    /// What it shows, in a line.
    static var summary: String { get }

    /// Runs it and prints what happens.
    static func run() async throws
}
