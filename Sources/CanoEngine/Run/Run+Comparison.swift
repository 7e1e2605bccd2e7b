// SPDX-License-Identifier: Apache-2.0 OR MIT

extension Run {
    /// The run as a new owner would know it at this moment: leases are forgotten, pauses that are over have ended.
    ///
    /// What its store remembers, restored and seen the same way, equals it. Tests and the simulator compare the two.
    package func withoutLeases(at now: Instant) -> Run {
        func forget(_ unit: inout WorkUnit) {
            switch unit.state {
            case .leased:
                unit.state = .ready
                unit.hedge = nil
            case .backingOff(let until): if until <= now { unit.state = .ready }
            case .ready, .parked, .closed: break
            }
        }
        var run = self
        switch run.position.step {
        case .single(var unit):
            forget(&unit)
            run.position.step = .single(unit)
        case .expanding(var unit):
            forget(&unit)
            run.position.step = .expanding(unit)
        case .branches(var branches):
            for index in branches.all.indices { branches.change(index, forget) }
            run.position.step = .branches(branches)
        case .timer, .waiting, .child, .exit: break
        }
        if case .undoing(var undoing) = run.phase {
            forget(&undoing.unit)
            run.phase = .undoing(undoing)
        }
        return run
    }
}
