// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What went wrong, in a form that can grow without breaking callers.
public struct CanoError: Error, Sendable {
    /// A stable reason.
    ///
    /// New ones may appear.
    public struct Code: Hashable, Sendable {
        enum Kind: String {
            case invalidDefinition, definitionChanged, unknownWorkflow, unknownRun, unknownLimit, keyInUse,
                limitExceeded
            case invalidInput
            case storeUnavailable, storeBusy, storeCorrupt, schemaTooNew, protocolViolation, unauthorized, notOwner
            case shuttingDown, unreachable, runFailed, cancelled, taskFailed
            case invalidSchedule, unknownSchedule, scheduleRefused
        }
        let kind: Kind

        /// The name of the reason as it appears in JSON, logs and on the wire.
        public var name: String { self.kind.rawValue }

        /// A reason by its name; `nil` when this version does not know it.
        public init?(name: String) {
            guard let kind = Kind(rawValue: name) else { return nil }
            self.kind = kind
        }

        init(kind: Kind) { self.kind = kind }

        /// A definition breaks a rule; the message lists every problem.
        public static let invalidDefinition = Self(kind: .invalidDefinition)
        /// The same name and version exist with another digest.
        public static let definitionChanged = Self(kind: .definitionChanged)
        /// Nobody has registered such a workflow.
        public static let unknownWorkflow = Self(kind: .unknownWorkflow)
        /// There is no such run.
        public static let unknownRun = Self(kind: .unknownRun)
        /// No work has declared a limit of this name.
        public static let unknownLimit = Self(kind: .unknownLimit)
        /// The key belongs to a run that was started with another input.
        public static let keyInUse = Self(kind: .keyInUse)
        /// Something is larger than ``Limits`` allows.
        public static let limitExceeded = Self(kind: .limitExceeded)
        /// A request is not understood.
        public static let invalidInput = Self(kind: .invalidInput)
        /// The store cannot be reached now; trying again may help.
        public static let storeUnavailable = Self(kind: .storeUnavailable)
        /// Another process holds the store.
        public static let storeBusy = Self(kind: .storeBusy)
        /// The store holds something this version cannot read.
        public static let storeCorrupt = Self(kind: .storeCorrupt)
        /// The store was written by a newer version.
        public static let schemaTooNew = Self(kind: .schemaTooNew)
        /// The other side of a connection broke the protocol.
        public static let protocolViolation = Self(kind: .protocolViolation)
        /// The token is missing or wrong.
        public static let unauthorized = Self(kind: .unauthorized)
        /// Another process owns the shard now.
        public static let notOwner = Self(kind: .notOwner)
        /// The process is stopping and takes no new work.
        public static let shuttingDown = Self(kind: .shuttingDown)
        /// Nobody answers at an address, or an address cannot be listened on.
        public static let unreachable = Self(kind: .unreachable)
        /// The run ended without success.
        public static let runFailed = Self(kind: .runFailed)
        /// The run was cancelled.
        public static let cancelled = Self(kind: .cancelled)
        /// A task failed.
        public static let taskFailed = Self(kind: .taskFailed)
        /// A schedule cannot be understood, or never comes to pass.
        public static let invalidSchedule = Self(kind: .invalidSchedule)
        /// There is no such schedule.
        public static let unknownSchedule = Self(kind: .unknownSchedule)
        /// A schedule does not start a run now: the message says why, and what would help.
        public static let scheduleRefused = Self(kind: .scheduleRefused)
    }

    /// The stable reason.
    public var code: Code
    /// One line that names the culprit and the remedy.
    public var message: String
    /// What caused it, where there is a cause.
    public var cause: (any Error)?

    /// An error with its reason and one line for people.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension CanoError: CustomStringConvertible {
    /// The message, for people.
    public var description: String { self.message }
}
