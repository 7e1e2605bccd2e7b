// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Subprocess
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One program run to its end, with everything it started.
struct ProcessRun: Sendable {
    /// How it ended; in every case nobody of its process group is left.
    enum Ending: Sendable {
        case exited(code: Int, output: [UInt8], errors: [UInt8])
        case signalled(number: Int, errors: [UInt8])
        /// It wrote more than it may and was ended.
        case tooMuchOutput
        /// It was ended because its time was up, or because the task was cancelled.
        case stopped(isTimeout: Bool)
        /// It ran, and nobody knows how it ended.
        case outOfSight(String)
        /// It could not be started.
        case notStarted(String, isRetryable: Bool)
    }

    /// How much of the end of the standard error is kept.
    static let errorBytes = 16 * 1024

    /// The file to run.
    var path: String
    /// The program's name as it was asked for, then its arguments.
    var argv: [String]
    /// What is added to this process's environment, or removed from it.
    var environment: [Environment.Key: String?]
    /// What it reads from its standard input.
    var input: [UInt8]
    /// How much it may write to its standard output.
    var outputBytes: Int
    /// When it is ended; `nil` for no bound.
    var deadline: ContinuousClock.Instant?

    /// Runs it; returns when it and its whole process group are gone.
    func perform() async -> Ending {
        guard !Task.isCancelled else { return .stopped(isTimeout: false) }
        _ = Self.ignoresBrokenPipes
        guard let deadline = self.deadline else { return await self.runToEnd() }
        return await withTaskGroup(of: Event.self) { group in
            group.addTask { .ended(await self.runToEnd()) }
            group.addTask {
                do {
                    try await Task.sleep(until: deadline, clock: .continuous)
                    return .timeIsUp
                } catch {
                    return .isCancelled
                }
            }
            var isTimeout = false
            for await event in group {
                switch event {
                case .timeIsUp:
                    isTimeout = true
                    group.cancelAll()
                case .isCancelled:
                    continue
                case .ended(.stopped):
                    group.cancelAll()
                    return .stopped(isTimeout: isTimeout)
                case .ended(let ending):
                    group.cancelAll()
                    return ending
                }
            }
            return .stopped(isTimeout: isTimeout)
        }
    }

    private enum Event: Sendable {
        case ended(Ending)
        case timeIsUp
        case isCancelled
    }

    /// A program may close its input before it has read all of it; that must not end this process.
    private static let ignoresBrokenPipes: Void = { signal(SIGPIPE, SIG_IGN) }()

    private static let teardown: [TeardownStep] = [
        .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: ProcessGroup.grace)
    ]

    private func runToEnd() async -> Ending {
        var options = PlatformOptions()
        // A session of its own: its process id names the group, and no terminal can stop it.
        options.createSession = true
        options.teardownSequence = Self.teardown
        let leader = Guarded<pid_t?>(nil)
        let result: Result<(TerminationStatus, Streams), any Error>
        do {
            let execution = try await Subprocess.run(
                .path(FilePath(self.path)),
                arguments: Arguments(
                    executablePathOverride: self.argv[0],
                    remainingValues: Array(self.argv.dropFirst())
                ),
                environment: .inherit.updating(self.environment),
                platformOptions: options,
                input: .inputWriter,
                output: .sequence,
                error: .sequence
            ) { execution in
                let pid = execution.processIdentifier.value
                leader.withLock { $0 = pid }
                return try await self.exchange(execution)
            }
            result = .success((execution.terminationStatus, execution.closureResult))
        } catch {
            result = .failure(error)
        }
        if let pid = leader.withLock({ $0 }) { await ProcessGroup(leader: pid).settle() }
        if Task.isCancelled { return .stopped(isTimeout: false) }
        switch result {
        case .failure(let error):
            return leader.withLock { $0 } == nil ? Self.notStarted(error) : .outOfSight("\(error)")
        case .success((_, .tooMuch)): return .tooMuchOutput
        case .success((.exited(let code), .all(let output, let errors))):
            return .exited(code: Int(code), output: output, errors: errors)
        case .success((.signaled(let number), .all(_, let errors))):
            return .signalled(number: Int(number), errors: errors)
        }
    }

    private static func notStarted(_ error: any Error) -> Ending {
        let reason = (error as? SubprocessError)?.underlyingError
        switch reason {
        case .some(.noSuchFileOrDirectory), .some(.permissionDenied):
            return .notStarted("the interpreter in its first line cannot be run", isRetryable: false)
        case .some(.execFormatError):
            return .notStarted("the file is not a program; does its first line lack '#!/bin/sh'?", isRetryable: false)
        case .some(.argListTooLong):
            return .notStarted("its arguments are too long; pass large data through the context", isRetryable: false)
        case .some(let other):
            return .notStarted("\(other)", isRetryable: true)
        case nil:
            return .notStarted("\(error)", isRetryable: true)
        }
    }
}

// MARK: Streams

extension ProcessRun {
    private enum Streams: Sendable {
        case all(output: [UInt8], errors: [UInt8])
        case tooMuch
    }

    private typealias Running = Execution<CustomWriteInput, SequenceOutput, SequenceOutput>

    /// Writes the input and reads both outputs at once, so that none of the three pipes can block another.
    private func exchange(_ execution: Running) async throws -> Streams {
        async let fed: Void = Self.feed(self.input, to: execution.standardInputWriter)
        async let errors = Self.tail(of: execution.standardError)
        guard let output = try await Self.all(of: execution.standardOutput, limit: self.outputBytes) else {
            await execution.teardown(using: Self.teardown)
            return .tooMuch
        }
        let kept = try await errors
        await fed
        return .all(output: output, errors: kept)
    }

    private static func feed(_ bytes: [UInt8], to writer: StandardInputWriter) async {
        // A program that does not read all of its input, or none, is no failure; its exit code tells.
        do {
            _ = try await writer.write(bytes)
        } catch {}
        do {
            try await writer.finish()
        } catch {}
    }

    private static func all(of stream: SubprocessOutputSequence, limit: Int) async throws -> [UInt8]? {
        var bytes: [UInt8] = []
        for try await buffer in stream {
            guard bytes.count + buffer.count <= limit else { return nil }
            buffer.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    private static func tail(of stream: SubprocessOutputSequence) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await buffer in stream {
            buffer.withUnsafeBytes { bytes.append(contentsOf: $0) }
            if bytes.count > 2 * Self.errorBytes { bytes.removeFirst(bytes.count - Self.errorBytes) }
        }
        return Array(bytes.suffix(Self.errorBytes))
    }
}
