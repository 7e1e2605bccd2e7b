// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The rows of what comes from outside: signals, children, people, new versions.
extension HistoryRow {
    /// What stands before a child's id in the column `path`.
    private static let childPath = "child/"
    /// What stands before the two versions of a migration in the column `path`.
    private static let versionPath = "version/"

    mutating func set(_ signal: RunSignal) {
        self.reason = signal.name
        self.detail = signal.id
        self.payload = signal.payload
    }

    mutating func set(_ start: Record.ChildStart) {
        self.path = WorkPath.expand.description
        self.reason = start.workflow
        self.detail = start.run.description
        self.number = start.version.map(Int64.init)
        self.payload = start.context
    }

    mutating func setChild(_ run: RunID, context: Payload?) {
        self.path = Self.childPath + run.description
        self.payload = context
    }

    mutating func set(_ migration: Record.Migration) {
        self.path = "\(Self.versionPath)\(migration.from)-\(migration.to)"
    }

    mutating func set(_ verb: Intervention.Verb, by: String, note: String?) {
        self.reason = verb.rawValue
        self.detail = by
        self.payload = note.map { Payload(bytes: Array($0.utf8), type: .text) }
    }

    mutating func set(arrival: Record.ArrivalRecord?, signals: Record.KnownSignals) {
        switch arrival {
        case .signal(let seq):
            self.reason = Word.signal
            self.split = seq...seq
        case .child(let seq):
            self.reason = Word.child
            self.split = seq...seq
        case nil: break
        }
        self.detail = signals.text
    }

    // MARK: Reading

    func signal() throws(CanoError) -> RunSignal {
        guard let name = self.reason else { throw self.corrupt("reason") }
        guard let payload = self.payload else { throw self.corrupt("payload") }
        return RunSignal(name: name, payload: payload, id: self.detail)
    }

    func childStart(cause: Record.Attempt) throws(CanoError) -> Record.ChildStart {
        guard let workflow = self.reason else { throw self.corrupt("reason") }
        guard let run = self.detail.flatMap(RunID.init) else { throw self.corrupt("detail") }
        guard let context = self.payload else { throw self.corrupt("payload") }
        return Record.ChildStart(
            run: run,
            workflow: workflow,
            version: self.number.map { Int(clamping: $0) },
            context: context,
            cause: cause
        )
    }

    func child() throws(CanoError) -> RunID {
        guard let path = self.path, path.hasPrefix(Self.childPath),
            let run = RunID(String(path.dropFirst(Self.childPath.count)))
        else { throw self.corrupt("path") }
        return run
    }

    func migration() throws(CanoError) -> Record.Migration {
        guard let path = self.path, path.hasPrefix(Self.versionPath) else { throw self.corrupt("path") }
        let versions = path.dropFirst(Self.versionPath.count).split(separator: "-").map { Int($0) }
        guard versions.count == 2, let from = versions[0], let to = versions[1] else { throw self.corrupt("path") }
        return Record.Migration(from: from, to: to)
    }

    func intervention(on path: WorkPath) throws(CanoError) -> Record {
        guard let verb = self.reason.flatMap(Intervention.Verb.init) else { throw self.corrupt("reason") }
        guard let by = self.detail else { throw self.corrupt("detail") }
        var note: String?
        if let payload = self.payload {
            note = String(validating: payload.bytes, as: UTF8.self)
            if note == nil { throw self.corrupt("payload") }
        }
        return .intervened(path, verb, by: by, note: note)
    }

    /// The records of the signals that a state entered knows of, in order.
    ///
    /// A text that cannot be read stands for none: reading the record says so.
    package var knownSignals: [Int] {
        guard self.kind.isEntry else { return [] }
        return Record.KnownSignals(text: self.detail)?.all.sorted() ?? []
    }

    /// Completes an entry by what set(arrival:signals:) wrote.
    func readArrival(into entry: inout Record.Entry) throws(CanoError) {
        guard let signals = Record.KnownSignals(text: self.detail) else { throw self.corrupt("detail") }
        entry.signals = signals
        guard let reason = self.entryReason.word, reason != Word.gathering else { return }
        guard let seq = self.split?.lowerBound else { throw self.corrupt("split") }
        switch reason {
        case Word.signal: entry.arrival = .signal(seq: seq)
        case Word.child: entry.arrival = .child(seq: seq)
        default: throw self.corrupt("reason")
        }
        entry.split = nil
    }
}

extension Record.KnownSignals {
    /// The stored form, such as `kept 12,15; past 3,7`; `nil` when none is known.
    ///
    /// PostgreSQL reads the numbers out of it, so nothing else in it may have digits.
    var text: String? {
        if self.kept.isEmpty, self.past.isEmpty { return nil }
        var parts: [String] = []
        for (word, seqs) in [("kept", self.kept), ("past", self.past)] where !seqs.isEmpty {
            parts.append(word + " " + seqs.map(String.init).joined(separator: ","))
        }
        return parts.joined(separator: "; ")
    }

    /// Reads the stored form; `nil` for anything else.
    init?(text: String?) {
        self.init()
        guard let text else { return }
        var rest = Substring(text)
        if rest.hasPrefix("kept ") {
            guard let kept = Self.numbers(rest.prefix { $0 != ";" }.dropFirst(5)) else { return nil }
            self.kept = kept
            rest = rest.drop { $0 != ";" }
            if rest.hasPrefix("; ") { rest = rest.dropFirst(2) }
        }
        if rest.hasPrefix("past ") {
            guard let past = Self.numbers(rest.dropFirst(5)) else { return nil }
            self.past = past
            rest = ""
        }
        guard rest.isEmpty else { return nil }
    }

    private static func numbers(_ text: Substring) -> [Int]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }
        return numbers.count == parts.count && numbers.allSatisfy { $0 > 0 } ? numbers : nil
    }

    /// The numbers of all of them.
    package var all: [Int] { self.kept + self.past }
}
