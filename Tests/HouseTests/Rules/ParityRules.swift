// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation

/// The rules for `docs/parity.md`: every item of the Rust engine has a verdict, and every test that it names exists.
struct ParityRules {
    /// How an item of the Rust engine stands here.
    enum Verdict: String, CaseIterable {
        case same, better, none
        case leftOut = "left out"
    }

    /// How many items each family of the inventory has, numbered from 1.
    static let families: [String: Int] = [
        "F-WF": 19, "F-FSM": 13, "F-VAL": 5, "F-CAN": 14, "F-TT": 8, "F-TASK": 6, "F-ROUT": 5, "F-POLL": 5,
        "F-TIMER": 3, "F-BATCH": 8, "F-STEP": 7, "F-STR": 16, "F-JOIN": 19, "F-RETRY": 13, "F-CB": 10, "F-RL": 15,
        "F-RES": 9, "F-STORE": 5, "F-SCHED": 22, "F-CKPT": 19, "F-SAGA": 17, "F-OBS": 16, "F-MET": 46, "F-TRC": 4,
        "F-ERR": 23, "F-PANIC": 3, "F-TEST": 4, "F-MAC": 3,
        "T-BATCH": 2, "T-CAN": 19, "T-PIPE": 1, "T-POLL": 2, "T-REC": 6, "T-SAGA": 2, "T-SCAN": 11, "T-STEP": 3,
        "T-STR": 4, "T-TEST": 8, "T-TIMER": 3, "T-TRC": 6, "T-E2E": 4, "T-WF": 13, "T-EXEC": 16, "T-COMP": 26,
        "T-STRU": 16, "T-RET": 6, "T-CB": 5, "T-RL": 8, "T-RES": 4, "T-STORE": 1, "T-CK": 8, "T-SCH": 14, "T-MAC": 5,
        "T-CT": 1,
        "L-CKPT": 11, "L-SAGA": 5, "L-SCHED": 8, "L-ENG": 9, "L-RES": 3, "L-PANIC": 2, "L-OBS": 3,
    ]

    /// The share of items that may be left out.
    static let leftOutShare = 0.03

    /// The page's path.
    let path: String
    /// The names of all tests, as `Suite.function`.
    let tests: Set<String>
    /// How many items each family has.
    var families = ParityRules.families

    /// Everything that is wrong with the page.
    func check(_ page: String) -> [Violation] {
        var violations: [Violation] = []
        var seen: [String: Verdict] = [:]
        for (index, text) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let cells = Self.cells(of: text) else { continue }
            func blame(_ message: String) { violations.append(self.violation(index + 1, message)) }
            guard cells.count == 4 else {
                blame("\(cells[0]) has \(cells.count) columns; it needs item, verdict, how, tests")
                continue
            }
            guard self.isItem(cells[0]) else {
                blame("there is no item \(cells[0])")
                continue
            }
            guard let verdict = Verdict(rawValue: cells[1]) else {
                blame("\(cells[0]): '\(cells[1])' is no verdict; say \(Verdict.allCases.map(\.rawValue))")
                continue
            }
            if seen.updateValue(verdict, forKey: cells[0]) != nil { blame("\(cells[0]) stands here twice") }
            if cells[2].isEmpty { blame("\(cells[0]) does not say how") }
            let named = cells[3].matches(of: /`([^`]+)`/).map { String($0.1) }
            for name in named where !self.tests.contains(name) { blame("\(cells[0]): there is no test \(name)") }
            if named.isEmpty, verdict == .same || verdict == .better { blame("\(cells[0]) names no test") }
        }
        return violations + self.missing(in: seen)
    }

    private func missing(in seen: [String: Verdict]) -> [Violation] {
        let items = self.families.sorted { $0.key < $1.key }
            .flatMap { family, count in (1...count).map { "\(family)-\(Self.number($0))" } }
        var violations = items.filter { seen[$0] == nil }.map { self.violation(1, "\($0) is missing") }
        let leftOut = seen.values.count { $0 == .leftOut }
        if Double(leftOut) > Double(items.count) * Self.leftOutShare {
            violations.append(self.violation(1, "\(leftOut) of \(items.count) items are left out; at most 3 % may be"))
        }
        return violations
    }

    private func isItem(_ id: String) -> Bool {
        guard let dash = id.lastIndex(of: "-"), let number = Int(id[id.index(after: dash)...]),
            let count = self.families[String(id[..<dash])]
        else { return false }
        return (1...count).contains(number) && id.hasSuffix(Self.number(number))
    }

    private func violation(_ line: Int, _ message: String) -> Violation {
        Violation(rule: .parity, path: self.path, line: line, message: message)
    }

    private static func number(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    /// The cells of a row of the table; `nil` when the line is none.
    private static func cells(of line: Substring) -> [String]? {
        guard line.firstMatch(of: /^\| [FTL]-[A-Z0-9]+-[0-9]+ \|/) != nil else { return nil }
        let trimmed = line.trimmingCharacters(in: .whitespaces).dropFirst().dropLast()
        return trimmed.split(separator: " | ", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// The tests of a source file, as `Suite.function`: every function with `@Test`, by the innermost type around it.
    ///
    /// A type is around what is indented further, up to the next type that is not: what comes behind a nested type
    /// belongs to the outer one again.
    static func tests(in source: String) -> Set<String> {
        var found: Set<String> = []
        var types: [(indent: Int, name: String)] = []
        var isTest = false
        for line in source.split(separator: "\n") {
            let indent = line.prefix { $0 == " " }.count
            if let type = line.firstMatch(
                of: /^\s*(?:(?:final|private|public)\s+)*(?:struct|class|enum|actor|extension)\s+(\w+)/
            ) {
                types.removeAll { $0.indent >= indent }
                types.append((indent: indent, name: String(type.1)))
            }
            if line.contains("@Test") { isTest = true }
            if isTest, let function = line.firstMatch(of: /\bfunc\s+(\w+)/) {
                let suite = types.last { $0.indent < indent }?.name ?? ""
                found.insert("\(suite).\(function.1)")
                isTest = false
            }
        }
        return found
    }
}
