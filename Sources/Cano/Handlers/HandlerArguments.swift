// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine
import FoundationEssentials

/// What a built-in handler needs to know about one step.
///
/// Workflow documents are translated into it, workers read it.
package protocol HandlerArguments: Codable, Hashable, Sendable {
    /// The name of the handler that reads it.
    static var handler: String { get }
}

extension HandlerArguments {
    /// The stored form: JSON with sorted keys, so that the same arguments have the same digest.
    package func payload() throws(CanoError) -> Payload {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Payload(bytes: Array(try encoder.encode(self)), type: .json)
        } catch {
            throw CanoError(
                .invalidInput,
                "the arguments of '\(Self.handler)' cannot be written: \(error)",
                cause: error
            )
        }
    }

    /// Reads the stored form.
    package init(payload: Payload?) throws(CanoError) {
        guard let payload else {
            throw CanoError(.invalidInput, "the step has no arguments for its handler '\(Self.handler)'")
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(payload.bytes))
        } catch {
            throw CanoError(
                .invalidInput,
                "the step's arguments are not what the handler '\(Self.handler)' understands; was the definition "
                    + "written by a newer version?",
                cause: error
            )
        }
    }
}

/// How the output of a program or the body of an answer is read.
package enum OutputFormat: String, Hashable, Sendable, Codable, CaseIterable {
    /// A JSON value. A task's is merged into the context; nothing at all leaves the context as it is.
    case json
    /// Text in UTF-8 without the line ends behind it. A task's is stored under a key.
    case text
    /// A list of the lines, as strings. A task's is stored under a key.
    case lines
    /// Nothing: it is thrown away.
    case none
}

/// What an exit code or a status of HTTP means for the step.
package enum OutcomeRule: Hashable, Sendable {
    /// The step did its work.
    case ok
    /// The step did its work and goes to this state.
    case next(String)
    /// The attempt failed; another one may help.
    case retry
    /// The step failed for good.
    case fail
    /// In a poll: it is not ready yet, and is asked again.
    case pending
}

extension OutcomeRule: Codable {
    private static let nextPrefix = "next:"

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        switch text {
        case "ok": self = .ok
        case "retry": self = .retry
        case "fail": self = .fail
        case "pending": self = .pending
        case let text where text.hasPrefix(Self.nextPrefix): self = .next(String(text.dropFirst(Self.nextPrefix.count)))
        default: throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no outcome")
        }
    }

    /// Written as one word, or `next:` and the state's name.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .ok: try container.encode("ok")
        case .retry: try container.encode("retry")
        case .fail: try container.encode("fail")
        case .pending: try container.encode("pending")
        case .next(let state): try container.encode(Self.nextPrefix + state)
        }
    }
}

/// What a step does with what came out of it; the same for every handler.
package struct OutputRules: Codable, Hashable, Sendable {
    /// How the output is read (default: JSON).
    package var format: OutputFormat?
    /// The key under which a task's text or lines are stored (default: the state's name).
    package var into: String?
    /// Which state follows.
    package var route: [RouteRule]?
    /// Whether the output is kept for an undo.
    package var isKept: Bool?
    /// In a poll: what must be true of the context, with the output merged, for it to be ready; its state is not used.
    package var until: RouteRule?

    package init(
        format: OutputFormat? = nil,
        into: String? = nil,
        route: [RouteRule]? = nil,
        isKept: Bool? = nil,
        until: RouteRule? = nil
    ) {
        self.format = format
        self.into = into
        self.route = route
        self.isKept = isKept
        self.until = until
    }
}
