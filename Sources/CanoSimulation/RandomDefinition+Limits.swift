// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

extension RandomDefinition {
    /// Declares limits of every kind for some of the work, the same ones in every definition of a seed.
    ///
    /// It has draws of its own, so that the rest of the story is told as it is without limits.
    package static func limit(_ definition: inout Definition, seed: UInt64) {
        var shared = Draw(seed: seed ^ 0x6C69_6D69_7473)
        let kinds = [
            DeclaredLimit("db", .concurrency(1 + shared.number(below: 3))),
            DeclaredLimit("api", .rate(2 + shared.number(below: 10), per: shared.span(200...2_000))),
            DeclaredLimit(
                "pay",
                .breaker(
                    BreakerPolicy {
                        $0.consecutiveFailures = 1 + shared.number(below: 3)
                        $0.openTime = shared.span(200...5_000)
                        $0.probes = 1 + shared.number(below: 2)
                        $0.closingSuccesses = $0.probes
                    }
                )
            ),
        ]
        var draw = Draw(seed: seed ^ UInt64(definition.name.utf8.reduce(0) { $0 &* 31 &+ UInt32($1) }))
        for index in definition.states.indices {
            switch definition.states[index].step {
            case .task(var task, let next):
                if !task.isLocal { task.limits = kinds.filter { _ in draw.chance(40) } }
                definition.states[index].step = .task(run: task, to: next)
            case .split(var split, let next):
                switch split.work {
                case .each(let expand, var branch):
                    branch.limits = kinds.filter { _ in draw.chance(40) }
                    split.work = .each(expand: expand, branch: branch)
                case .fixed(var branches):
                    for index in branches.indices { branches[index].limits = kinds.filter { _ in draw.chance(40) } }
                    split.work = .fixed(branches)
                }
                definition.states[index].step = .split(split, to: next)
            case .router, .timer, .wait, .child, .exit:
                break
            }
        }
    }
}
