// SPDX-License-Identifier: Apache-2.0 OR MIT

import ArgumentParser
import Cano
import CanoEngine

/// How an error becomes one line and an exit status.
enum CommandFailure {
    /// A request or a run failed.
    static let failed: Int32 = 1
    /// The command line is wrong (`EX_USAGE`).
    static let usage: Int32 = 64
    /// Nobody can be asked now (`EX_UNAVAILABLE`).
    static let unavailable: Int32 = 69

    /// Writes the error as one line, help as it is, and returns the exit status.
    ///
    /// Who wants JSON gets the error as a document too, unless the run that failed is the document.
    static func report(_ error: any Error, isJSON: Bool) -> Int32 {
        if error is CleanExit || RootCommand.exitCode(for: error) == .success {
            Console.write(RootCommand.fullMessage(for: error) + "\n")
            return 0
        }
        if isJSON, let error = error as? CanoError, error.code != .runFailed {
            var writer = JSONWriter()
            ErrorBody.write(error, to: &writer)
            Console.write(String(decoding: writer.bytes, as: UTF8.self) + "\n")
        }
        let (line, status) = Self.describe(error)
        if !line.isEmpty { Console.complain(line) }
        return status
    }

    /// The line and the exit status of an error.
    static func describe(_ error: any Error) -> (line: String, status: Int32) {
        if let error = error as? CanoError {
            return (error.message, Self.status(of: error.code))
        }
        if let code = error as? ExitCode { return ("", code.rawValue) }
        if error is CancellationError { return ("interrupted", Self.failed) }
        let message = RootCommand.message(for: error)
        if RootCommand.exitCode(for: error) == .validationFailure {
            return ("\(message); see 'cano help'", Self.usage)
        }
        return (message, Self.failed)
    }

    /// Throws when a run that somebody waited for did not end well.
    static func failUnlessSucceeded(_ run: RunView) throws {
        guard let complaint = RunText.complaint(run) else { return }
        throw CanoError(.runFailed, complaint)
    }

    private static func status(of code: CanoError.Code) -> Int32 {
        switch code {
        case .unreachable, .storeUnavailable, .storeBusy, .shuttingDown, .notOwner: Self.unavailable
        // Codes are open: whatever else went wrong is a failure.
        default: Self.failed
        }
    }
}
