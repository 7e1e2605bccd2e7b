// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The parts of messages, written and read; every reader answers `nil` for anything else.
extension ByteWriter {
    /// A text with its length in as few bytes as possible.
    mutating func append(short text: String) {
        self.append(compact: Int64(text.utf8.count))
        for byte in text.utf8 { self.append(byte: byte) }
    }

    mutating func append(payload: Payload) {
        self.append(byte: payload.type.rawValue)
        self.append(counted: payload.bytes)
    }

    mutating func append(_ run: RunID) {
        self.append(fixed: run.high)
        self.append(fixed: run.low)
    }

    mutating func append(_ parent: ParentLink) {
        self.append(parent.run)
        self.append(compact: Int64(parent.visit))
    }

    mutating func append(_ outcome: RunOutcome) {
        switch outcome {
        case .succeeded: self.append(byte: 1)
        case .failed(let failure):
            self.append(byte: 2)
            self.append(short: failure.code)
            self.append(short: failure.message)
            self.append(flag: failure.isRetryable)
        case .cancelled(let by):
            self.append(byte: 3)
            self.append(short: by)
        case .timedOut: self.append(byte: 4)
        }
    }

    mutating func append(_ verb: RunVerb) {
        switch verb {
        case .signal(let signal):
            self.append(byte: 1)
            self.append(short: signal.name)
            self.append(payload: signal.payload)
            self.append(optional: signal.id) { $0.append(short: $1) }
        case .intervene(let intervention):
            self.append(byte: 2)
            self.append(short: intervention.verb.rawValue)
            self.append(optional: intervention.path) { $0.append(short: $1.description) }
            self.append(optional: intervention.note) { $0.append(short: $1) }
            self.append(optional: intervention.output) { $0.append(payload: $1) }
            self.append(optional: intervention.next) { $0.append(short: $1) }
        case .migrate(let version, let map):
            self.append(byte: 3)
            self.append(compact: Int64(version))
            self.append(compact: Int64(map.renamed.count))
            for (from, to) in map.renamed.sorted(by: { $0.key < $1.key }) {
                self.append(short: from)
                self.append(short: to)
            }
        }
    }
}

/// A value that may be missing, once it is known which.
struct Maybe<Value> {
    var value: Value?
}

extension ByteReader {
    mutating func optional<Value>(_ read: (inout Self) -> Value?) -> Maybe<Value>? {
        switch self.byte() {
        case 0: return Maybe(value: nil)
        case 1: return read(&self).map { Maybe(value: $0) }
        default: return nil
        }
    }

    mutating func fixed() -> UInt64? {
        var value: UInt64 = 0
        for _ in 0..<8 {
            guard let byte = self.byte() else { return nil }
            value = value << 8 | UInt64(byte)
        }
        return value
    }

    mutating func short() -> String? {
        guard let count = self.compact() else { return nil }
        return self.text(count: count)
    }

    mutating func payload() -> Payload? {
        guard let type = self.byte().flatMap(Payload.ContentType.init), let count = self.fixed(),
            let bytes = self.bytes(count: count)
        else { return nil }
        return Payload(bytes: bytes, type: type)
    }

    mutating func run() -> RunID? {
        guard let high = self.fixed(), let low = self.fixed() else { return nil }
        return RunID(high: high, low: low)
    }

    mutating func parent() -> ParentLink? {
        guard let run = self.run(), let visit = self.compact() else { return nil }
        return ParentLink(run: run, visit: Int(clamping: visit))
    }

    mutating func outcome() -> RunOutcome? {
        switch self.byte() {
        case 1: return .succeeded
        case 2:
            guard let code = self.short(), let message = self.short(), let flag = self.byte() else { return nil }
            return .failed(Failure(code: code, message: message, isRetryable: flag == 1))
        case 3: return self.short().map { .cancelled(by: $0) }
        case 4: return .timedOut
        default: return nil
        }
    }

    mutating func verb() -> RunVerb? {
        switch self.byte() {
        case 1:
            guard let name = self.short(), let payload = self.payload(), let id = self.optional({ $0.short() })
            else { return nil }
            return .signal(RunSignal(name: name, payload: payload, id: id.value))
        case 2:
            guard let verb = self.short().flatMap(Intervention.Verb.init),
                let path = self.optional({ $0.short().flatMap(WorkPath.init) }),
                let note = self.optional({ $0.short() }), let output = self.optional({ $0.payload() }),
                let next = self.optional({ $0.short() })
            else { return nil }
            return .intervene(
                Intervention(verb, path: path.value, note: note.value, output: output.value, next: next.value)
            )
        case 3:
            guard let version = self.compact(), let count = self.compact(), (0...100_000).contains(count) else {
                return nil
            }
            var map = StateMap()
            for _ in 0..<count {
                guard let from = self.short(), let to = self.short() else { return nil }
                map.renamed[from] = to
            }
            return .migrate(version: Int(clamping: version), map)
        default: return nil
        }
    }
}
