// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Foundation

/// Time zones as they were in one edition of the database, so that tests have the same answers everywhere.
enum ZoneFixture {
    static let names = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca",
        "Pacific/Apia", "America/Santiago", "Africa/Cairo", "America/Nuuk",
    ]

    static func bytes(_ name: String) throws -> [UInt8] {
        let file = name.split(separator: "/").last ?? ""
        let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
            .appending(path: "Fixtures/zones/\(file).tzif")
        return Array(try Data(contentsOf: url))
    }

    static func zone(_ name: String) throws -> ZoneRules {
        name == "UTC" ? .utc : try ZoneRules(tzif: Self.bytes(name), name: name)
    }
}

extension Instant {
    /// A time of UTC such as `2026-03-29 01:30` or `2026-03-29 01:30:15`.
    init(_ text: String) {
        let parts = text.split { !$0.isNumber }.compactMap { Int64($0) }
        let day = CivilDay(year: parts[0], month: parts[1], day: parts[2]).number
        let second = parts.count > 5 ? parts[5] : 0
        self.init(second: day * 86_400 + parts[3] * 3600 + parts[4] * 60 + second)
    }

    /// The same form.
    var text: String {
        let (days, time) = floorDivide(self.microseconds / 1_000_000, 86_400)
        let (year, month, day) = CivilDay(number: days).date
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let clock = "\(two(time / 3600)):\(two(time / 60 % 60))"
        return "\(year)-\(two(month))-\(two(day)) \(clock)" + (time % 60 == 0 ? "" : ":\(two(time % 60))")
    }
}
