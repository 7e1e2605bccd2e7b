// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The stored form of many lost attempts in one row.
///
/// A version byte, then groups: the kind of path (one byte), the first index, how many indices follow each other, the
/// attempt's number, a byte of flags, and what the flags announce: token (epoch, counter), worker (length, UTF-8),
/// start. Numbers are as ``ByteWriter/append(compact:)`` writes them. Ten thousand branches of one attempt, whose
/// holders nobody knows, are one group of a few bytes.
enum LostAttempts {
    private static let version: UInt8 = 1
    /// More than a new owner could ever have declared lost at once; bounds what damaged bytes can make us build.
    private static let mostAttempts = 1_000_000

    private enum PathKind: UInt8 {
        case step = 0
        case expand = 1
        case branch = 2
        case undo = 3
    }

    private enum Flag {
        static let token: UInt8 = 1
        static let worker: UInt8 = 2
        static let startedAt: UInt8 = 4
    }

    /// The paths for people: `expand`, `branch/0-99,branch/200`; cut when there are too many.
    static func paths(of lost: [Record.LostAttempt]) -> String? {
        guard !lost.isEmpty else { return nil }
        var text = ""
        for group in Self.groups(lost, alike: { _, _ in true }) {
            let part = "\(group.first.path)" + (group.count > 1 ? "-\(group.lastIndex)" : "")
            if text.count + part.count > 200 { return text + ",…" }
            text += text.isEmpty ? part : "," + part
        }
        return text
    }

    static func encode(_ lost: [Record.LostAttempt]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(byte: Self.version)
        for group in Self.groups(lost, alike: { $0 == $1 }) {
            let attempt = group.first.attempt
            writer.append(byte: Self.kind(of: group.first.path).rawValue)
            writer.append(compact: Int64(Self.index(of: group.first.path)))
            writer.append(compact: Int64(group.count))
            writer.append(compact: Int64(attempt.number))
            writer.append(
                byte: (attempt.token == nil ? 0 : Flag.token) | (attempt.worker == nil ? 0 : Flag.worker)
                    | (attempt.startedAt == nil ? 0 : Flag.startedAt)
            )
            if let token = attempt.token {
                writer.append(compact: token.epoch.rawValue)
                writer.append(compact: token.counter)
            }
            if let worker = attempt.worker?.rawValue.utf8 {
                writer.append(compact: Int64(worker.count))
                for byte in worker { writer.append(byte: byte) }
            }
            if let startedAt = attempt.startedAt { writer.append(compact: startedAt.microseconds) }
        }
        return writer.bytes
    }

    /// Reads what ``encode(_:)`` wrote; `nil` when the bytes are anything else.
    static func decode(_ bytes: [UInt8]) -> [Record.LostAttempt]? {
        var reader = ByteReader(bytes)
        guard reader.byte() == Self.version else { return nil }
        var lost: [Record.LostAttempt] = []
        while !reader.isAtEnd {
            guard let kind = reader.byte().flatMap(PathKind.init(rawValue:)),
                let first = reader.compact(), (0...Int64(Int32.max)).contains(first),
                let count = reader.compact(), (1...Int64(Self.mostAttempts - lost.count)).contains(count),
                let attempt = Self.attempt(from: &reader)
            else { return nil }
            for index in Int(first)..<Int(first) + Int(count) {
                lost.append(Record.LostAttempt(path: Self.path(kind, index), attempt: attempt))
            }
        }
        return lost
    }

    private static func attempt(from reader: inout ByteReader) -> Record.Attempt? {
        guard let number = reader.compact(), let flags = reader.byte() else { return nil }
        var attempt = Record.Attempt(number: Int(number))
        if flags & Flag.token != 0 {
            guard let epoch = reader.compact(), let counter = reader.compact() else { return nil }
            attempt.token = Token(epoch: Epoch(rawValue: epoch), counter: counter)
        }
        if flags & Flag.worker != 0 {
            guard let count = reader.compact(), let worker = reader.text(count: count) else { return nil }
            attempt.worker = WorkerID(rawValue: worker)
        }
        if flags & Flag.startedAt != 0 {
            guard let microseconds = reader.compact() else { return nil }
            attempt.startedAt = Instant(microseconds: microseconds)
        }
        return attempt
    }

    /// One lost attempt, and how many more behind it are alike, with indices that follow each other.
    private struct Group {
        var first: Record.LostAttempt
        var count = 1

        var lastIndex: Int { LostAttempts.index(of: self.first.path) + self.count - 1 }

        func continues(with next: Record.LostAttempt) -> Bool {
            switch (self.first.path, next.path) {
            case (.branch, .branch(let index)), (.undo, .undo(let index)): index == self.lastIndex + 1
            default: false
            }
        }
    }

    private static func groups(
        _ lost: [Record.LostAttempt],
        alike: (Record.Attempt, Record.Attempt) -> Bool
    ) -> [Group] {
        var groups: [Group] = []
        for next in lost {
            if let last = groups.last, last.continues(with: next), alike(last.first.attempt, next.attempt) {
                groups[groups.count - 1].count += 1
            } else {
                groups.append(Group(first: next))
            }
        }
        return groups
    }

    private static func kind(of path: WorkPath) -> PathKind {
        switch path {
        case .step: .step
        case .expand: .expand
        case .branch: .branch
        case .undo: .undo
        }
    }

    private static func index(of path: WorkPath) -> Int {
        switch path {
        case .step, .expand: 0
        case .branch(let index): index
        case .undo(let seq): seq
        }
    }

    private static func path(_ kind: PathKind, _ index: Int) -> WorkPath {
        switch kind {
        case .step: .step
        case .expand: .expand
        case .branch: .branch(index)
        case .undo: .undo(seq: index)
        }
    }
}
