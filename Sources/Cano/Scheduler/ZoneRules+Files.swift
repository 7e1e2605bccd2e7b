// SPDX-License-Identifier: Apache-2.0 OR MIT

public import CanoEngine

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ZoneRules {
    /// Where systems keep the time zone database.
    private static let folders = [
        "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo",
    ]

    /// The rules of a time zone, read from this system's time zone database.
    ///
    /// The variable `TZDIR` names another folder.
    ///
    /// - Parameter name: an IANA name, such as `Europe/Berlin`; `UTC` needs no database.
    /// - Returns: the rules as the file has them now.
    /// - Throws: `invalidSchedule` when there is no such zone, or its file cannot be read.
    public static func named(_ name: String) throws(CanoError) -> ZoneRules {
        if ["UTC", "Etc/UTC", "Z"].contains(name) { return .utc }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && !part.hasPrefix(".")
                && part.utf8.allSatisfy { ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || (43...57).contains($0) || $0 == 95 }
        }
        guard isPlain, name.utf8.count < 100 else {
            throw CanoError(
                .invalidSchedule,
                "'\(name.prefix(60))' is no time zone: write it like Europe/Berlin or UTC"
            )
        }
        let folders = [ProcessInfo.processInfo.environment["TZDIR"]].compactMap { $0 } + Self.folders
        for folder in folders {
            guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)") else { continue }
            return try ZoneRules(tzif: Array(bytes), name: name)
        }
        let remedy = "write it like Europe/Berlin, and install the package tzdata"
        throw CanoError(
            .invalidSchedule,
            "there is no time zone '\(name)' in \(folders.joined(separator: ", ")): \(remedy)"
        )
    }
}
