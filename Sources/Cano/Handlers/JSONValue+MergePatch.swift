// SPDX-License-Identifier: Apache-2.0 OR MIT

extension JSONValue {
    /// Applies a merge patch (RFC 7396): members of the patch replace those of the value, `null` removes them, objects
    /// are merged one within the other, everything else is replaced as a whole.
    package mutating func merge(_ patch: JSONValue) {
        guard case .object(let changes) = patch else {
            self = patch
            return
        }
        var members = JSONObject()
        if case .object(let old) = self { members = old }
        for (name, change) in changes {
            if case .null = change {
                members[name] = nil
            } else {
                var member = members[name] ?? .null
                member.merge(change)
                members[name] = member
            }
        }
        self = .object(members)
    }
}
