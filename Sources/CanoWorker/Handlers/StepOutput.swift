// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoEngine
import Logging

/// Makes the completion of an attempt from what a program printed or a server answered.
struct StepOutput {
    let rules: OutputRules
    let input: WorkInput
    let limits: Limits

    private enum Content {
        case nothing
        case json(JSONValue)
        case text(String)
        case lines([String])
    }

    /// How many bytes are read before the attempt fails.
    var maximumBytes: Int {
        if case .expand = self.input.grant.input { return self.limits.splitBytes }
        return self.limits.payloadBytes
    }

    /// A failure of work that was begun and said nothing of having failed.
    ///
    /// Where it can be undone it counts as in doubt, so that it is undone; the log has what the history then lacks.
    func afterEffect(_ failure: WorkFailure, _ task: TaskContext) -> WorkFailure {
        switch self.input.grant.input {
        case .task, .branch: break
        case .router, .expand, .undo: return failure
        }
        guard self.rules.isKept == true else { return failure }
        task.logger.warning(
            "the outcome of work that can be undone is in doubt",
            metadata: ["failure.code": "\(failure.failure.code)", "failure.message": "\(failure.failure.message)"]
        )
        return failure.inDoubt
    }

    /// The completion of work that ended well: done, with a state that an exit code or a status names or without, or
    /// not ready yet.
    func completion(of bytes: [UInt8], as end: OutcomeRule) throws(WorkFailure) -> AttemptReport.Completion {
        if end == .pending { return .again(cursor: nil, after: nil) }
        let chosen: String? = if case .next(let state) = end { state } else { nil }
        switch self.input.grant.input {
        case .undo: return .undone
        case .branch: return .output(try self.payload(of: try self.content(of: bytes)))
        case .expand: return .items(try self.items(of: try self.content(of: bytes)))
        case .task(let context, _): return try self.task(bytes, context: context, next: chosen)
        case .router:
            guard let next = try self.next(chosen, in: nil) else {
                throw WorkFailure("invalidArguments", "the router has no state to go to")
            }
            return .route(next: next)
        }
    }

    private func task(
        _ bytes: [UInt8],
        context: Payload,
        next chosen: String?
    ) throws(WorkFailure) -> AttemptReport.Completion {
        let content = try self.content(of: bytes)
        var merged: JSONValue?
        switch content {
        case .nothing: break
        case .json(let value):
            guard case .object = value else {
                throw WorkFailure(
                    "invalidOutput",
                    "the output is \(value.kind), but a task's JSON is merged into the context and must be an object; "
                        + "print an object or say 'output: text', 'lines' or 'none'"
                )
            }
            merged = try self.input.context()
            merged?.merge(value)
        case .text(let text): merged = try self.storing(.string(text))
        case .lines(let lines): merged = try self.storing(.array(lines.map { .string($0) }))
        }
        if let until = self.rules.until {
            let context = if let merged { merged } else { try self.input.context() }
            if !until.matches(context) { return .again(cursor: nil, after: nil) }
        }
        let payload = merged?.payload
        if let payload, payload.count > self.limits.payloadBytes {
            throw WorkFailure(
                "limitExceeded",
                "the context would have \(payload.count) bytes with this output, more than the limit of "
                    + "\(self.limits.payloadBytes); keep large data outside and its address in the context"
            )
        }
        return .task(
            context: payload == context ? nil : payload,
            next: try self.next(chosen, in: merged),
            output: self.rules.isKept == true ? try self.payload(of: content) : nil
        )
    }

    private func storing(_ value: JSONValue) throws(WorkFailure) -> JSONValue {
        var context = try self.input.context()
        context.merge(.object([self.rules.into ?? self.input.grant.state: value]))
        return context
    }

