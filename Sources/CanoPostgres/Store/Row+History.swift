// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine

extension Row {
    /// The columns of `cano.history` in the order in which ``history(from:)`` reads them.
    static let historyColumns = """
        run, at, started_at, due_at, epoch, counter, number, seq, visit, attempt, split_first, split_last, kind,
        payload_type, state, path, worker, reason, detail, payload
        """

    /// A history row whose columns begin at `first`.
    func history(from first: Int32) throws(CanoError) -> HistoryRow {
        let number = try self.some(first + 12, try self.number(first + 12, as: Int16.self))
        guard let kind = HistoryRow.Kind(rawValue: number) else {
            throw CanoError(
                .storeCorrupt,
                "the history has a record of kind \(number), which only a newer version knows"
            )
        }
        var row = HistoryRow(
            run: try self.some(first, try self.run(first)),
            seq: try self.some(first + 7, try self.int(first + 7)),
            kind: kind,
            at: try self.some(first + 1, try self.instant(first + 1))
        )
        row.startedAt = try self.instant(first + 2)
        row.due = try self.instant(first + 3)
        if let epoch: Int64 = try self.number(first + 4), let counter: Int64 = try self.number(first + 5) {
            row.token = Token(epoch: Epoch(rawValue: epoch), counter: counter)
        }
        row.number = try self.number(first + 6)
        row.visit = try self.int(first + 8) ?? 0
        row.attempt = try self.int(first + 9) ?? 0
        if let lower = try self.int(first + 10), let upper = try self.int(first + 11) {
            guard lower <= upper else { throw self.corrupt(first + 10) }
            row.split = lower...upper
        }
        row.state = self.text(first + 14)
        row.path = self.text(first + 15)
        row.worker = self.text(first + 16)
        row.reason = self.text(first + 17)
        row.detail = self.text(first + 18)
        row.payload = try self.payload(type: first + 13, bytes: first + 19)
        return row
    }

    private func payload(type: Int32, bytes: Int32) throws(CanoError) -> Payload? {
        guard let content = self.bytes(bytes) else { return nil }
        let number = try self.number(type, as: Int16.self) ?? 0
        guard let type = UInt8(exactly: number).flatMap(Payload.ContentType.init(rawValue:)) else {
            throw self.corrupt(type)
        }
        return Payload(bytes: content, type: type)
    }

    /// A status that this version knows.
    func status(_ column: Int32) throws(CanoError) -> RunStatus {
        let number = try self.some(column, try self.number(column, as: Int16.self))
        guard let status = RunStatus(rawValue: number) else { throw self.corrupt(column) }
        return status
    }
}
