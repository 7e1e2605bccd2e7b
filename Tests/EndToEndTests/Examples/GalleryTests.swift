// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation
import Testing

extension EndToEnd {
    /// The examples run as a reader of the README would run them.
    @Suite("Gallery", .serialized)
    struct GalleryTests {
        @Test("every example of the gallery runs and says something")
        func examples() async throws {
            let names = try await onOwnThread {
                try Scratch.with { scratch in
                    let names = try Self.output(of: [], as: "list", in: scratch)
                        .compactMap { $0.split(separator: " ").first.map(String.init) }
                    for name in names {
                        let lines = try Self.output(of: [name], as: name, in: scratch)
                        #expect(lines.count > 1, "\(name) says nothing")
                    }
                    return names
                }
            }
            #expect(names.count >= 10)
        }

        @Test("an unknown example is refused with the names of those there are")
        func unknown() async throws {
            let (status, errors) = try await onOwnThread {
                try Scratch.with { scratch in
                    let program = try Child(Programs.path(of: "Gallery"), ["nonsense"], name: "nonsense", in: scratch)
                    return (try program.waitForExit(), text(of: program.errors))
                }
            }
            #expect(status == 1)
            #expect(errors.contains("first-workflow"))
        }

        private static func output(of arguments: [String], as name: String, in scratch: Scratch) throws -> [Substring] {
            let program = try Child(Programs.path(of: "Gallery"), arguments, name: name, in: scratch)
            defer { program.end() }
            let status = try program.waitForExit()
            #expect(status == 0, "\(name): \(text(of: program.errors))")
            return text(of: program.output).split(separator: "\n")
        }
    }
}
