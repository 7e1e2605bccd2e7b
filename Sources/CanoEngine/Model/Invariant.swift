// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Stops the process when a promise the code relies on is broken.
///
/// Unlike `precondition`, it keeps its message in release builds.
@inlinable
package func invariant(
    _ holds: @autoclosure () -> Bool,
    _ message: @autoclosure () -> String,
    file: StaticString = #fileID,
    line: UInt = #line
) {
    if !holds() { fatalError(message(), file: file, line: line) }
}
