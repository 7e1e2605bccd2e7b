// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Definition {
    /// The first byte of the canonical form: another form gets another number, and old digests stay what they are.
    private static let canonicalVersion: UInt8 = 1

    /// The identity of this definition: the SHA-256 of its canonical form, in 64 hexadecimal digits.
    ///
    /// Every field counts; the order in which the states were written does not. It is computed anew with every call,
    /// so keep it where it is needed often.
    public var digest: String {
        SHA256.hash(self.canonicalForm)
            .map { byte in
                String(byte >> 4, radix: 16) + String(byte & 0x0F, radix: 16)
            }
            .joined()
    }

    /// The fields one behind the other: texts and bytes with their length before them, numbers in eight bytes,
    /// optional fields behind a byte that tells whether they are there, cases of enums as one byte.
    private var canonicalForm: [UInt8] {
        var writer = ByteWriter()
        writer.append(byte: Self.canonicalVersion)
        writer.append(self.name)
        writer.append(fixed: UInt64(bitPattern: Int64(self.version)))
        writer.append(self.start)
        writer.append(fixed: UInt64(self.states.count))
        for state in self.states.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            writer.append(state.name)
            writer.append(state.step)
        }
        writer.append(optional: self.context) { $0.append($1) }
        writer.append(optional: self.timeout) { $0.append($1) }
        return writer.bytes
    }
}

extension ByteWriter {
    fileprivate mutating func append(_ step: StepDefinition) {
        switch step {
        case .task(let task, let next):
            self.append(byte: 1)
            self.append(task)
            self.append(next)
        case .router(let task, let next):
            self.append(byte: 2)
            self.append(task)
            self.append(next)
        case .split(let split, let next):
            self.append(byte: 3)
            self.append(split)
            self.append(next)
        case .timer(let span, let next):
            self.append(byte: 4)
            self.append(span)
            self.append(next)
        case .exit(let exit):
            self.append(byte: 5)
            switch exit {
            case .success: self.append(byte: 1)
            case .failure: self.append(byte: 2)
            }
        }
    }

    fileprivate mutating func append(_ names: [String]) {
        self.append(fixed: UInt64(names.count))
        for name in names { self.append(name) }
    }

    fileprivate mutating func append(_ task: TaskDefinition) {
        self.append(task.handler)
        self.append(task.name)
        self.append(optional: task.arguments) { $0.append($1) }
        self.append(task.retry)
        self.append(optional: task.timeout) { $0.append($1) }
        self.append(optional: task.undo) { writer, undo in
            writer.append(optional: undo.arguments) { $0.append($1) }
            writer.append(undo.retry)
            writer.append(optional: undo.timeout) { $0.append($1) }
            writer.append(flag: undo.coversUnknown)
        }
        if let limits = task.limits, !limits.isEmpty { self.append(limits) }
    }

    /// A mark before what older definitions do not have: nothing else begins with it, so their digests stay.
    fileprivate mutating func append(_ limits: [DeclaredLimit]) {
        self.append(byte: 0xB1)
        self.append(fixed: UInt64(limits.count))
        for limit in limits {
            self.append(limit.name)
            switch limit.rule {
            case .concurrency(let count):
                self.append(byte: 1)
                self.append(fixed: UInt64(bitPattern: Int64(count)))
            case .rate(let count, let per):
                self.append(byte: 2)
                self.append(fixed: UInt64(bitPattern: Int64(count)))
                self.append(per)
            case .breaker(let policy):
                self.append(byte: 3)
                self.append(policy)
            }
        }
    }

    fileprivate mutating func append(_ policy: BreakerPolicy) {
        self.append(optional: policy.consecutiveFailures) { $0.append(fixed: UInt64(bitPattern: Int64($1))) }
        self.append(optional: policy.failureRate) { writer, rate in
            writer.append(fixed: rate.percent.bitPattern)
            writer.append(fixed: UInt64(bitPattern: Int64(rate.minimumCalls)))
            writer.append(rate.window)
        }
        self.append(policy.openTime)
        self.append(fixed: UInt64(bitPattern: Int64(policy.probes)))
        self.append(fixed: UInt64(bitPattern: Int64(policy.closingSuccesses)))
    }

    fileprivate mutating func append(_ split: SplitDefinition) {
        self.append(split.expand)
        self.append(split.branch)
        switch split.join.rule {
        case .all: self.append(byte: 1)
        case .any: self.append(byte: 2)
        case .quorum(let count):
            self.append(byte: 3)
            self.append(fixed: UInt64(bitPattern: Int64(count)))
        case .quorumPercent(let percent):
            self.append(byte: 4)
            self.append(fixed: percent.bitPattern)
        case .partial(let count):
            self.append(byte: 5)
            self.append(fixed: UInt64(bitPattern: Int64(count)))
        }
        self.append(optional: split.join.within) { $0.append($1) }
        switch split.losers {
        case .undo: self.append(byte: 1)
        case .keep: self.append(byte: 2)
        }
    }

    fileprivate mutating func append(_ retry: RetryPolicy) {
        self.append(fixed: UInt64(bitPattern: Int64(retry.maximumAttempts)))
        self.append(retry.initialDelay)
        self.append(fixed: retry.multiplier.bitPattern)
        self.append(retry.maximumDelay)
        self.append(fixed: retry.jitter.bitPattern)
    }

    fileprivate mutating func append(_ span: Span) {
        self.append(fixed: UInt64(bitPattern: span.milliseconds))
    }

    fileprivate mutating func append(_ payload: Payload) {
        self.append(byte: payload.type.rawValue)
        self.append(counted: payload.bytes)
    }
}
