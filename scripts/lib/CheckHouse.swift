// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// Runs the rules of `Tests/HouseTests` on a folder, in seconds, without a build of the package.
@main
enum CheckHouse {
    static func main() {
        let root = CommandLine.arguments.dropFirst().first ?? "."
        do {
            let violations = try Tree(root: URL(filePath: root)).violations()
            for violation in violations { print(violation) }
            exit(violations.isEmpty ? 0 : 1)
        } catch {
            print("cannot read \(root): \(error)")
            exit(2)
        }
    }
}
