// SPDX-License-Identifier: Apache-2.0 OR MIT

extension PosixZoneRule {
    /// Reads the form of the variable `TZ`; `nil` when it is not understood.
    init?(_ text: some Sequence<UInt8>) {
        var reader = Reader(bytes: Array(text))
        guard reader.skipName(), let behind = reader.time(hours: 24) else { return nil }
        self.standard = -behind
        guard !reader.isAtEnd else {
            self.summer = nil
            return
        }
        guard reader.skipName() else { return nil }
        var offset = self.standard + 3600
        if reader.next != UInt8(ascii: ",") {
            guard let behind = reader.time(hours: 24) else { return nil }
            offset = -behind
        }
        guard reader.skip(","), let begins = reader.moment(), reader.skip(","), let ends = reader.moment(),
            reader.isAtEnd
        else { return nil }
        self.summer = Summer(offset: offset, begins: begins, ends: ends)
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        var isAtEnd: Bool { self.place == self.bytes.count }
        var next: UInt8? { self.isAtEnd ? nil : self.bytes[self.place] }

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard self.next == UInt8(ascii: character) else { return false }
            self.place += 1
            return true
        }

        /// Skips letters, or anything between `<` and `>`.
        mutating func skipName() -> Bool {
            let begin = self.place
            if self.skip("<") {
                while let next = self.next, next != UInt8(ascii: ">") { self.place += 1 }
                return self.skip(">") && self.place - begin > 3
            }
            while let next = self.next, (next | 0x20) >= UInt8(ascii: "a"), (next | 0x20) <= UInt8(ascii: "z") {
                self.place += 1
            }
            return self.place - begin >= 3
        }

        mutating func number(_ range: ClosedRange<Int64>) -> Int64? {
            var value: Int64 = 0
            let begin = self.place
            while let next = self.next, next >= UInt8(ascii: "0"), next <= UInt8(ascii: "9"), self.place - begin < 4 {
                value = value * 10 + Int64(next - UInt8(ascii: "0"))
                self.place += 1
            }
            return self.place > begin && range.contains(value) ? value : nil
        }

        /// Seconds of `[+-]h[:m[:s]]`.
        mutating func time(hours: Int64) -> Int64? {
            let isNegative = self.skip("-")
            if !isNegative { _ = self.skip("+") }
            guard var seconds = self.number(0...hours).map({ $0 * 3600 }) else { return nil }
            for unit in [60, 1] as [Int64] where self.skip(":") {
                guard let part = self.number(0...59) else { return nil }
                seconds += part * unit
            }
            return isNegative ? -seconds : seconds
        }

        mutating func moment() -> Moment? {
            guard let day = self.day() else { return nil }
            guard self.skip("/") else { return Moment(day: day, time: 7200) }
            return self.time(hours: 167).map { Moment(day: day, time: $0) }
        }

        private mutating func day() -> Day? {
            if self.skip("J") { return self.number(1...365).map(Day.julian) }
            guard self.skip("M") else { return self.number(0...365).map(Day.zeroBased) }
            guard let month = self.number(1...12), self.skip("."), let week = self.number(1...5), self.skip("."),
                let weekday = self.number(0...6)
            else { return nil }
            return .weekday(month: month, week: week, weekday: weekday)
        }
    }
}
