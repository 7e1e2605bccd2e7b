// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// The definitions that this process knows, ready for running.
package final class PlanCatalogue: Sendable {
    private struct State {
        var plans: [DefinitionKey: Plan] = [:]
        var latest: [String: Int] = [:]
    }

    private let state = Guarded(State())

    package init() {}

    /// Adds a plan, or replaces it by itself; returns whether it is new.
    @discardableResult
    package func add(_ plan: Plan) -> Bool {
        self.state.withLock { state in
            let isNew = state.plans.updateValue(plan, forKey: plan.key) == nil
            state.latest[plan.key.name] = max(state.latest[plan.key.name] ?? 0, plan.key.version)
            return isNew
        }
    }

    /// A plan by name and version; the highest version when none is given.
    package func plan(_ name: String, version: Int?) -> Plan? {
        self.state.withLock { state in
            guard let version = version ?? state.latest[name] else { return nil }
            return state.plans[DefinitionKey(name: name, version: version)]
        }
    }

    /// All plans.
    package var all: [Plan] { self.state.withLock { Array($0.plans.values) } }
}
