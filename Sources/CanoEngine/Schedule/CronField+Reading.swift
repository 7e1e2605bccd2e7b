// SPDX-License-Identifier: Apache-2.0 OR MIT

extension CronField {
    /// A mistake in a field.
    struct Mistake: Error {
        var field: CronField
        /// Where it is in the whole expression, from 1.
        var column: Int
        var what: String
    }

    /// Reads one field, character by character, so that a mistake has a column.
    struct Reader {
        private let field: CronField
        private let text: [Character]
        private let column: Int
        private let name: String
        private var place = 0

        init(_ field: CronField, _ word: (text: [Character], column: Int), name: String) {
            self.field = field
            self.text = word.text
            self.column = word.column
            self.name = name
        }

        // MARK: Fields

        /// The values of a field without special days, as bits.
        mutating func values() throws(Mistake) -> UInt64 {
            var bits: UInt64 = 0
            repeat { bits |= try self.item() } while try self.goesOn()
            return bits
        }

        mutating func monthDays() throws(Mistake) -> CronExpression.MonthDays {
            var days = CronExpression.MonthDays(isRestricted: self.isRestricted)
            repeat {
                if self.skip("L") {
                    if self.skip("W") {
                        days.lastWorkday = true
                    } else if self.skip("-") {
                        days.beforeLast |= 1 << UInt64(try self.number(in: 1...30))
                    } else {
                        days.beforeLast |= 1
                    }
                } else if let day = try self.day(before: "W") {
                    days.nearWorkday |= 1 << UInt64(day)
                } else {
                    days.days |= try self.item()
                }
            } while try self.goesOn()
            return days
        }

        mutating func weekDays() throws(Mistake) -> CronExpression.WeekDays {
            var days = CronExpression.WeekDays(isRestricted: self.isRestricted)
            repeat {
                if self.next == "L" {
                    throw self.mistake("'L' needs a day before it, such as FRIL for the last Friday")
                }
                if let day = try self.day(before: "L") {
                    days.last |= 1 << UInt64(day % 7)
                } else if let day = try self.day(before: "#") {
                    days.numbered[Int(try self.number(in: 1...5)) - 1] |= 1 << UInt64(day % 7)
                } else {
                    let bits = try self.item()
                    days.days |= bits.has(7) ? bits & 0x7F | 1 : bits
                }
            } while try self.goesOn()
            return days
        }

        private var isRestricted: Bool { self.text.first != "*" && self.text.first != "?" }

        // MARK: Items

        /// Whether a comma follows; anything else but the end is a mistake.
        private mutating func goesOn() throws(Mistake) -> Bool {
            guard let next = self.next else { return false }
            guard self.skip(",") else { throw self.mistake("'\(next)' is not expected here") }
            return true
        }

        /// One value, range, step or `H`.
        private mutating func item() throws(Mistake) -> UInt64 {
            if self.skip("*") || self.skip("?") { return Self.bits(self.field.whole, try self.step() ?? 1) }
            if self.skip("H") { return try self.hashed() }
            let begin = self.place
            let low = try self.value()
            var high = low
            if self.skip("-") {
                high = try self.value()
                // Sunday ends a week as well as it begins one.
                if self.field == .weekDay, high == 0, low > 0 { high = 7 }
                guard low <= high else {
                    let what = "the range \(String(self.text[begin..<self.place])) runs backwards; write two ranges"
                    throw self.mistake(what, at: begin)
                }
                return Self.bits(low...high, try self.step() ?? 1)
            }
            guard let step = try self.step() else { return 1 << UInt64(low) }
            return Self.bits(low...max(low, self.field.whole.upperBound), step)
        }

        /// A value drawn from the schedule's name: always the same for the same name and field.
        private mutating func hashed() throws(Mistake) -> UInt64 {
            var range = self.field.hashed
            if self.skip("(") {
                let begin = self.place
                let low = try self.value()
                guard self.skip("-") else { throw self.mistake("write H(low-high)") }
                let high = try self.value()
                guard self.skip(")") else { throw self.mistake("')' is missing") }
                guard low <= high else { throw self.mistake("the range runs backwards", at: begin) }
                range = low...max(low, min(high, self.field.whole.upperBound))
            }
            let digest = SHA256.hash(Array("\(self.name)\u{0}\(self.field.title)".utf8))
            let number = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let count = range.upperBound - range.lowerBound + 1
            guard let step = try self.step() else { return 1 << (UInt64(range.lowerBound) + number % UInt64(count)) }
            return Self.bits(range.lowerBound + Int64(number % UInt64(min(step, count)))...range.upperBound, step)
        }

        private mutating func step() throws(Mistake) -> Int64? {
            guard self.skip("/") else { return nil }
            return try self.number(in: 1...max(1, self.field.whole.upperBound))
        }

        /// A day that has this mark behind it, the mark included; `nil`, and nothing is read, when it has not.
        private mutating func day(before mark: Character) throws(Mistake) -> Int64? {
            let begin = self.place
            var end = begin
            while end < self.text.count, self.text[end].isLetter || self.text[end].isNumber { end += 1 }
            if mark != "#" { end -= 1 }
            guard end > begin, end < self.text.count, self.text[end].uppercased() == String(mark) else { return nil }
            let day = try self.value(upTo: end)
            guard self.skip(mark) else { throw self.mistake("'\(mark)' is expected here") }
            return day
        }

        // MARK: Values

        /// A number or a name.
        private mutating func value(upTo end: Int? = nil) throws(Mistake) -> Int64 {
            let begin = self.place
            let limit = end ?? self.text.count
            var word = ""
            while self.place < limit, self.text[self.place].isLetter {
                word += self.text[self.place].uppercased()
                self.place += 1
            }
            guard !word.isEmpty else { return try self.number(in: self.field.range) }
            guard let index = self.field.names.firstIndex(of: word) else {
                let known =
                    self.field.names.isEmpty ? "write a number" : "write \(self.field.names.joined(separator: " "))"
                throw self.mistake("'\(word)' is not known here; \(known)", at: begin)
            }
            return Int64(index) + self.field.range.lowerBound
        }

        private mutating func number(in range: ClosedRange<Int64>) throws(Mistake) -> Int64 {
            let begin = self.place
            var number: Int64 = 0
            while let digit = self.next?.wholeNumberValue, self.next?.isASCII == true, self.place - begin < 9 {
                number = number * 10 + Int64(digit)
                self.place += 1
            }
            guard self.place > begin else {
                let found = self.next.map { "'\($0)'" } ?? "the end of the field"
                throw self.mistake("\(found) is not expected here; write \(range.lowerBound)-\(range.upperBound)")
            }
            guard range.contains(number) else {
                throw self.mistake("\(number) is not within \(range.lowerBound)-\(range.upperBound)", at: begin)
            }
            return number
        }

        // MARK: Characters

        private var next: Character? { self.place < self.text.count ? self.text[self.place] : nil }

        private mutating func skip(_ character: Character) -> Bool {
            guard let next = self.next, next.uppercased() == String(character) else { return false }
            self.place += 1
            return true
        }

        private func mistake(_ what: String, at place: Int? = nil) -> Mistake {
            Mistake(field: self.field, column: self.column + (place ?? self.place), what: what)
        }

        private static func bits(_ range: ClosedRange<Int64>, _ step: Int64) -> UInt64 {
            stride(from: range.lowerBound, through: range.upperBound, by: Int(step)).reduce(0) { $0 | 1 << UInt64($1) }
        }
    }
}