    /// The state that follows: the chosen one, else that of the first rule that applies, else the last declared one.
    private func next(_ chosen: String?, in merged: JSONValue?) throws(WorkFailure) -> String? {
        if let chosen { return chosen }
        let declared = self.input.grant.next
        guard let rules = self.rules.route, !rules.isEmpty else { return declared.count > 1 ? declared.last : nil }
        var context = if let merged { merged } else { try self.input.context() }
        // What a wait or a child handed over can be asked about like the context, as `/signal/…` and `/child/…`.
        for name in ["signal", "child"] where self.input.grant.arrival != nil {
            if let value = try self.input.value(named: name) { context.merge(.object([name: value])) }
        }
        return rules.next(for: context) ?? declared.last
    }

    // MARK: Reading

    private func content(of bytes: [UInt8]) throws(WorkFailure) -> Content {
        switch self.rules.format ?? .json {
        case .none: return .nothing
        case .json:
            if bytes.allSatisfy({ $0 == 0x20 || (0x09...0x0D).contains($0) }) { return .nothing }
            do {
                return .json(try JSONValue.parse(bytes))
            } catch {
                let start = WorkFailure.cut(String(decoding: bytes.prefix(80), as: UTF8.self), to: 40)
                throw WorkFailure(
                    "invalidOutput",
                    "the output is not JSON: \(error) in '\(start)'; print JSON "
                        + "or say 'output: text', 'lines' or 'none'"
                )
            }
        case .text:
            return .text(Self.withoutLineEnds(try self.text(of: bytes)))
        case .lines:
            let text = Self.withoutLineEnds(try self.text(of: bytes))
            if text.isEmpty { return .lines([]) }
            // By scalars: as characters, CR LF would be one and never be split at LF.
            let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            return .lines(lines.map { String($0.last == "\r" ? $0.dropLast() : $0) })
        }
    }

    private func text(of bytes: [UInt8]) throws(WorkFailure) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw WorkFailure("invalidOutput", "the output is not text in UTF-8")
        }
        return text
    }

    private static func withoutLineEnds(_ text: String) -> String {
        var scalars = text.unicodeScalars
        while let last = scalars.last, last == "\n" || last == "\r" { scalars.removeLast() }
        return String(scalars)
    }

    // MARK: Payloads

    private func payload(of content: Content) throws(WorkFailure) -> Payload {
        let payload: Payload =
            switch content {
            case .nothing: JSONValue.null.payload
            case .json(let value): value.payload
            case .text(let text): Payload(bytes: Array(text.utf8), type: .text)
            case .lines(let lines): JSONValue.array(lines.map { .string($0) }).payload
            }
        guard payload.count <= self.limits.payloadBytes else {
            throw WorkFailure(
                "limitExceeded",
                "the output has \(payload.count) bytes, more than the limit of \(self.limits.payloadBytes)"
            )
        }
        return payload
    }

    private func items(of content: Content) throws(WorkFailure) -> [Payload] {
        switch content {
        case .lines(let lines): return try Self.items(lines.map { .string($0) }, self.limits)
        case .json(.array(let elements)): return try Self.items(elements, self.limits)
        case .json(let value):
            throw WorkFailure("invalidOutput", "the items of a split must be a list, but the output is \(value.kind)")
        case .text, .nothing:
            throw WorkFailure("invalidOutput", "the items of a split must be a list; say 'output: lines' or 'json'")
        }
    }

    /// The items of a split, each as JSON, within the limits.
    static func items(_ elements: [JSONValue], _ limits: Limits) throws(WorkFailure) -> [Payload] {
        guard elements.count <= limits.branches else {
            throw WorkFailure(
                "limitExceeded",
                "the split has \(elements.count) items, more than the limit of \(limits.branches)"
            )
        }
        let items = elements.map(\.payload)
        if let large = items.firstIndex(where: { $0.count > limits.payloadBytes }) {
            throw WorkFailure(
                "limitExceeded",
                "item \(large) of the split has \(items[large].count) bytes, more than the limit of "
                    + "\(limits.payloadBytes)"
            )
        }
        let total = PayloadList.encodedCount(items)
        guard total <= limits.splitBytes else {
            throw WorkFailure(
                "limitExceeded",
                "the items of the split have \(total) bytes together, more than the limit of \(limits.splitBytes)"
            )
        }
        return items
    }
}
