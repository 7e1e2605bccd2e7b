// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Instant {
    private static let microsecondsPerDay: Int64 = 86_400_000_000

    /// The instant in UTC with milliseconds, such as `2026-11-22T16:15:00.250Z`.
    public var iso8601: String {
        let (days, time) = floorDivide(self.microseconds, Self.microsecondsPerDay)
        let (year, month, day) = CivilDay(number: days).date
        let seconds = time / 1_000_000
        let date = "\(Self.pad(year, 4))-\(Self.pad(month, 2))-\(Self.pad(day, 2))"
        let clock = "\(Self.pad(seconds / 3600, 2)):\(Self.pad(seconds / 60 % 60, 2)):\(Self.pad(seconds % 60, 2))"
        return "\(date)T\(clock).\(Self.pad(time / 1000 % 1000, 3))Z"
    }

    /// Reads the form that ``iso8601`` writes, with or without a fraction; `nil` for anything else.
    public init?(iso8601 text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            return bytes[range]
                .reduce(Int64?(0)) { sum, byte in
                    guard let sum, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
                    return sum * 10 + Int64(byte - UInt8(ascii: "0"))
                }
        }
        let marks: [(Int, Unicode.Scalar)] = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")]
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"),
            marks.allSatisfy({ bytes[$0.0] == UInt8(ascii: $0.1) }),
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: "."), (22...27).contains(bytes.count),
                let digits = number(20..<bytes.count - 1)
            else { return nil }
            fraction = (bytes.count..<27).reduce(digits) { value, _ in value * 10 }
        }
        let days = CivilDay(year: year, month: month, day: day).number
        let seconds = days * 86400 + hour * 3600 + minute * 60 + second
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }

    private static func pad(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
