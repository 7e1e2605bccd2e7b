// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The name that a typing error most probably meant; `nil` when none is near.
package func nearest(to name: String, among names: [String]) -> String? {
    let wanted = Array(name.prefix(80).lowercased())
    let allowed = min(max(2, wanted.count / 3), wanted.count - 1)
    let candidates = names.map { (name: $0, distance: editDistance(wanted, Array($0.prefix(80).lowercased()))) }
    guard let best = candidates.min(by: { $0.distance < $1.distance }), best.distance <= allowed else { return nil }
    return best.name
}

/// How many insertions, deletions and replacements lead from one text to the other.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var row = Array(0...right.count)
    for (index, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for (column, other) in right.enumerated() {
            let replaced = diagonal + (character == other ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(replaced, row[column] + 1, row[column + 1] + 1)
        }
    }
    return row[right.count]
}
