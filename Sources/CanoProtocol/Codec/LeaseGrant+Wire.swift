// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

extension WireLeases {
    /// Grants share the description of their work as far as they agree about it.
    init(_ grants: [LeaseGrant]) {
        self.init()
        var works: [LeaseGrant] = []  // one grant for each entry of `work`
        self.leases.reserveCapacity(grants.count)
        for grant in grants {
            // Grants of one batch mostly come state by state, so the last few are enough to look at; texts that were
            // copied from the same definition compare by identity.
            let recent = works.indices.suffix(4)
            var position = recent.last { works[$0].hasSameWork(as: grant) }
            if position == nil {
                position = works.endIndex
                works.append(grant)
                self.work.append(WireWork(grant))
            }
            var lease = WireLease()
            lease.ref = WireLeaseRef(grant.lease)
            lease.work = Int64(position ?? 0)
            lease.input = .init(grant.input)
            lease.arrival = grant.arrival.map { .init($0) }
            if let cursor = grant.cursor { lease.cursor = WirePayload(cursor) }
            self.leases.append(lease)
        }
    }
}

extension LeaseGrant {
    fileprivate func hasSameWork(as other: LeaseGrant) -> Bool {
        self.state == other.state && self.definition == other.definition && self.handler == other.handler
            && self.digest == other.digest && self.timeout == other.timeout && self.next == other.next
            && self.arguments == other.arguments && self.heartbeat == other.heartbeat
    }

    static func list(wire: WireLeases) throws(CanoError) -> [LeaseGrant] {
        var templates: [LeaseGrant] = []
        for work in wire.work { templates.append(try LeaseGrant(template: work)) }
        var grants: [LeaseGrant] = []
        grants.reserveCapacity(wire.leases.count)
        for lease in wire.leases {
            guard let index = Int(exactly: lease.work), templates.indices.contains(index) else {
                throw violation("leases.work", "is \(lease.work), but the frame describes \(templates.count)")
            }
            var grant = templates[index]
            grant.lease = try LeaseRef(wire: lease.ref, "leases.ref")
            grant.input = try Input(wire: lease.input)
            grant.arrival = try lease.arrival.map { (wire) throws(CanoError) in try CanoEngine.Arrival(wire: wire) }
            grant.cursor = lease.hasCursor ? try Payload(wire: lease.cursor, "leases.cursor") : nil
            grants.append(grant)
        }
        return grants
    }

    /// What the grants that refer to this work have in common; lease and input are filled in for each.
    private init(template work: WireWork) throws(CanoError) {
        let nobody = LeaseRef(
            key: WorkKey(run: RunID(high: 0, low: 0), visit: 0, path: .step),
            attempt: 0,
            token: Token(epoch: Epoch(rawValue: 0), counter: 0)
        )
        self.init(
            lease: nobody,
            definition: DefinitionKey(name: work.workflow, version: try number(work.version, "leases.work.version")),
            digest: work.digest,
            state: work.state,
            handler: work.handler,
            arguments: work.hasArguments ? try Payload(wire: work.arguments, "leases.work.arguments") : nil,
            next: work.next,
            timeout: work.hasTimeoutMs ? Span(milliseconds: work.timeoutMs) : nil,
            heartbeat: work.hasHeartbeatMs ? Span(milliseconds: work.heartbeatMs) : nil,
            input: .undo(of: .step, output: nil)
        )
    }
}

extension WireWork {
    fileprivate init(_ grant: LeaseGrant) {
        self.init()
        self.workflow = grant.definition.name
        self.version = Int64(grant.definition.version)
        self.digest = grant.digest
        self.state = grant.state
        self.handler = grant.handler
        if let arguments = grant.arguments { self.arguments = WirePayload(arguments) }
        self.next = grant.next
        if let timeout = grant.timeout { self.timeoutMs = timeout.milliseconds }
        if let heartbeat = grant.heartbeat { self.heartbeatMs = heartbeat.milliseconds }
    }
}

// MARK: Inputs

extension WireLease.OneOf_Input {
    fileprivate init(_ input: LeaseGrant.Input) {
        switch input {
        case .task(let context, let branches): self = .task(WireStateInput(context, branches))
        case .router(let context, let branches): self = .router(WireStateInput(context, branches))
        case .expand(let context, let branches): self = .expand(WireStateInput(context, branches))
        case .branch(let index, let item, let context):
            var wire = WireBranchInput()
            wire.index = Int64(index)
            wire.item = WirePayload(item)
            if context != LeaseGrant.noContext { wire.context = WirePayload(context) }
            self = .branch(wire)
        case .undo(let path, let output):
            var wire = WireUndoInput()
            (wire.path, wire.index) = path.wire
            if let output { wire.output = WirePayload(output) }
            self = .undo(wire)
        }
    }
}

extension LeaseGrant {
    /// What stands in a branch's grant while its context travels on its own.
    package static let noContext = Payload(bytes: [], type: .binary)
}

extension LeaseGrant.Input {
    fileprivate init(wire: WireLease.OneOf_Input?) throws(CanoError) {
        switch wire {
        case .task(let input):
            let (context, branches) = try input.parts("leases.task")
            self = .task(context: context, branches: branches)
        case .router(let input):
            let (context, branches) = try input.parts("leases.router")
            self = .router(context: context, branches: branches)
        case .expand(let input):
            let (context, branches) = try input.parts("leases.expand")
            self = .expand(context: context, branches: branches)
        case .branch(let input):
            self = .branch(
                index: try number(input.index, "leases.branch.index"),
                item: try Payload(wire: input.item, "leases.branch.item"),
                context: input.hasContext
                    ? try Payload(wire: input.context, "leases.branch.context") : LeaseGrant.noContext
            )
        case .undo(let input):
            self = .undo(
                of: try WorkPath(wire: input.path, index: input.index, "leases.undo"),
                output: input.hasOutput ? try Payload(wire: input.output, "leases.undo.output") : nil
            )
        case nil: throw violation("leases.input", "is missing or unknown")
        }
    }
}

extension WireStateInput {
    fileprivate init(_ context: Payload, _ branches: [BranchOutcome]?) {
        self.init()
        self.context = WirePayload(context)
        guard let branches else { return }
        self.branches.results = branches.map { branch in
            var wire = WireBranchResult()
            switch branch {
            case .success(let output): wire.success = WirePayload(output)
            case .failure(let failure): wire.failure = WireFailure(failure)
            case .cancelled: wire.cancelled = WireNothing()
            }
            return wire
        }
    }

    fileprivate func parts(_ field: String) throws(CanoError) -> (Payload, [BranchOutcome]?) {
        let context = try Payload(wire: self.context, "\(field).context")
        guard self.hasBranches else { return (context, nil) }
        var branches: [BranchOutcome] = []
        branches.reserveCapacity(self.branches.results.count)
        for wire in self.branches.results {
            switch wire.result {
            case .success(let output): branches.append(.success(try Payload(wire: output, "\(field).branches")))
            case .failure(let failure): branches.append(.failure(Failure(wire: failure)))
            case .cancelled: branches.append(.cancelled)
            case nil: throw violation("\(field).branches.result", "is missing or unknown")
            }
        }
        return (context, branches)
    }
}
