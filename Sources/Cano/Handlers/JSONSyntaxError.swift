// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Why a text is not JSON, and where.
package struct JSONSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package var problem: String
    /// The byte, from 0, where it was noticed.
    package var offset: Int

    /// One line for people.
    package var description: String { "\(self.problem) (byte \(self.offset))" }
}
