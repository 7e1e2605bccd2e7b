// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Step {
    /// Bounds how long the work may wait, ready, for a worker that begins it.
    ///
    /// In a split this is said of each branch. When the time is up the work has failed for good, with the code
    /// `notStarted`.
    ///
    /// - Parameter time: how long.
    /// - Returns: the step.
    public func startWithin(_ time: Duration) -> Step {
        self.changing { $0.startWithin = Span(time) }
    }

    /// Bounds how long an attempt may be without a sign of life of its code.
    ///
    /// In a split this is said of each branch. The code gives signs of life with ``TaskContext/heartbeat()`` and
    /// ``TaskContext/progress(_:)``. An attempt that is silent for longer is cancelled and counts as a failed one, with
    /// the code `heartbeatMissed`.
    ///
    /// - Parameter time: how long.
    /// - Returns: the step.
    public func heartbeat(within time: Duration) -> Step {
        self.changing { $0.heartbeat = Span(time) }
    }

    /// Gives the same work to a second worker when an attempt takes long; the first outcome wins.
    ///
    /// In a split this is said of each branch. The work may then be done twice at once, under one idempotency key.
    ///
    /// - Parameter time: how long the first worker is given for itself.
    /// - Returns: the step.
    public func hedged(after time: Duration) -> Step {
        self.changing { $0.hedge = Span(time) }
    }

    /// Bounds how long a task may take from when its state is entered, over all attempts and pauses.
    ///
    /// When the time is up the step fails with the code `deadline`. The branches of a split are bounded by their join.
    ///
    /// - Parameter time: how long.
    /// - Returns: the step.
    public func within(_ time: Duration) -> Step {
        var step = self
        switch self.definition {
        case .task(var task, let next):
            task.within = Span(time)
            step.definition = .task(run: task, to: next)
        case .router(var task, let next):
            task.within = Span(time)
            step.definition = .router(run: task, to: next)
        case .split, .timer, .exit:
            step.code.problems.append("only a task has a deadline: bound a split with its join, and remove 'within'")
        }
        return step
    }

    /// Lets the worker that did the state before do this task at once, in the same report: there is no commit between.
    ///
    /// For work that takes far less time than a commit and may be repeated together with the state before. What fails
    /// runs again like any other task. As the first state, and behind a split or a wait, it runs like any other task.
    public var local: Step {
        var step = self
        guard case .task(var task, let next) = self.definition else {
            step.code.problems.append("only a task can be local: remove 'local'")
            return step
        }
        task.isLocal = true
        step.definition = .task(run: task, to: next)
        step.code.isLocal = true
        return step
    }

    /// The step with each of its tasks changed; the making of items and the gathering of results stay as they are.
    private func changing(_ change: (inout TaskDefinition) -> Void) -> Step {
        var step = self
        switch self.definition {
        case .task(var task, let next):
            change(&task)
            step.definition = .task(run: task, to: next)
        case .router(var task, let next):
            change(&task)
            step.definition = .router(run: task, to: next)
        case .split(var split, let next):
            switch split.work {
            case .each(let expand, var branch):
                change(&branch)
                split.work = .each(expand: expand, branch: branch)
            case .fixed(var branches):
                for index in branches.indices { change(&branches[index]) }
                split.work = .fixed(branches)
            }
            step.definition = .split(split, to: next)
        case .timer, .exit:
            step.code.problems.append(
                "only tasks and branches can be bounded and hedged: a wait or an exit has no code"
            )
        }
        return step
    }
}
