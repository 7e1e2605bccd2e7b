// SPDX-License-Identifier: Apache-2.0 OR MIT

package import Cano
package import CanoEngine
import Subprocess

/// The built-in handler `exec`: runs a program, never a shell line.
///
/// The program reads a JSON object from its standard input (see ``WorkInput``) and finds `CANO_RUN`, `CANO_STATE`,
/// `CANO_VISIT`, `CANO_ATTEMPT` and `CANO_IDEMPOTENCY_KEY` in its environment. It runs in the worker's working
/// directory and in a session of its own; when it ends, is cancelled or runs out of time, whatever it left behind in
/// its process group is asked to end and killed two seconds later.
///
/// Exit code 0 is success. Another one is a failure that may be retried, told with the last line of the standard error,
/// unless the step maps it otherwise.
package struct ExecHandler: WorkHandler {
    private let policy: ExecPolicy
    private let limits: Limits
    private let cache = ArgumentCache<ExecArguments>()

    /// A handler that runs what `policy` allows.
    package init(policy: ExecPolicy, limits: Limits = Limits()) {
        self.policy = policy
        self.limits = limits
    }

    package func perform(_ grant: LeaseGrant, _ task: TaskContext) async -> AttemptReport.Result {
        do throws(WorkFailure) {
            return .completed(try await self.attempt(grant, task))
        } catch {
            return error.result
        }
    }

    private func attempt(
        _ grant: LeaseGrant,
        _ task: TaskContext
    ) async throws(WorkFailure) -> AttemptReport.Completion {
        let arguments = try self.cache.arguments(of: grant)
        let input = WorkInput(grant: grant)
        let argv = try Self.render(arguments.argv, input)
        let output = StepOutput(rules: arguments.output, input: input, limits: self.limits)
        let run = ProcessRun(
            path: try self.policy.resolve(argv[0]),
            argv: argv,
            environment: Self.environment(of: grant),
            input: input.document,
            outputBytes: output.maximumBytes,
            deadline: task.deadline
        )
        switch await run.perform() {
        case .exited(let code, let bytes, let errors):
            let end = try Self.end(code, errors, arguments, program: argv[0])
            do throws(WorkFailure) {
                return try output.completion(of: bytes, as: end)
            } catch {
                throw output.afterEffect(error, task)
            }
        case .signalled(let number, let errors):
            let problem = "'\(argv[0])' was ended by signal \(number)" + Self.lastLine(errors)
            throw output.afterEffect(WorkFailure("signal", problem, isRetryable: true), task)
        case .tooMuchOutput:
            let problem =
                "'\(argv[0])' wrote more than the limit of \(output.maximumBytes) bytes to its standard output"
            throw output.afterEffect(WorkFailure("limitExceeded", problem), task)
        case .outOfSight(let reason):
            let problem = "'\(argv[0])' was lost sight of: \(reason)"
            throw output.afterEffect(WorkFailure("io", problem, isRetryable: true), task)
        case .stopped(let isTimeout):
            throw isTimeout ? .timeout : .cancelled
        case .notStarted(let reason, let isRetryable):
            throw WorkFailure("notStarted", "'\(run.path)' cannot be run: \(reason)", isRetryable: isRetryable)
        }
    }

    private static func render(_ templates: [String], _ input: WorkInput) throws(WorkFailure) -> [String] {
        var argv: [String] = []
        for template in templates {
            let argument = try Template.render(template, input)
            guard !argument.utf8.contains(0) else {
                throw WorkFailure("invalidArguments", "argument \(argv.count) of 'exec' contains a NUL character")
            }
            argv.append(argument)
        }
        guard !argv.isEmpty else { throw WorkFailure("invalidArguments", "'exec' names no program") }
        return argv
    }

    private static func environment(of grant: LeaseGrant) -> [Environment.Key: String?] {
        let key = grant.lease.key
        return [
            "CANO_RUN": key.run.description,
            "CANO_STATE": grant.state,
            "CANO_VISIT": String(key.visit),
            "CANO_ATTEMPT": String(grant.lease.attempt),
            "CANO_IDEMPOTENCY_KEY": grant.idempotencyKey,
            // What the worker itself was started with is a secret, and none of the program's business.
            "CANO_TOKEN": nil,
            "CANO_STORE": nil,
        ]
    }

    /// What an exit code means; throws when it means a failure.
    private static func end(
        _ code: Int,
        _ errors: [UInt8],
        _ arguments: ExecArguments,
        program: String
    ) throws(WorkFailure) -> OutcomeRule {
        let rule = arguments.exits?[code] ?? (code == 0 ? .ok : .retry)
        switch rule {
        case .ok, .next, .pending: return rule
        case .retry: throw Self.exitFailure(code, errors, program, isRetryable: true)
        case .fail: throw Self.exitFailure(code, errors, program, isRetryable: false)
        }
    }

    private static func exitFailure(
        _ code: Int,
        _ errors: [UInt8],
        _ program: String,
        isRetryable: Bool
    ) -> WorkFailure {
        WorkFailure("exit", "'\(program)' exited with \(code)" + Self.lastLine(errors), isRetryable: isRetryable)
    }

    private static func lastLine(_ errors: [UInt8]) -> String {
        let lines = String(decoding: errors, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let line = lines.last(where: { !$0.allSatisfy(\.isWhitespace) }) else { return "" }
        return ": " + WorkFailure.cut(line)
    }
}
