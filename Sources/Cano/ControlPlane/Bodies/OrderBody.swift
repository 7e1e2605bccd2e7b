// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// Orders for runs and their answers, as the HTTP API carries them.
///
/// The body of a signal is its payload; its id is in the query. An intervention is
/// `{"path": …, "note": …, "output": …, "next": …}`, each member optional. A migration is
/// `{"from": 1, "to": 2, "map": ["old=new"]}`.
package enum OrderBody {
    // MARK: Interventions

    /// Reads what a person decided; an empty body decides for everything that is blocked.
    package static func read(_ verb: Intervention.Verb, _ text: JSONText) throws(CanoError) -> Intervention {
        let body = try JSONMembers(text, subject: "the body")
        try body.allow(["path", "note", "output", "next"])
        var intervention = Intervention(verb, note: try body.string("note"), next: try body.string("next"))
        if let path = try body.string("path") {
            guard let work = WorkPath(path) else {
                let message = "'path' is '\(path)'; write it like the timeline: step, expand, branch/17, undo/5"
                throw CanoError(.invalidInput, message)
            }
            intervention.path = work
        }
        intervention.output = body.text("output")?.payload
        return intervention
    }

    /// Writes what a person decided.
    package static func write(_ intervention: Intervention, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("next", intervention.next)
            writer.member("note", intervention.note)
            if let output = intervention.output {
                writer.name("output")
                writer.payload(output)
            }
            writer.member("path", intervention.path?.description)
        }
    }

    // MARK: Migrations

    /// Reads a migration of a workflow.
    package static func readMigration(of workflow: String, _ text: JSONText) throws(CanoError) -> MigrationOrder {
        let body = try JSONMembers(text, subject: "the body")
        try body.allow(["from", "to", "map"])
        var map = StateMap()
        for pair in try body.strings("map") {
            guard map.add(pair) else {
                throw CanoError(.invalidInput, "'\(pair)' in 'map' is no pair of states: write it like pay=charge")
            }
        }
        return MigrationOrder(
            workflow: workflow,
            from: try body.required("from", body.integer("from")),
            to: try body.required("to", body.integer("to")),
            map: map
        )
    }

    /// Writes a migration.
    package static func write(_ order: MigrationOrder, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("from", order.from)
            writer.name("map")
            writer.array { writer in
                for (from, to) in order.map.renamed.sorted(by: { $0.key < $1.key }) { writer.string("\(from)=\(to)") }
            }
            writer.member("to", order.to)
        }
    }

    // MARK: Answers

    /// Writes what became of an order: `{"answer": "done"}`.
    package static func write(_ answer: OrderAnswer, to writer: inout JSONWriter) {
        writer.object { $0.member("answer", answer.rawValue) }
    }

    /// Reads what became of an order.
    package static func readAnswer(_ object: JSONMembers) throws(CanoError) -> OrderAnswer {
        let name = try object.required("answer", object.string("answer"))
        guard let answer = OrderAnswer(rawValue: name) else {
            throw CanoError(
                .protocolViolation,
                "the answer '\(name)' is unknown; use the newest version of this client"
            )
        }
        return answer
    }

    /// Writes what became of a migration.
    package static func write(_ report: MigrationReport, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("migrated", report.migrated)
            writer.member("posted", report.posted)
            writer.name("refused")
            writer.array { writer in
                for refused in report.refused {
                    writer.object { writer in
                        writer.member("reason", refused.reason)
                        writer.member("run", refused.run.description)
                    }
                }
            }
        }
    }

    /// Reads what became of a migration.
    package static func readReport(_ object: JSONMembers) throws(CanoError) -> MigrationReport {
        var report = MigrationReport()
        report.migrated = try object.required("migrated", object.integer("migrated"))
        report.posted = try object.integer("posted") ?? 0
        for (index, refused) in try object.array("refused").enumerated() {
            let refused = try JSONMembers(refused, subject: "refused[\(index)]")
            report.refused.append(
                MigrationReport.Refused(
                    run: try refused.required("run", refused.run("run")),
                    reason: try refused.string("reason") ?? ""
                )
            )
        }
        return report
    }
}
