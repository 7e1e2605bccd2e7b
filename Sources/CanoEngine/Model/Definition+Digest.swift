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
        // Fields that came later are there only when they say something, so that older digests stay what they are.
        if self.onUndoFailure == .block { writer.append(byte: 0xE1) }
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
            switch split.work {
            case .each(let expand, let branch):
                self.append(byte: 3)
                self.append(expand)
                self.append(branch)
            case .fixed(let branches):
                self.append(byte: 0x13)
                self.append(fixed: UInt64(branches.count))
                for branch in branches { self.append(branch) }
            }
            self.append(split)
            self.append(next)
            self.append(additionsOf: split)
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
        case .wait(let wait, let next):
            self.append(byte: 16)
            self.append(wait.signal)
            self.append(optional: wait.within) { $0.append($1) }
            self.append(optional: wait.timeoutTo) { $0.append($1) }
            self.append(next)
        case .child(let child, let next):
            self.append(byte: 17)
            self.append(child.input)
            self.append(child.workflow)
            self.append(optional: child.version) { $0.append(fixed: UInt64(bitPattern: Int64($1))) }
            self.append(child.onParentEnd.rawValue)
            self.append(next)
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
        self.append(additionsOf: task)
    }

    /// What tasks did not have from the beginning counts only where it is set, each behind a byte of its own: digests
    /// of definitions without it stay what they were.
    private mutating func append(additionsOf split: SplitDefinition) {
        if let gather = split.gather {
            self.append(byte: 0x91)
            self.append(gather)
            self.append(split.choices)
        }
        if let inFlight = split.inFlight {
            self.append(byte: 0x92)
            self.append(fixed: UInt64(bitPattern: Int64(inFlight)))
        }
    }

    private mutating func append(additionsOf task: TaskDefinition) {
        if let repetition = task.repetition {
            self.append(byte: 0x81)
            switch repetition.kind {
            case .poll: self.append(byte: 1)
            case .stepped: self.append(byte: 2)
            case .timer: self.append(byte: 3)
            case .stream: self.append(byte: 4)
            }
            self.append(optional: repetition.pause) { $0.append($1) }
            self.append(optional: repetition.errorBudget) { $0.append(fixed: UInt64(bitPattern: Int64($1))) }
        }
        for (mark, span) in [(0x82, task.within), (0x83, task.startWithin), (0x84, task.heartbeat), (0x85, task.hedge)]
        {
            guard let span else { continue }
            self.append(byte: UInt8(mark))
            self.append(span)
        }
        if task.isLocal { self.append(byte: 0x86) }
    }

    fileprivate mutating func append(_ split: SplitDefinition) {
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
        if let elapsed = retry.maximumElapsed {
            self.append(byte: 0xA1)
            self.append(elapsed)
        }
        guard !retry.overrides.isEmpty else { return }
        self.append(byte: 0xA2)
        self.append(fixed: UInt64(retry.overrides.count))
        let codes = retry.overrides.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for (code, policy) in codes {
            self.append(code)
            self.append(policy)
        }
    }

    fileprivate mutating func append(_ span: Span) {
        self.append(fixed: UInt64(bitPattern: span.milliseconds))
    }

    fileprivate mutating func append(_ payload: Payload) {
        self.append(byte: payload.type.rawValue)
        self.append(counted: payload.bytes)
    }
}
