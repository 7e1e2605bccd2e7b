// SPDX-License-Identifier: Apache-2.0 OR MIT

package import CanoEngine

/// An error as the HTTP API shows it: `{"error": {"code": "…", "message": "…"}}`.
package enum ErrorBody {
    /// Writes the whole body.
    package static func write(_ error: CanoError, to writer: inout JSONWriter) {
        writer.object { writer in Self.writeMember(error, to: &writer) }
    }

    /// Writes the member `error` into an object.
    package static func writeMember(_ error: CanoError, to writer: inout JSONWriter) {
        writer.name("error")
        writer.object { writer in
            writer.member("code", error.code.name)
            writer.member("message", error.message)
        }
    }

    /// Reads the error of an object that has one.
    ///
    /// A code that this version does not know becomes `fallback`.
    package static func read(_ object: JSONMembers, fallback: CanoError.Code) throws(CanoError) -> CanoError? {
        guard object.text("error") != nil else { return nil }
        let error = try object.object("error")
        let code = try error.string("code").flatMap(CanoError.Code.init(name:)) ?? fallback
        return CanoError(code, try error.string("message") ?? "the server gave no message")
    }
}
