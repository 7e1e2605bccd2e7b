// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Where a run is: the state, the visit, and how far the state's step is.
public struct Position: Hashable, Sendable {
    /// How far a step is.
    public enum Step: Hashable, Sendable {
        /// A task or a router.
        case single(WorkUnit)
        /// A split whose items are being made.
        case expanding(WorkUnit)
        /// A split whose branches run.
        case branches(Branches)
        /// A timer.
        case timer(due: Instant)
        /// A wait for a signal.
        case waiting(due: Instant?)
        /// A child that runs.
        case child(Child)
        /// An exit of failure: the run turns back.
        case exit
    }

    /// The state.
    public internal(set) var state: Plan.Index
    /// The number of the visit, from 1.
    public internal(set) var visit: Int
    /// The context.
    public internal(set) var context: Payload
    /// The results of the split whose join led here.
    public internal(set) var joined: [BranchOutcome]?
    /// Where the records of that split lie.
    var joinedFrom: ClosedRange<Int>?
    /// What a wait or a child that led here hands over.
    public internal(set) var arrival: Arrival?
    /// Where its record lies.
    var arrivalRecord: Record.ArrivalRecord?
    /// How far the step is.
    public internal(set) var step: Step
    /// Since when the run is there.
    public internal(set) var since = Instant(microseconds: 0)
    /// When the time of the state's task is up.
    public internal(set) var due: Instant?
    /// Why the run is to turn back, once it is to.
    public internal(set) var ending: Ending?
    /// Until when compensatable attempts are awaited before it does.
    public internal(set) var settleBy: Instant?
}

/// Something that was done and is undone should the run fail.
public struct SagaEntry: Hashable, Sendable {
    /// The sequence number of the record that pushed it.
    public var seq: Int
    /// The state whose task did it.
    public var state: Plan.Index
    /// The visit in which it was done.
    public var visit: Int
    /// The work that did it.
    public var path: WorkPath
    /// What the task returned; `nil` when nobody knows.
    public var output: Payload?
}

/// How far the way back is.
///
/// The entry to undo is the last of the run's saga.
public struct Undoing: Hashable, Sendable {
    /// Why the run turned back.
    public internal(set) var ending: Ending
    /// The undo of the last entry.
    public internal(set) var unit = WorkUnit()
    /// How many entries could not be undone.
    public internal(set) var notUndone = 0
}
