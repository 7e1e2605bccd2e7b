// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A task that works on a stream of items, window by window, with a durable cursor behind each window.
///
/// One attempt keeps its source open for as long as it lasts. After a crash, a failure, or when the process stops, the
/// next attempt opens the source again behind the last window whose cursor is durable: items of the window after it may
/// come twice. A stream may be endless: the history keeps only its newest cursors.
public protocol StreamTask: NamedTask {
    /// The workflow's context.
    associatedtype Context
    /// Where the items come from.
    associatedtype Source: AsyncSequence & Sendable where Source.Element: Sendable
    /// What comes out of an item.
    associatedtype ItemOutput: Sendable
    /// Where the stream goes on behind an item.
    associatedtype Cursor: Codable & Sendable
    /// What the task returns at the end of the stream.
    associatedtype Output = Void

    /// Opens the source.
    ///
    /// - Parameters:
    ///   - context: the workflow's context.
    ///   - cursor: that of the last item of the last durable window; `nil` for the beginning.
    ///   - task: the attempt.
    /// - Returns: the items behind the cursor.
    /// - Throws: whatever went wrong; the attempt has then failed.
    func open(_ context: Context, after cursor: Cursor?, _ task: TaskContext) async throws -> Source

    /// Works on one item.
    func process(_ item: Source.Element, _ task: TaskContext) async throws -> (ItemOutput, Cursor)

    /// Does what is to be done with a window of outputs; behind it the cursor of its last item is durable.
    func flush(_ outputs: [ItemOutput], _ task: TaskContext) async throws -> WindowAnswer

    /// Ends the work; what it changes in the context counts.
    func close(_ context: inout Context, _ end: StreamEnd, _ task: TaskContext) async throws -> Output

    /// The attempt stops before the end of the stream: its worker stops, or the run is cancelled. The window that was
    /// open has been flushed.
    func interrupted(_ task: TaskContext) async
}

extension StreamTask {
    /// Nothing.
    public func interrupted(_ task: TaskContext) async {}
}

/// What follows behind a window.
public enum WindowAnswer: Hashable, Sendable {
    /// The stream goes on.
    case more
    /// The work is done, whatever the source still has.
    case stop
}

/// Why a stream ended.
public enum StreamEnd: Hashable, Sendable {
    /// The source has no more items.
    case exhausted
    /// A window answered ``WindowAnswer/stop``.
    case stopped
}

/// When a window of a stream is flushed.
public enum StreamWindow: Hashable, Sendable {
    /// After so many items, at least one.
    case count(Int)
    /// After so long, if it has any items.
    case time(Duration)
}

/// How a stream is read.
struct StreamRules: Sendable {
    var window: StreamWindow
    var errors: StreamErrors
    var itemTimeout: Duration?
}

/// What becomes of a stream when working on an item fails.
public struct StreamErrors: Hashable, Sendable {
    /// How many failures one after another are put up with; `nil` for any number.
    let tolerated: Int?

    /// The attempt fails.
    public static let fail = StreamErrors(tolerated: 0)
    /// The item is left out.
    public static let skip = StreamErrors(tolerated: nil)

    /// The item is left out, up to so many one after another.
    ///
    /// - Parameter count: how many.
    /// - Returns: the rule.
    public static func consecutive(_ count: Int) -> StreamErrors {
        StreamErrors(tolerated: max(0, count))
    }

    func tolerates(_ failures: Int) -> Bool { self.tolerated.map { failures <= $0 } ?? true }
}
