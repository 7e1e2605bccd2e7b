// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What a field counts.
enum CronField: Hashable, Sendable {
    case second, minute, hour, monthDay, month, weekDay

    /// What stands in error messages.
    var title: String {
        switch self {
        case .second: "second"
        case .minute: "minute"
        case .hour: "hour"
        case .monthDay: "day of month"
        case .month: "month"
        case .weekDay: "day of week"
        }
    }

    var range: ClosedRange<Int64> {
        switch self {
        case .second, .minute: 0...59
        case .hour: 0...23
        case .monthDay: 1...31
        case .month: 1...12
        case .weekDay: 0...7
        }
    }

    /// From what `*` and `H` choose; every month has a day that `H` chooses.
    var whole: ClosedRange<Int64> { self == .weekDay ? 0...6 : self.range }
    var hashed: ClosedRange<Int64> { self == .monthDay ? 1...28 : self.whole }

    var names: [String] {
        switch self {
        case .month: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
        case .weekDay: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
        case .second, .minute, .hour, .monthDay: []
        }
    }
}
