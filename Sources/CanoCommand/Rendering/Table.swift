// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Rows in aligned columns under a heading.
struct Table {
    /// One place in a row.
    struct Cell: ExpressibleByStringLiteral {
        /// What stands there.
        var text: String
        /// What it is to the reader.
        var tone: Style.Tone

        init(_ text: String?, _ tone: Style.Tone = .plain) {
            // One row is one line, whatever a message contains.
            self.text = (text ?? "").split(whereSeparator: \.isNewline).joined(separator: " ")
            self.tone = tone
        }

        init(stringLiteral text: String) { self.init(text) }
    }

    /// A column's heading and the side to which it is flush.
    struct Column {
        var heading: String
        var isFlushRight = false

        static func left(_ heading: String) -> Column { Column(heading: heading) }
        static func right(_ heading: String) -> Column { Column(heading: heading, isFlushRight: true) }
    }

    var columns: [Column]
    var rows: [[Cell]] = []

    init(_ columns: Column...) {
        self.columns = columns
    }

    /// Adds a row with one cell for each column.
    mutating func add(_ cells: Cell...) {
        self.rows.append(cells)
    }

    /// The text, line ends included.
    ///
    /// Columns that are empty in every row are left out.
    func render(_ style: Style) -> String {
        let shown = self.columns.indices.filter { column in self.rows.contains { !$0[column].text.isEmpty } }
        let widths = shown.map { column in
            self.rows.reduce(self.columns[column].heading.count) { max($0, $1[column].text.count) }
        }
        let heading = self.columns.map { Cell($0.heading, .faint) }
        return ([heading] + self.rows).map { self.line($0, shown, widths, style) + "\n" }.joined()
    }

    private func line(_ row: [Cell], _ shown: [Int], _ widths: [Int], _ style: Style) -> String {
        var line = ""
        var used = 0
        for (column, width) in zip(shown, widths) {
            var text = row[column].text
            let isLast = column == shown.last
            if used > 0 {
                line += "  "
                used += 2
            }
            // Only the last column gives way to the terminal: ids and names must stay whole.
            if isLast, let room = style.width.map({ max(8, $0 - used) }), text.count > room {
                text = text.prefix(room - 1) + "…"
            }
            let padding = String(repeating: " ", count: max(0, width - text.count))
            let decorated = style.apply(row[column].tone, to: text)
            if self.columns[column].isFlushRight {
                line += padding + decorated
            } else {
                line += isLast ? decorated : decorated + padding
            }
            used += width
        }
        // Blanks at the end of a line would only disturb whoever copies it.
        while line.last == " " { line.removeLast() }
        return line
    }
}
