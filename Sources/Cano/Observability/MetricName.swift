// SPDX-License-Identifier: Apache-2.0 OR MIT

/// Every metric of Cano; `docs/telemetry.md` has the same table for people, and a test compares the two.
///
/// Labels are names of workflows, states, breakers and their kin, and words of small sets, never ids: what is written
/// down in definitions and code bounds how many series there are.
package enum MetricName: String, CaseIterable, Sendable {
    case runsStarted = "cano_runs_started_total"
    case runsResumed = "cano_runs_resumed_total"
    case runsFinished = "cano_runs_finished_total"
    case runDuration = "cano_run_duration_seconds"
    case runsBlocked = "cano_runs_blocked_total"
    case statesEntered = "cano_states_entered_total"
    case attemptsStarted = "cano_attempts_started_total"
    case attemptsEnded = "cano_attempts_ended_total"
    case attemptsOrphaned = "cano_attempts_orphaned_total"
    case attemptsRunning = "cano_attempts_running"
    case attemptDuration = "cano_attempt_duration_seconds"
    case retries = "cano_retries_total"
    case splitBranches = "cano_split_branches"
    case branchesEnded = "cano_branches_ended_total"
    case joinsDecided = "cano_joins_decided_total"
    case timersFired = "cano_timers_fired_total"
    case undosEnded = "cano_undos_ended_total"
    case rollbacksEnded = "cano_rollbacks_ended_total"
    case commits = "cano_commits_total"
    case commitDuration = "cano_commit_duration_seconds"
    case commitRecords = "cano_commit_records"
    case checkpoints = "cano_checkpoints_total"
    case ticks = "cano_ticks_total"
    case scheduleTrips = "cano_schedule_trips_total"
    case scheduledRuns = "cano_scheduled_runs"
    case breakerCalls = "cano_breaker_calls_total"
    case breakerChanges = "cano_breaker_changes_total"
    case limiterAcquired = "cano_limiter_acquired_total"
    case limiterTokens = "cano_limiter_tokens_total"
    case limiterThrottled = "cano_limiter_throttled_total"
    case limiterWait = "cano_limiter_wait_seconds"
    case bulkheadPermits = "cano_bulkhead_permits"
    case bulkheadRefused = "cano_bulkhead_refused_total"
    case bulkheadWait = "cano_bulkhead_wait_seconds"

    /// What a metric counts.
    package enum Kind: String, Sendable {
        case counter, gauge, timer, recorder
    }

    /// How it counts.
    package var kind: Kind {
        switch self {
        case .attemptsRunning, .scheduledRuns, .bulkheadPermits: .gauge
        case .runDuration, .attemptDuration, .commitDuration, .limiterWait, .bulkheadWait: .timer
        case .splitBranches, .commitRecords: .recorder
        case .runsStarted, .runsResumed, .runsFinished, .runsBlocked, .statesEntered, .attemptsStarted, .attemptsEnded,
            .attemptsOrphaned, .retries, .branchesEnded, .joinsDecided, .timersFired, .undosEnded, .rollbacksEnded,
            .commits, .checkpoints, .ticks, .scheduleTrips, .breakerCalls, .breakerChanges, .limiterAcquired,
            .limiterTokens, .limiterThrottled, .bulkheadRefused:
            .counter
        }
    }

    /// What one is.
    package var unit: String {
        switch self {
        case .runDuration, .attemptDuration, .commitDuration, .limiterWait, .bulkheadWait: "seconds"
        case .runsStarted, .runsResumed, .runsFinished, .runsBlocked, .scheduledRuns: "runs"
        case .statesEntered: "entries"
        case .attemptsStarted, .attemptsEnded, .attemptsOrphaned, .attemptsRunning, .retries: "attempts"
        case .splitBranches, .branchesEnded: "branches"
        case .joinsDecided: "joins"
        case .timersFired: "timers"
        case .undosEnded: "undos"
        case .rollbacksEnded: "rollbacks"
        case .commits: "commits"
        case .commitRecords: "records"
        case .checkpoints: "checkpoints"
        case .ticks: "ticks"
        case .scheduleTrips: "trips"
        case .breakerCalls, .limiterAcquired, .limiterThrottled, .bulkheadRefused: "calls"
        case .breakerChanges: "changes"
        case .limiterTokens: "tokens"
        case .bulkheadPermits: "permits"
        }
    }

    /// By what its series differ.
    package var labels: [String] {
        switch self {
        case .runsStarted, .runsResumed, .attemptsRunning, .scheduleTrips, .scheduledRuns: ["workflow"]
        case .runsFinished, .runDuration, .rollbacksEnded, .ticks: ["workflow", "outcome"]
        case .runsBlocked, .statesEntered, .timersFired, .splitBranches, .checkpoints: ["workflow", "state"]
        case .attemptsStarted, .attemptsOrphaned, .retries: ["workflow", "state", "work"]
        case .attemptsEnded, .attemptDuration: ["workflow", "state", "work", "outcome"]
        case .branchesEnded, .joinsDecided: ["workflow", "state", "outcome"]
        case .undosEnded: ["workflow", "outcome"]
        case .commits: ["outcome"]
        case .commitDuration, .commitRecords: []
        case .breakerCalls: ["breaker", "outcome"]
        case .breakerChanges: ["breaker", "from", "to"]
        case .limiterAcquired, .limiterTokens, .limiterWait: ["limiter"]
        case .limiterThrottled: ["limiter", "tier", "outcome"]
        case .bulkheadPermits, .bulkheadRefused, .bulkheadWait: ["bulkhead"]
        }
    }
}
