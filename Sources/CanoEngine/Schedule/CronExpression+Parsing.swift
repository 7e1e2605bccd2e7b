// SPDX-License-Identifier: Apache-2.0 OR MIT

extension CronExpression {
    private static let names: [(name: String, text: String)] = [
        ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"), ("@monthly", "0 0 1 * *"), ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@hourly", "0 * * * *"),
    ]

    /// Reads an expression.
    ///
    /// - Parameters:
    ///   - text: five or six fields separated by blanks, or `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`,
    ///     `@midnight` or `@hourly`.
    ///   - name: the schedule's name, from which `H` is drawn.
    ///   - dayMatch: which days count when both the day of the month and the day of the week are restricted.
    /// - Throws: `invalidSchedule` with the field and the column of the first mistake.
    public init(_ text: String, name: String = "", dayMatch: DayMatch = .either) throws(CanoError) {
        let trimmed = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        var fields = text.utf8.count > 1000 ? [] : Self.fields(of: text)
        if trimmed.hasPrefix("@") {
            let wanted = trimmed.lowercased()
            guard let known = Self.names.first(where: { wanted == $0.name }) else {
                let every = wanted.hasPrefix("@every") ? "an interval such as '@every 90s' stands alone" : nil
                let list = "known are " + Self.names.map(\.name).joined(separator: ", ") + " and @every"
                throw Self.error(text, every ?? "'\(trimmed.prefix(40))' is no name of a schedule; \(list)")
            }
            fields = Self.fields(of: known.text)
        }
        guard fields.count == 5 || fields.count == 6 else {
            throw Self.error(
                text.utf8.count > 1000 ? "\(text.prefix(40))…" : text,
                "\(fields.count) fields; write five (minute hour day month weekday) or six (with the seconds first)"
            )
        }
        if fields.count == 5 { fields.insert((["0"], 1), at: 0) }
        do throws(CronField.Mistake) {
            let plain = [CronField.second, .minute, .hour, .month]
            var bits: [CronField: UInt64] = [:]
            for (field, place) in zip(plain, [0, 1, 2, 4]) {
                var reader = CronField.Reader(field, fields[place], name: name)
                bits[field] = try reader.values()
            }
            var monthDays = CronField.Reader(.monthDay, fields[3], name: name)
            var weekDays = CronField.Reader(.weekDay, fields[5], name: name)
            self.init(
                text: text,
                style: fields[2].text.first == "*" ? .rolling : .fixed,
                dayMatch: dayMatch,
                seconds: bits[.second] ?? 0,
                minutes: bits[.minute] ?? 0,
                hours: bits[.hour] ?? 0,
                months: bits[.month] ?? 0,
                monthDays: try monthDays.monthDays(),
                weekDays: try weekDays.weekDays()
            )
        } catch {
            throw Self.error(text, "\(error.field.title), column \(error.column): \(error.what)")
        }
    }

    private static func error(_ text: some StringProtocol, _ what: String) -> CanoError {
        CanoError(.invalidSchedule, "cron '\(String(text.map { $0.isNewline ? " " : $0 }))': \(what)")
    }

    /// The words between blanks, with the column (from 1) where each begins.
    private static func fields(of text: String) -> [(text: [Character], column: Int)] {
        var fields: [(text: [Character], column: Int)] = []
        var isInside = false
        for (index, character) in text.enumerated() {
            if character.isWhitespace {
                isInside = false
            } else if isInside {
                fields[fields.count - 1].text.append(character)
            } else {
                fields.append(([character], index + 1))
                isInside = true
            }
        }
        return fields
    }
}
