// SPDX-License-Identifier: Apache-2.0 OR MIT

package import Cano
package import CanoEngine

/// The built-in handler `route`: chooses a state, or takes the items of a split, from the context alone.
///
/// It runs nothing outside, so every worker has it.
package struct RouteHandler: WorkHandler {
    private let cache = ArgumentCache<RouteArguments>()
    private let limits: Limits

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    package func perform(_ grant: LeaseGrant, _ task: TaskContext) async -> AttemptReport.Result {
        do throws(WorkFailure) {
            return .completed(try self.completion(of: grant))
        } catch {
            return error.result
        }
    }

    private func completion(of grant: LeaseGrant) throws(WorkFailure) -> AttemptReport.Completion {
        let arguments = try self.cache.arguments(of: grant)
        let input = WorkInput(grant: grant)
        if case .expand = grant.input {
            if let pick = arguments.pick { return .items([try self.value(at: pick, in: try input.context()).payload]) }
            return .items(try self.items(at: arguments.over ?? "", in: try input.context()))
        }
        let rules = OutputRules(format: OutputFormat.none, route: arguments.route)
        return try StepOutput(rules: rules, input: input, limits: self.limits).completion(of: [], as: .ok)
    }

    private func value(at place: String, in context: JSONValue) throws(WorkFailure) -> JSONValue {
        guard let pointer = JSONPointer(place) else {
            throw WorkFailure("invalidArguments", "'\(place)' is not a JSON pointer; write it like '/files'")
        }
        guard let value = context.value(at: pointer) else {
            throw WorkFailure("invalidContext", "the context has nothing at '\(place)', where the input should be")
        }
        return value
    }

    private func items(at place: String, in context: JSONValue) throws(WorkFailure) -> [Payload] {
        let value = try self.value(at: place, in: context)
        guard case .array(let elements) = value else {
            throw WorkFailure("invalidContext", "the context has \(value.kind) at '\(place)', not a list of items")
        }
        return try StepOutput.items(elements, self.limits)
    }
}
